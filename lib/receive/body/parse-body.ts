/** Determines the type of a body from its headers, and parses its bytes to a value and a digest. */
import type { Issue } from '../../events/events'
import { parseJson, type JsonResult } from '../../bytes/json'
import { sha256 } from '../../bytes/sha256'
import { removedKeyIssues } from '../../events/validate'
import { Pieces } from '../../bytes/pieces'
import { refuse, sentence, type Refusal } from '../../answer/refusal'

export interface ParsedBody {
  ok: true
  /** The JSON value; for tXML, the equivalent JSON value. */
  value: unknown
  /** SHA-256 of the bytes, in hex. */
  digest: string
  /** What was removed while parsing. */
  issues: Issue[]
}

export type MediaType = 'json' | 'xml' | 'missing'

const JSON_BODY = { ok: true, type: 'json' } as const

/**
 * The type in the headers: `application/json`, `+json`, `application/xml`, `text/xml` or none. `charset` is ignored:
 * senders state wrong ones, and bytes that are not UTF-8 are refused as malformed.
 */
export function readMediaType(contentType: string | undefined): { ok: true; type: MediaType } | Refusal {
  if (contentType === 'application/json') return JSON_BODY
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  // Parameters without a type are not a type.
  if (type === '') return { ok: true, type: 'missing' }
  if (type === 'application/xml' || type === 'text/xml') return { ok: true, type: 'xml' }
  if (type === 'application/json' || /^[^/\s]+\/[^/\s]+\+json$/.test(type)) return JSON_BODY
  return refuse(
    'unsupported_media_type',
    'Content-Type must be application/json, application/xml or text/xml, or end with +json.',
  )
}

/**
 * Parses JSON at once and tXML in pieces. The first character decides which it is: a wrong Content-Type does not make a
 * body unreadable. `unwanted`: whether the result is no longer needed.
 */
export function parseBytes(
  bytes: Pieces,
  type: MediaType,
  unwanted?: () => boolean,
): ParsedBody | Refusal | Promise<ParsedBody | Refusal> {
  const first = firstCharacter(bytes)
  if (first === '<' || (type === 'xml' && first !== '{'))
    return loadTxml()
      .readTxml(bytes.whole, unwanted)
      .then((read) => parsedBody(bytes, read, read.ok ? read.issues : []))
  return parsedBody(bytes, parseJson(bytes.all), [])
}

/** Loaded lazily: only needed for tXML. */
function loadTxml(): typeof import('../../txml/read') {
  return require('../../txml/read') as typeof import('../../txml/read')
}

function parsedBody(bytes: Pieces, read: JsonResult, issues: Issue[]): ParsedBody | Refusal {
  if (!read.ok) return refuse('malformed_body', sentence(read.reason))
  const { value, removedKeys } = read
  if (removedKeys.length > 0) issues.unshift(...removedKeyIssues(removedKeys))
  return { ok: true, value, digest: sha256(bytes.all), issues }
}

/** The first byte after a byte order mark and white space. */
function firstCharacter(bytes: Pieces): string | undefined {
  return /[^\s\0]/.exec(bytes.all[0]?.toString('utf8', 0, 64) ?? '')?.[0]
}

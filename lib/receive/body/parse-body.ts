/** What the headers say of a body, and from its bytes to a value with the digest that identifies it. */
import type { Issue } from '../../events/events'
import { parseJson, type JsonResult } from '../../bytes/json'
import { sha256 } from '../../bytes/sha256'
import { removedKeyIssues } from '../../events/validate'
import { Pieces } from '../../bytes/pieces'
import { refuse, sentence, type Refusal } from '../../answer/refusal'

export interface ParsedBody {
  ok: true
  /** What JSON holds; of tXML, what its JSON twin holds. */
  value: unknown
  /** SHA-256 of the bytes, in hex. */
  digest: string
  /** What was left out on the way. */
  issues: Issue[]
}

export type MediaType = 'json' | 'xml' | 'missing'

const JSON_BODY = { ok: true, type: 'json' } as const

/**
 * What the headers say of the body: `application/json`, `+json`, `application/xml` or `text/xml`, or nothing. A `charset` is
 * not looked at: senders name wrong ones, and bytes that are not UTF-8 are refused as malformed.
 */
export function readMediaType(contentType: string | undefined): { ok: true; type: MediaType } | Refusal {
  if (contentType === 'application/json') return JSON_BODY
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  // Parameters alone say nothing either.
  if (type === '') return { ok: true, type: 'missing' }
  if (type === 'application/xml' || type === 'text/xml') return { ok: true, type: 'xml' }
  if (type === 'application/json' || /^[^/\s]+\/[^/\s]+\+json$/.test(type)) return JSON_BODY
  return refuse(
    'unsupported_media_type',
    'Content-Type must be application/json, application/xml or text/xml, or end with +json.',
  )
}

/**
 * JSON at once, tXML piece by piece. The first character decides between them: a wrong Content-Type does not make a body
 * unreadable. `unwanted`: whether no one waits for the result any more.
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

/** Loaded when the first XML comes: most webhooks get none. */
function loadTxml(): typeof import('../../txml/read') {
  return require('../../txml/read') as typeof import('../../txml/read')
}

function parsedBody(bytes: Pieces, read: JsonResult, issues: Issue[]): ParsedBody | Refusal {
  if (!read.ok) return refuse('malformed_body', sentence(read.reason))
  const { value, removedKeys } = read
  if (removedKeys.length > 0) issues.unshift(...removedKeyIssues(removedKeys))
  return { ok: true, value, digest: sha256(bytes.all), issues }
}

/** Past a byte order mark and white space. */
function firstCharacter(bytes: Pieces): string | undefined {
  return /[^\s\0]/.exec(bytes.all[0]?.toString('utf8', 0, 64) ?? '')?.[0]
}

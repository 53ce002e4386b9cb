/** Determines the type of a body from its headers, and parses its bytes to a value and a digest. */
import type { Issue } from '../../events/events'
import { parseJson, type JsonResult } from '../../bytes/json'
import { parseJsonInSlices } from '../../bytes/json-slices'
import { sha256, sha256InTurns } from '../../bytes/digest'
import { removedKeyIssues } from '../../events/validate'
import { Pieces } from '../../bytes/pieces'
import { refuse, sentence, type Refusal } from '../../answer/refusal'
import { Turns } from '../../bytes/turns'

export interface ParsedBody {
  ok: true
  /** The JSON value; for tXML, the JSON value with the same content. */
  value: unknown
  /** SHA-256 of the bytes, in hex. */
  digest: string
  /** Deviations that were found while parsing, such as keys that were removed. */
  issues: Issue[]
  /** Set for a large body: later steps over the whole value must yield to the event loop too. */
  turns?: Turns | undefined
}

export interface ParseOptions {
  /** Returns true once the result is no longer needed. */
  unwanted?: () => boolean
  /**
   * Called before a body is parsed in slices. Returns a function. If the beginning of the value can be parsed early,
   * this function is called with that beginning.
   */
  onSlices?: () => (beginning: unknown) => void
}

/** Smaller JSON is parsed without interruption, which takes about ten milliseconds at this size. */
export const LARGE_BYTES = 1024 * 1024

export type MediaType = 'json' | 'xml' | 'missing'

/** The media type of a body, or the refusal of a type that is not received. */
export type Media = { type: MediaType; refusal?: undefined } | { type?: undefined; refusal: Refusal }

export interface BodyLimits {
  bodyLimit: number
  txmlBodyLimit: number
}

export function limitOf({ type }: Media, { bodyLimit, txmlBodyLimit }: BodyLimits): number {
  return type === 'xml' ? txmlBodyLimit : bodyLimit
}

const JSON_BODY: Media = { type: 'json' }

/**
 * The media type in the headers: `application/json`, `+json`, `application/xml`, `text/xml` or none. `charset` is
 * ignored, because senders state wrong ones; bytes that are not UTF-8 are refused as malformed.
 */
export function readMediaType(contentType: string | undefined): Media {
  if (contentType === 'application/json') return JSON_BODY
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  // A header with only parameters contains no type.
  if (type === '') return { type: 'missing' }
  if (type === 'application/xml' || type === 'text/xml') return { type: 'xml' }
  if (type === 'application/json' || /^[^/\s]+\/[^/\s]+\+json$/.test(type)) return JSON_BODY
  const detail = 'Content-Type must be application/json, application/xml or text/xml, or end with +json.'
  return { refusal: refuse('unsupported_media_type', detail) }
}

/**
 * Parses small JSON at once. Parses large JSON and any tXML in slices, so that other work can run in between. A body
 * that begins with `<` is tXML, and a body that begins with `{` is JSON. The Content-Type does not matter then, because
 * senders may state a wrong one.
 */
export function parseBytes(
  bytes: Pieces,
  type: MediaType,
  options: ParseOptions = {},
): ParsedBody | Refusal | Promise<ParsedBody | Refusal> {
  // Skips a byte order mark, white space and NULs.
  const first = /[^\s\0]/.exec(bytes.all[0]?.toString('utf8', 0, 64) ?? '')?.[0]
  const isXml = first === '<' || (type === 'xml' && first !== '{')
  if (isXml || bytes.size >= LARGE_BYTES) return parseInSlices(bytes, isXml, options)
  const read = parseJson(bytes.all)
  return parsedBody(read, read.ok ? sha256(bytes.all) : '')
}

async function parseInSlices(
  bytes: Pieces,
  isXml: boolean,
  { unwanted, onSlices }: ParseOptions,
): Promise<ParsedBody | Refusal> {
  const turns = new Turns()
  const read = await (isXml ? loadTxml().readTxml : parseJsonInSlices)(bytes.all, {
    ...{ turns, unwanted },
    onBeginning: onSlices?.(),
  })
  const body = parsedBody(read, read.ok ? await sha256InTurns(bytes.all, turns) : '')
  return body.ok && bytes.size >= LARGE_BYTES ? { ...body, turns } : body
}

/** Loaded lazily: only needed for tXML. */
function loadTxml(): typeof import('../../txml/read') {
  return require('../../txml/read') as typeof import('../../txml/read')
}

function parsedBody(read: JsonResult & { issues?: Issue[] }, digest: string): ParsedBody | Refusal {
  if (!read.ok) return refuse('malformed_body', sentence(read.reason))
  const { value, removedKeys, issues = [] } = read
  if (removedKeys.length > 0) issues.unshift(...removedKeyIssues(removedKeys))
  return { ok: true, value, digest, issues }
}

/** The bytes of a body out of what the app made of them, and from bytes to a value with the digest that identifies it. */
import type { IncomingMessage } from 'node:http'
import type { Issue } from '../events'
import { parseJson, type JsonResult } from '../json'
import { sha256 } from '../sha256'
import { removedKeyIssues } from '../validate'
import { Pieces } from './pieces'
import { refuse, sentence, type Refusal } from './refusal'

export interface ParsedBody {
  ok: true
  /** What JSON holds; of tXML, what its JSON twin holds. */
  value: unknown
  /** SHA-256 of the bytes, in hex. */
  digest: string
  /** What was left out on the way. */
  issues: Issue[]
}

/** A body as it came, or as a parser of the app left it. */
export interface TakenBody {
  bytes: Pieces
  /** The app had parsed the body to an object, and this is its JSON: not the bytes that were sent. */
  reserialized: boolean
}

export type MediaType = 'json' | 'xml' | 'missing'

const JSON_BODY = { ok: true, type: 'json' } as const

/** What the headers say of the body: `application/json`, `+json`, `application/xml` or `text/xml`, in UTF-8; or nothing. */
export function readMediaType(contentType: string | undefined): { ok: true; type: MediaType } | Refusal {
  if (contentType === 'application/json') return JSON_BODY
  if (contentType === undefined || contentType.trim() === '') return { ok: true, type: 'missing' }
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const xml = type === 'application/xml' || type === 'text/xml'
  if (!xml && type !== 'application/json' && !/^[^/\s]+\/[^/\s]+\+json$/.test(type)) {
    return refuse(
      'unsupported_media_type',
      'Content-Type must be application/json, application/xml or text/xml, or end with +json.',
    )
  }
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '')
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii', ''].includes(charset)) {
    return refuse('unsupported_media_type', 'The character set must be UTF-8.')
  }
  return { ok: true, type: xml ? 'xml' : 'json' }
}

/** JSON at once, tXML piece by piece. `unwanted` tells that nobody waits for the result any more. */
export function parseBytes(
  bytes: Pieces,
  type: MediaType,
  unwanted?: () => boolean,
): ParsedBody | Refusal | Promise<ParsedBody | Refusal> {
  const xml = type === 'xml' || (type === 'missing' && firstCharacter(bytes.whole) === '<')
  if (xml)
    return loadTxml()
      .readTxml(bytes.whole, unwanted)
      .then((read) => parsedBody(bytes, read, read.ok ? read.issues : []))
  return parsedBody(bytes, parseJson(bytes.all), [])
}

/** Loaded when the first XML comes: most webhooks get none. */
function loadTxml(): typeof import('../txml/read') {
  return require('../txml/read') as typeof import('../txml/read')
}

function parsedBody(bytes: Pieces, read: JsonResult, issues: Issue[]): ParsedBody | Refusal {
  if (!read.ok) return refuse('malformed_body', sentence(read.reason))
  const { value, removedKeys } = read
  if (removedKeys.length > 0) issues.unshift(...removedKeyIssues(removedKeys))
  return { ok: true, value, digest: sha256(bytes.all), issues }
}

/**
 * A body that something before us has read: object, text or Buffer as it is. Express 4 sets `req.body = {}` beside an
 * unread stream too, so this is asked only once the stream has ended.
 */
export function takeParsedBody(req: IncomingMessage): ({ ok: true } & TakenBody) | Refusal | 'none' {
  const { body } = req as { body?: unknown }
  if (body === '' || (body instanceof Uint8Array && body.length === 0)) return 'none'
  if (body instanceof Uint8Array) return taken(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
  if (typeof body === 'string') return taken(Buffer.from(body, 'utf8'))
  if (typeof body === 'object' && body !== null && !isLeftover(req, body)) {
    try {
      // To bytes, to be parsed again: the same depth cap and removal of keys as for bodies that are read here.
      return taken(Buffer.from(JSON.stringify(body), 'utf8'), true)
    } catch {
      // cyclic, or with a BigInt: nothing that a JSON body can have become
    }
  }
  return swallowed()
}

function taken(bytes: Buffer, reserialized = false): { ok: true } & TakenBody {
  return { ok: true, bytes: Pieces.of(bytes), reserialized }
}

/** Something before us has begun to read the stream, or told it to give text: what is left is not the body. */
export function isTouched(req: IncomingMessage): boolean {
  return req.readableDidRead || req.readableEncoding !== null
}

/** Never the sender's fault: it is to try again, and the log has to tell a person. */
export function swallowed(): Refusal {
  return refuse('unavailable', 'The body had been read before it came here, and nothing usable was left of it.', {
    cause: new Error(
      'The body was consumed before it reached the webhook. Mount the webhook before express.json() and other body parsers.',
    ),
  })
}

/** Nothing, or what parsers leave where there was no body. */
export function isEmpty(body: unknown): boolean {
  if (body instanceof Uint8Array) return body.length === 0
  return (
    body === undefined || body === '' || (typeof body === 'object' && body !== null && Object.keys(body).length === 0)
  )
}

/** An empty object that stands for a body which something else has swallowed. */
function isLeftover(req: IncomingMessage, body: object): boolean {
  return isEmpty(body) && Number(req.headers['content-length'] ?? Infinity) > 2
}

function firstCharacter(bytes: Buffer): string | undefined {
  return /\S/.exec(bytes.toString('utf8', 0, 64))?.[0]
}

/**
 * The body of a request that the app has read before us: the bytes that it kept, or what its parser made of them.
 * Whatever the app has done to it, the sender is not at fault: see `doubt`.
 */
import type { IncomingMessage } from 'node:http'
import type { Issue } from '../../events/events'
import { startsAsText } from './decode'
import type { TakenBody } from '../../answer/exchange'
import { bytesOf, Pieces } from '../../bytes/pieces'
import { refuse, type Refusal } from '../../answer/refusal'

interface TakenAppBody {
  ok: true
  body: TakenBody
}

const ADVICE = 'Mount the webhook before express.json() and whatever else reads or changes the body.'

/**
 * To be asked once the stream has ended or something else has read from it: Express 4 sets `req.body = {}` beside an
 * unread stream too. `rawBody` is set in the `verify` option of parsers, and by serverless platforms.
 */
export function takeAppBody(req: IncomingMessage): TakenAppBody | Refusal | 'none' {
  const { body, rawBody } = req as { body?: unknown; rawBody?: unknown }
  const taken = takeBytes(req, rawBody) ?? takeBytes(req, body)
  if (taken) return taken
  if (isEmpty(body)) return hadBody(req) ? swallowed() : 'none'
  if (typeof body === 'object') {
    try {
      // To bytes, to be parsed again: the same depth cap and removal of keys as for bodies that are read here.
      const bytes = Pieces.of(Buffer.from(JSON.stringify(body), 'utf8'))
      return { ok: true, body: { bytes, reserialized: true, exact: false } }
    } catch {
      // cyclic, or with a BigInt: nothing that a JSON body can have become
    }
  }
  return swallowed()
}

/** The bytes of a stream with an encoding set by the app: decoding may have changed them. */
export function takeText(req: IncomingMessage, bytes: Pieces): TakenAppBody | Refusal {
  return takeBytes(req, bytes.whole.toString('utf8')) ?? swallowed()
}

function takeBytes(req: IncomingMessage, value: unknown): TakenAppBody | undefined {
  const isText = typeof value === 'string'
  const found = bytesOf(value)
  if (found === undefined || found.length === 0) return undefined
  const bytes = Pieces.of(found)
  const exact = isExact(req, found, isText)
  // A parser that took the bytes for another encoding than UTF-8 has changed each character beyond ASCII. Some apps keep
  // the bytes as base64 or hex, or only their digest.
  if (isText && !exact && (isGarbled(req, value) || !startsAsText(bytes))) return undefined
  return { ok: true, body: { bytes, reserialized: false, exact } }
}

/** Only the length tells: of a compressed body or one in chunks it is not known. */
function isExact({ headers }: IncomingMessage, bytes: Buffer, isText: boolean): boolean {
  if (headers['content-encoding'] !== undefined || headers['content-length'] === undefined) return false
  const missing = Number(headers['content-length']) - bytes.length
  return missing === 0 || (isText && missing === MARK_BYTES)
}

/** Parsers leave out a byte order mark. */
const MARK_BYTES = 3

function isGarbled({ headers }: IncomingMessage, text: string): boolean {
  if (/^[\x00-\x7f]*$/.test(text)) return false
  const lengthDiffers = headers['content-encoding'] === undefined && headers['content-length'] !== undefined
  const type = headers['content-type'] ?? ''
  return lengthDiffers || text.includes('\uFFFD') || (/charset=/i.test(type) && !/charset=["']?utf-?8\b/i.test(type))
}

/** What the app read, or else what the headers announce. */
function hadBody(req: IncomingMessage): boolean {
  const { 'content-length': length = 0, 'transfer-encoding': encoding } = req.headers
  const didRead = (req.readableDidRead as boolean | undefined) ?? encoding !== undefined
  return didRead || Number(length) > 0
}

/** Nothing, or what parsers and serverless platforms leave where there was no body. */
function isEmpty(body: unknown): boolean {
  if (body === undefined || body === null || body === '') return true
  if (typeof body !== 'object') return false
  const bytes = bytesOf(body)
  if (bytes) return bytes.length === 0
  // A promise or a web stream has no keys either, and it may hold an event.
  return Object.prototype.toString.call(body) === '[object Object]' && Object.keys(body).length === 0
}

/** Never the sender's fault: it is to try again, and the log has to tell a person. */
export function swallowed(): Refusal {
  return refuse('unavailable', 'The body had been read before it came here, and nothing usable was left of it.', {
    cause: new Error(`The body was consumed before it reached the webhook. ${ADVICE}`),
  })
}

/**
 * The refusal of a body that may not be as it was sent (not `exact`), or `undefined` if it is not refused. An event that can
 * be read is delivered. Anything else may be the work of the app, so Tradecloud has to keep the event until the app is
 * corrected.
 */
export function doubt(
  refusal: Refusal | undefined,
  { reserialized }: Pick<TakenBody, 'reserialized'>,
  value?: unknown,
): Refusal | undefined {
  const isWrong = refusal && ['malformed_body', 'invalid_body', 'unsupported_media_type'].includes(refusal.outcome)
  if (!isWrong && !(reserialized && isStripped(value))) return refusal
  const { detail = '', issues = [] } = refusal ?? {}
  return refuse('unavailable', 'The body had been read or changed before it came here, and it is not an event.', {
    cause: new Error(
      `The body that the app left is not an event. ${ADVICE} ${[detail, ...texts(issues)].join(' ')}`.trim(),
    ),
  })
}

/** Nothing but an event name and other plain values: what some validators leave. */
function isStripped(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return !Object.values(value).some((field) => typeof field === 'object' && field !== null)
}

function texts(issues: readonly Issue[]): string[] {
  return issues.map(({ pointer, message }) => `${pointer} ${message}.`)
}

/**
 * The body of a request that the app has already read: the bytes that the app kept, or the result of its parser. The
 * sender is not at fault for what the app has changed; see `doubt`.
 */
import type { IncomingMessage } from 'node:http'
import type { Issue } from '../../events/events'
import { decode, encodingLabels, isEncoded, OVERLOADED, startsAsText } from './decode'
import { limitOf, type BodyLimits, type Media, type MediaType } from './parse-body'
import type { Exchange, TakenBody } from '../../answer/exchange'
import { bytesOf, Pieces, type ByteBudget } from '../../bytes/pieces'
import { refuse, type Refusal } from '../../answer/refusal'

export interface TakeLeftOptions extends BodyLimits {
  budget: ByteBudget
}

/** `type` tells how to parse the body. A refusal may have a body too, for the quarantine. */
export type TakeBodyResult =
  { body: TakenBody; type: MediaType; refusal?: undefined } | { body?: TakenBody | undefined; refusal: Refusal }

interface TakenAppBody {
  ok: true
  body: TakenBody
}

const ADVICE = 'Mount the webhook before express.json() and whatever else reads or changes the body.'

/** Takes what is left of a body that the app has read. */
export function takeLeft(
  exchange: Exchange,
  media: Media,
  options: TakeLeftOptions,
): TakeBodyResult | 'none' | Promise<TakeBodyResult> {
  const { req, headers } = exchange
  const encoding = headers['content-encoding']
  const taken = takeAppBody(req)
  if (taken === 'none') return taken
  if (!taken.ok) return { refusal: taken }
  const { body } = taken
  // The sender has set the media type, so the app cannot be the cause of this refusal.
  if (media.refusal) return { body: { ...body, exact: true, encoding }, refusal: media.refusal }
  // If the type is XML, the object comes from an XML parser of the app, whose format is not known.
  if (body.reserialized) return media.type === 'xml' ? { refusal: swallowed() } : { body, type: 'json' }
  const labels = encodingLabels(encoding)
  return isEncoded(body.bytes, labels) ? decodeLeft(exchange, body, labels, media, options) : { body, ...media }
}

async function decodeLeft(
  exchange: Exchange,
  body: TakenBody,
  labels: string[],
  media: Media,
  options: TakeLeftOptions,
): Promise<TakeBodyResult> {
  const { budget } = options
  const { size } = body.bytes
  if (!budget.take(size)) return { refusal: refuse('unavailable', OVERLOADED) }
  const decoding = decode(body.bytes, labels, { limit: limitOf(media, options), budget })
  exchange.abandon = decoding.stop
  const read = await decoding.result
  exchange.abandon = undefined
  if (!read.ok) return { body: { ...body, encoding: exchange.headers['content-encoding'] }, refusal: read }
  exchange.whenDone(() => budget.give(read.bytes.size))
  return { body: { ...body, bytes: read.bytes }, ...media }
}

/**
 * May be called only after the stream has ended or other code has read from it: Express 4 sets `req.body = {}` even if
 * no code has read the stream. `rawBody` is set by the `verify` option of parsers and by serverless platforms.
 */
export function takeAppBody(req: IncomingMessage): TakenAppBody | Refusal | 'none' {
  const { body, rawBody } = req as { body?: unknown; rawBody?: unknown }
  const taken = takeBytes(req, rawBody) ?? takeBytes(req, body)
  if (taken) return taken
  if (isEmpty(body)) return hadBody(req) ? swallowed() : 'none'
  if (typeof body === 'object') {
    try {
      // The object is serialised, and later parsed again: the same limits then apply as for other bodies, and the same
      // keys are removed.
      const bytes = Pieces.of(Buffer.from(JSON.stringify(body), 'utf8'))
      return { ok: true, body: { bytes, reserialized: true, exact: false } }
    } catch {
      // A cyclic object, or one with a BigInt, does not come from parsing JSON.
    }
  }
  return swallowed()
}

/** Takes text from a stream on which the app has set an encoding. Decoding may have changed the bytes. */
export function takeText(req: IncomingMessage, bytes: Pieces): TakenAppBody | Refusal {
  return takeBytes(req, bytes.whole.toString('utf8')) ?? swallowed()
}

function takeBytes(req: IncomingMessage, value: unknown): TakenAppBody | undefined {
  const isText = typeof value === 'string'
  const found = bytesOf(value)
  if (found === undefined || found.length === 0) return undefined
  const bytes = Pieces.of(found)
  const exact = isExact(req, found, isText)
  // Text cannot be used if a parser assumed an encoding other than UTF-8, because then all characters outside ASCII
  // have changed. Nor can it be used if the app keeps the bytes as base64 or hex, or keeps only their digest.
  if (isText && !exact && (isGarbled(req, value) || !startsAsText(bytes))) return undefined
  return { ok: true, body: { bytes, reserialized: false, exact } }
}

/**
 * True if the body has the length that the headers state. They do not state the length of a chunked body, or the length
 * of a compressed body after decompression.
 */
function isExact({ headers }: IncomingMessage, bytes: Buffer, isText: boolean): boolean {
  if (headers['content-encoding'] !== undefined || headers['content-length'] === undefined) return false
  const missing = Number(headers['content-length']) - bytes.length
  return missing === 0 || (isText && missing === MARK_BYTES)
}

/** Length of a byte order mark, which parsers omit. */
const MARK_BYTES = 3

function isGarbled({ headers }: IncomingMessage, text: string): boolean {
  if (/^[\x00-\x7f]*$/.test(text)) return false
  const lengthDiffers = headers['content-encoding'] === undefined && headers['content-length'] !== undefined
  const type = headers['content-type'] ?? ''
  return lengthDiffers || text.includes('\uFFFD') || (/charset=/i.test(type) && !/charset=["']?utf-?8\b/i.test(type))
}

/** True if there was a body, judging by what the app has read, or by the headers. */
function hadBody(req: IncomingMessage): boolean {
  const { 'content-length': length = 0, 'transfer-encoding': encoding } = req.headers
  const didRead = (req.readableDidRead as boolean | undefined) ?? encoding !== undefined
  return didRead || Number(length) > 0
}

/** True if there is nothing, or only the value that parsers and serverless platforms set if there was no body. */
function isEmpty(body: unknown): boolean {
  if (body === undefined || body === null || body === '') return true
  if (typeof body !== 'object') return false
  const bytes = bytesOf(body)
  if (bytes) return bytes.length === 0
  // Requires a plain object: a promise or a web stream has no keys either, but may contain an event.
  return Object.prototype.toString.call(body) === '[object Object]' && Object.keys(body).length === 0
}

/** The refusal for a mistake of the app rather than the sender: Tradecloud retries, and the log names the mistake. */
export function swallowed(): Refusal {
  return refuse('unavailable', 'The body was read before the webhook got it, and nothing usable was left of it.', {
    cause: new Error(`The body was consumed before it reached the webhook. ${ADVICE}`),
  })
}

/**
 * Returns the refusal of a body that the app may have changed (not `exact`). If the body is malformed, invalid, of a
 * wrong media type, or stripped, the app may be the cause. In this case, the refusal is `unavailable`, so that
 * Tradecloud keeps the event until the app is corrected. In all other cases, `refusal` is returned unchanged.
 */
export function doubt(
  refusal: Refusal | undefined,
  { reserialized }: Pick<TakenBody, 'reserialized'>,
  value?: unknown,
): Refusal | undefined {
  const isWrong = refusal && ['malformed_body', 'invalid_body', 'unsupported_media_type'].includes(refusal.outcome)
  if (!isWrong && !(reserialized && isStripped(value))) return refusal
  const { detail = '', issues = [] } = refusal ?? {}
  return refuse('unavailable', 'The body was read or changed before the webhook got it, and it is not an event.', {
    cause: new Error(
      `The body that the app left is not an event. ${ADVICE} ${[detail, ...texts(issues)].join(' ')}`.trim(),
    ),
  })
}

/** True for a body that has only simple values, such as the event name: some validators remove everything else. */
function isStripped(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return !Object.values(value).some((field) => typeof field === 'object' && field !== null)
}

function texts(issues: readonly Issue[]): string[] {
  return issues.map(({ pointer, message }) => `${pointer} ${message}.`)
}

/** Gets the bytes of a body, from the request or from the app, and determines how to parse them. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Exchange, TakenBody } from '../../answer/exchange'
import { refuse, type Refusal } from '../../answer/refusal'
import { doubt, swallowed, takeAppBody, takeText } from './app-body'
import type { ByteBudget } from '../../bytes/pieces'
import { decode, encodingLabels, isEncoded, OVERLOADED, type BodyResult } from './decode'
import { readMediaType, type MediaType } from './parse-body'
import { readBody } from './read-body'

export interface TakeBodyOptions {
  budget: ByteBudget
  bodyLimit: number
  txmlBodyLimit: number
  uploadIdleTimeoutMs: number
  /** True if bodies with a wrong media type or encoding are read too, because they are quarantined. */
  keepsUnreadable: boolean
}

type Media = { ok: true; type: MediaType } | Refusal

/** `type` tells how to parse the body. For a refusal, `body` is set if its bytes are known. */
export type TakeBodyResult =
  { body: TakenBody; type: MediaType; refusal?: undefined } | { body?: TakenBody | undefined; refusal: Refusal }

export function takeBody(
  exchange: Exchange,
  options: TakeBodyOptions,
): TakeBodyResult | 'none' | Promise<TakeBodyResult | 'none'> {
  const { req, headers } = exchange
  const media = readMediaType(headers['content-type'])
  // A request of an adapter may have only `body` and not be a stream.
  if ((req.readableEnded as boolean | undefined) !== false) return takeLeft(exchange, media, options)
  if (!media.ok && announcesBody(headers) && !options.keepsUnreadable) return { refusal: media }
  return takeUpload(exchange, media, options)
}

async function takeUpload(
  exchange: Exchange,
  media: Media,
  options: TakeBodyOptions,
): Promise<TakeBodyResult | 'none'> {
  const { req } = exchange
  const { uploadIdleTimeoutMs: idleMs, budget } = options
  const limit = limitOf(media, options)
  const onlyWait = req.readableDidRead
  const reading = readBody(req, { limit, idleMs, budget, onlyWait, upload: exchange })
  exchange.startUpload(reading.stop)
  const read = await reading.result
  exchange.abandon = undefined
  const isText = req.readableEncoding !== null
  if (!read.ok)
    return isText ? { refusal: doubt(read, { reserialized: false }) ?? read } : keepRaw(exchange, read, options)
  const { bytes } = read
  // A body without bytes may also have been compressed.
  if (bytes.size === 0) return req.readableDidRead && !onlyWait ? 'none' : takeLeft(exchange, media, options)
  exchange.whenDone(() => budget.give(bytes.size))
  if (!isText) return readAs(media, { bytes, reserialized: false, exact: true })
  const taken = takeText(req, bytes)
  return taken.ok ? readAs(media, taken.body) : { refusal: taken }
}

/** Keeps the bytes of a body that could not be decoded, for the quarantine. */
function keepRaw(
  exchange: Exchange,
  { raw: bytes, ...refusal }: Exclude<BodyResult, { ok: true }>,
  { budget, keepsUnreadable }: TakeBodyOptions,
): TakeBodyResult {
  if (!keepsUnreadable || bytes === undefined) return { refusal }
  if (!budget.take(bytes.size)) return { refusal: refuse('unavailable', OVERLOADED) }
  exchange.whenDone(() => budget.give(bytes.size))
  const encoding = exchange.headers['content-encoding']
  return { body: { bytes, reserialized: false, exact: true, encoding }, refusal }
}

function readAs(media: Media, body: TakenBody): TakeBodyResult {
  return media.ok ? { body, type: media.type } : { body, refusal: media }
}

export function limitOf(media: Media, { bodyLimit, txmlBodyLimit }: TakeBodyOptions): number {
  return media.ok && media.type === 'xml' ? txmlBodyLimit : bodyLimit
}

function announcesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Takes what is left of a body that the app has read. */
function takeLeft(
  exchange: Exchange,
  media: Media,
  options: TakeBodyOptions,
): TakeBodyResult | 'none' | Promise<TakeBodyResult> {
  const { req, headers } = exchange
  const encoding = headers['content-encoding']
  const taken = takeAppBody(req)
  if (taken === 'none') return taken
  if (!taken.ok) return { refusal: taken }
  const { body } = taken
  // The sender has set the media type, so the refusal stands, whatever the app did to the body.
  if (!media.ok) return { body: { ...body, exact: true, encoding }, refusal: media }
  // The object comes from an XML parser of the app, whose format is not known.
  if (body.reserialized) return media.type === 'xml' ? { refusal: swallowed() } : { body, type: 'json' }
  const labels = encodingLabels(encoding)
  return isEncoded(body.bytes, labels) ? decodeLeft(exchange, body, labels, media, options) : readAs(media, body)
}

async function decodeLeft(
  exchange: Exchange,
  body: TakenBody,
  labels: string[],
  media: Media,
  options: TakeBodyOptions,
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
  return readAs(media, { ...body, bytes: read.bytes })
}

/**
 * From a request to a trigger, or to the result that ends it: credentials, address, method, ID, media type, body, event,
 * in this order.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Exchange } from '../answer/exchange'
import type { Authenticator } from './sender/authenticate'
import type { ByteBudget } from './body/byte-budget'
import { doubt, OF_THE_APP, swallowed, takeAppBody, takeText } from './body/app-body'
import { decode, encodingLabels, isEncoded, OVERLOADED, type BodyResult } from './body/decode'
import { parseBytes, readMediaType, type MediaType, type ParsedBody } from './body/parse-body'
import type { Pieces } from '../bytes/pieces'
import { HUNG_UP, readBody, wasReset } from './body/read-body'
import { readTrigger, type RequestFacts, type Received, type ReadTriggerOptions } from './event/read-trigger'
import { refuse, sentence, type Refusal } from '../answer/refusal'
import { mountHidesId, type RouteMatch, type Routes } from './route'
import { readTriggerId, type TriggerId } from './event/trigger-id'

export interface ReceiverOptions extends ReadTriggerOptions {
  authenticator: Authenticator
  budget: ByteBudget
  bodyLimit: number
  txmlBodyLimit: number
  uploadIdleTimeoutMs: number
  /** The bytes of a body of a wrong media type or encoding are read as well: they go to quarantine. */
  keepsUnreadable: boolean
  isClosed: () => boolean
  routes: Routes
}

type Method = 'GET' | 'POST' | 'PUT'

/** Never rejects but for a bug of ours. */
export async function receive(
  exchange: Exchange,
  match: RouteMatch,
  rawQuery: string,
  options: ReceiverOptions,
): Promise<Received> {
  const { req } = exchange
  const { authenticator, budget, isClosed } = options
  try {
    const verdict = authenticator.check(req)
    if (!(verdict === true || (await verdict))) {
      noteUrlId(exchange, readTriggerId(match, rawQuery))
      return { ok: false, outcome: 'unauthorized', headers: { 'WWW-Authenticate': authenticator.challenge } }
    }
  } catch (cause) {
    return { ok: false, outcome: 'unavailable', detail: 'The credentials could not be checked now.', cause }
  }
  // A custom function may have taken longer than the answer could wait: then nothing more is read.
  if (exchange.finished) return { ok: false, outcome: 'answer_timeout' }
  // After the credentials: who has none learns nothing of addresses.
  if (exchange.client?.refusal) {
    noteUrlId(exchange, readTriggerId(match, rawQuery))
    return exchange.client.refusal
  }
  if (isClosed()) return { ok: false, outcome: 'unavailable', detail: 'The receiver is shutting down.' }
  if (budget.full)
    return { ok: false, outcome: 'unavailable', detail: 'Too many bodies are being processed at the moment.' }
  const { method } = exchange
  const urlId = readTriggerId(match, rawQuery)
  if (method !== 'GET' && method !== 'POST' && method !== 'PUT') {
    noteUrlId(exchange, urlId)
    return { ok: false, outcome: 'method_not_allowed', headers: { Allow: 'GET, POST, PUT' } }
  }
  if (method === 'GET') return idTrigger(exchange, urlId, method, options)
  const body = await takeBody(exchange, options)
  if (body === 'none' && (urlId.found || urlId.problem !== undefined))
    return idTrigger(exchange, urlId, method, options)
  const isMalformed = body === 'none' || (!body.ok && body.outcome === 'malformed_body')
  if (isMalformed && (await wasReset(exchange.req))) return HUNG_UP
  if (body === 'none')
    return misrouted(exchange, urlId, options) ?? refuse('malformed_body', 'There is no body, and no ID in the URL.')
  const { known, requestId, receivedAt, rawBody, body: taken } = exchange
  if (!body.ok) return taken ? doubt(body, taken) : body
  const origin: RequestFacts = {
    method,
    urlId,
    requestId,
    receivedAt,
    rawBody,
    misrouted: () => misrouted(exchange, urlId, options),
  }
  const received = readTrigger(body, origin, options, known)
  return taken ? doubt(received, taken, body.value) : received
}

function idTrigger(exchange: Exchange, urlId: TriggerId, method: Method, options: ReceiverOptions): Received {
  if (!urlId.found)
    return misrouted(exchange, urlId, options) ?? refuse('invalid_id', sentence(urlId.problem ?? 'the URL holds no ID'))
  const { kind, id } = urlId
  noteUrlId(exchange, urlId)
  if (!options.wants(kind, undefined)) return { ok: false, outcome: 'ignored' }
  const { requestId, receivedAt } = exchange
  return { ok: true, trigger: { type: 'id', kind, id, method, requestId, receivedAt } }
}

/** Also for a refusal, so that its log line names the order or shipment. */
function noteUrlId({ known }: Exchange, urlId: TriggerId): void {
  if (!urlId.found) return
  known.kind = urlId.kind
  known.entityId = urlId.id
}

/** The URL holds no ID, and that is not the sender's fault. */
function misrouted({ req }: Exchange, urlId: TriggerId, { routes }: ReceiverOptions): Refusal | undefined {
  if (urlId.found) return undefined
  if (urlId.variable !== undefined) return refuse('not_routed', sentence(urlId.problem ?? ''))
  if (urlId.problem !== undefined || !mountHidesId(req, routes)) return undefined
  return refuse('not_routed', 'The mount of the webhook hides the path, and the ID in it.')
}

type Body = ParsedBody | Refusal | 'none'
type Media = { ok: true; type: MediaType } | Refusal

function takeBody(exchange: Exchange, options: ReceiverOptions): Body | Promise<Body> {
  const { req, headers } = exchange
  const media = readMediaType(headers['content-type'])
  // Requests of adapters may be no streams at all, and have `body` only.
  if ((req.readableEnded as boolean | undefined) !== false) return takeLeft(exchange, media, options)
  if (!media.ok && announcesBody(headers) && !options.keepsUnreadable) return media
  const { uploadIdleTimeoutMs: idleMs, budget } = options
  const limit = limitOf(media, options)
  const onEnd = (): void => exchange.endUpload()
  const onlyWait = req.readableDidRead
  const reading = readBody(req, { limit, idleMs, budget, onlyWait, onEnd })
  exchange.startUpload(reading.stop)
  return reading.result.then((read) => {
    exchange.abandon = undefined
    const isText = req.readableEncoding !== null
    if (!read.ok) return isText ? doubt(read, OF_THE_APP) : keepRaw(exchange, read, options)
    const { bytes } = read
    // Bytes that decompress to nothing are no body either.
    if (bytes.size === 0) return req.readableDidRead && !onlyWait ? 'none' : takeLeft(exchange, media, options)
    exchange.whenDone(() => budget.give(bytes.size))
    const taken = isText ? takeText(req, bytes) : ({ ok: true, bytes, reserialized: false, exact: true } as const)
    if (!taken.ok) return taken
    exchange.bodyBytes = bytes.size
    exchange.body = taken
    if (!media.ok) return media
    return parseBytes(bytes, media.type, () => exchange.finished)
  })
}

/** The bytes of a body that could not be decoded stay with the exchange, for the quarantine. */
function keepRaw(
  exchange: Exchange,
  { raw, ...refusal }: Exclude<BodyResult, { ok: true }>,
  { budget, keepsUnreadable }: ReceiverOptions,
): Refusal {
  if (!keepsUnreadable || raw === undefined) return refusal
  if (!budget.take(raw.size)) return refuse('unavailable', OVERLOADED)
  exchange.whenDone(() => budget.give(raw.size))
  exchange.bodyBytes = raw.size
  exchange.body = { bytes: raw, reserialized: false, exact: true, encoding: exchange.headers['content-encoding'] }
  return refusal
}

function limitOf(media: Media, { bodyLimit, txmlBodyLimit }: ReceiverOptions): number {
  return media.ok && media.type === 'xml' ? txmlBodyLimit : bodyLimit
}

function announcesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** What the app has left of a body that it has read. */
function takeLeft(exchange: Exchange, media: Media, options: ReceiverOptions): Body | Promise<Body> {
  const { req, headers } = exchange
  const { budget } = options
  const taken = takeAppBody(req)
  if (taken === 'none' || !taken.ok) return taken
  if (!media.ok) {
    // The media type is the sender's, whatever the app has done to the body.
    exchange.body = { ...taken, exact: true, encoding: headers['content-encoding'] }
    return media
  }
  const { reserialized, exact } = taken
  // What an XML parser of the app made of the body is not known here.
  if (reserialized && media.type === 'xml') return swallowed()
  const type = reserialized ? 'json' : media.type
  const parse = (bytes: Pieces): Body | Promise<Body> => {
    exchange.bodyBytes = bytes.size
    exchange.body = { bytes, reserialized, exact }
    return parseBytes(bytes, type, () => exchange.finished)
  }
  const labels = encodingLabels(headers['content-encoding'])
  if (reserialized || !isEncoded(taken.bytes, labels)) return parse(taken.bytes)
  if (!budget.take(taken.bytes.size)) return refuse('unavailable', OVERLOADED)
  exchange.body = { ...taken, encoding: headers['content-encoding'] }
  const decoding = decode(taken.bytes, labels, { limit: limitOf(media, options), budget })
  exchange.abandon = decoding.stop
  return decoding.result.then((read) => {
    exchange.abandon = undefined
    if (!read.ok) return read
    exchange.whenDone(() => budget.give(read.bytes.size))
    return parse(read.bytes)
  })
}

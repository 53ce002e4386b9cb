/**
 * From a request to a trigger, or to the result that ends it: credentials, address, method, ID, media type, body, event,
 * in this order.
 */
import type { Exchange } from '../exchange'
import type { Authenticator } from './authenticate'
import type { ByteBudget } from './byte-budget'
import { isEmpty, isTouched, parseBytes, readMediaType, swallowed, takeParsedBody, type ParsedBody } from './parse-body'
import { hasNoBody, readBody } from './read-body'
import { readTrigger, type Received, type ReadTriggerOptions } from './read-trigger'
import { sentence, type Refusal } from './refusal'
import type { RouteMatch } from './route'
import { readTriggerId, type TriggerId } from './trigger-id'

export interface ReceiverOptions extends ReadTriggerOptions {
  authenticator: Authenticator
  budget: ByteBudget
  bodyLimit: number
  txmlBodyLimit: number
  uploadIdleTimeoutMs: number
  isClosed: () => boolean
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
  if (body === 'none') {
    if (urlId.found || urlId.problem !== undefined) return idTrigger(exchange, urlId, method, options)
    return { ok: false, outcome: 'malformed_body', detail: 'There is no body, and no ID in the URL.' }
  }
  if (!body.ok) return body
  const { known, requestId, receivedAt } = exchange
  return readTrigger(body, { method, urlId, requestId, receivedAt, rawBody: exchange.rawBody }, options, known)
}

function idTrigger(exchange: Exchange, urlId: TriggerId, method: Method, { wants }: ReceiverOptions): Received {
  if (!urlId.found)
    return { ok: false, outcome: 'invalid_id', detail: sentence(urlId.problem ?? 'the URL holds no ID') }
  const { kind, id } = urlId
  noteUrlId(exchange, urlId)
  if (!wants(kind, undefined)) return { ok: false, outcome: 'ignored' }
  const { requestId, receivedAt } = exchange
  return { ok: true, trigger: { type: 'id', kind, id, method, requestId, receivedAt } }
}

/** Also for a refusal, so that its log line names the order or shipment. */
function noteUrlId({ known }: Exchange, urlId: TriggerId): void {
  if (!urlId.found) return
  known.kind = urlId.kind
  known.entityId = urlId.id
}

type Body = ParsedBody | Refusal | 'none'

function takeBody(
  exchange: Exchange,
  { bodyLimit, txmlBodyLimit, uploadIdleTimeoutMs: idleMs, budget }: ReceiverOptions,
): Body | Promise<Body> {
  const { req, headers } = exchange
  const unwanted = (): boolean => exchange.finished
  const ended = req.readableEnded
  if (hasNoBody(req, headers) && (!ended || isEmpty((req as { body?: unknown }).body))) return 'none'
  const media = readMediaType(headers['content-type'])
  if (!media.ok) return media
  if (ended) {
    const taken = takeParsedBody(req)
    if (taken === 'none' || !taken.ok) return taken
    // What an XML parser of the app made of the body is not known here.
    if (taken.reserialized && media.type === 'xml') return swallowed()
    exchange.body = taken
    return parseBytes(taken.bytes, taken.reserialized ? 'json' : media.type, unwanted)
  }
  if (isTouched(req)) return swallowed()
  const limit = media.type === 'xml' ? txmlBodyLimit : bodyLimit
  const reading = readBody(req, { limit, idleMs, budget })
  exchange.abandon = reading.stop
  return reading.result.then((read) => {
    exchange.abandon = undefined
    if (!read.ok) return read
    const { bytes } = read
    exchange.whenDone(() => budget.give(bytes.size))
    exchange.bodyBytes = bytes.size
    if (bytes.size === 0) return 'none'
    exchange.body = { bytes, reserialized: false }
    return parseBytes(bytes, media.type, unwanted)
  })
}

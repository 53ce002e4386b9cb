/**
 * From a request to a trigger, or to the result that ends it: credentials, method, ID, media type, body, event, in this
 * order.
 */
import { debugReceive } from '../debug'
import type { EventKind } from '../events'
import type { Exchange } from '../exchange'
import { quote } from '../quote'
import type { Result } from '../respond'
import type { Trigger } from '../trigger'
import { capIssues, removedKeyIssues, type Validator } from '../validate'
import type { Authenticator } from './authenticate'
import type { ByteBudget } from './byte-budget'
import { isEmpty, isTouched, parseBytes, readMediaType, swallowed, takeParsedBody, type ParsedBody } from './parse-body'
import { hasNoBody, readBody } from './read-body'
import { identify, readEvent } from './read-event'
import { sentence, type Refusal } from './refusal'
import type { RouteMatch } from './route'
import { readTriggerId, type TriggerId } from './trigger-id'

export interface ReceiverOptions {
  authenticator: Authenticator
  /** Whether there is a callback for such an event. */
  wants: (kind: EventKind, eventName: string | undefined) => boolean
  validator: Validator
  strict: boolean
  budget: ByteBudget
  bodyLimit: number
  uploadIdleTimeoutMs: number
  isClosed: () => boolean
}

export type Received = { ok: true; trigger: Trigger } | ({ ok: false } & Result)

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
      return { ok: false, outcome: 'unauthorized', headers: { 'WWW-Authenticate': authenticator.challenge } }
    }
  } catch (cause) {
    return { ok: false, outcome: 'unavailable', detail: 'The credentials could not be checked now.', cause }
  }
  // A custom function may have taken longer than the answer could wait: then nothing more is read.
  if (exchange.finished) return { ok: false, outcome: 'answer_timeout' }
  if (isClosed()) return { ok: false, outcome: 'unavailable', detail: 'The receiver is shutting down.' }
  if (budget.full)
    return { ok: false, outcome: 'unavailable', detail: 'Too many bodies are being processed at the moment.' }
  const { method } = req
  if (method !== 'GET' && method !== 'POST' && method !== 'PUT') {
    return { ok: false, outcome: 'method_not_allowed', headers: { Allow: 'GET, POST, PUT' } }
  }
  const urlId = readTriggerId(match, rawQuery)
  if (method === 'GET') return idTrigger(exchange, urlId, method, options)
  const body = await takeBody(exchange, options)
  if (body === 'none') {
    if (urlId.found || urlId.problem !== undefined) return idTrigger(exchange, urlId, method, options)
    return { ok: false, outcome: 'malformed_body', detail: 'There is no body, and no ID in the URL.' }
  }
  return body.ok ? bodyTrigger(exchange, body, urlId, method, options) : body
}

function idTrigger(exchange: Exchange, urlId: TriggerId, method: Method, { wants }: ReceiverOptions): Received {
  if (!urlId.found)
    return { ok: false, outcome: 'invalid_id', detail: sentence(urlId.problem ?? 'the URL holds no ID') }
  const { kind, id } = urlId
  exchange.known.kind = kind
  exchange.known.entityId = id
  if (!wants(kind, undefined)) return { ok: false, outcome: 'ignored' }
  const { requestId, receivedAt } = exchange
  return { ok: true, trigger: { type: 'id', kind, id, method, requestId, receivedAt } }
}

async function takeBody(
  exchange: Exchange,
  { bodyLimit: limit, uploadIdleTimeoutMs: idleMs, budget }: ReceiverOptions,
): Promise<ParsedBody | Refusal | 'none'> {
  const { req } = exchange
  const { body } = req as { body?: unknown }
  if (hasNoBody(req) && (!req.readableEnded || isEmpty(body))) return 'none'
  const media = readMediaType(req.headers['content-type'])
  if (!media.ok) return media
  if (req.readableEnded) {
    const parsed = takeParsedBody(req, media.type)
    if (parsed !== 'none' && parsed.ok) exchange.rawBody = parsed.rawBody
    return parsed
  }
  if (isTouched(req)) return swallowed()
  const reading = readBody(req, { limit, idleMs, budget })
  exchange.abandon = reading.stop
  const read = await reading.result
  exchange.abandon = undefined
  if (!read.ok) return read
  const { bytes } = read
  void exchange.done.then(() => budget.give(bytes.length))
  exchange.bodyBytes = bytes.length
  if (bytes.length === 0) return 'none'
  exchange.rawBody = bytes
  return parseBytes(bytes, media.type)
}

function bodyTrigger(
  exchange: Exchange,
  parsed: ParsedBody,
  urlId: TriggerId,
  method: Method,
  options: ReceiverOptions,
): Received {
  const { wants, validator, strict } = options
  const { known, requestId, receivedAt } = exchange
  const found = identify(parsed.value)
  if (!found.ok) return found
  const { kind, eventName, schema, content, pointer } = found
  Object.assign(known, { kind, eventName })
  if (!wants(kind, eventName)) return { ok: false, outcome: 'ignored' }

  const deviations = schema ? validator.deviations(schema, found.body) : []
  const refusals = [...validator.refusals(kind, content, pointer), ...(strict ? deviations : [])]
  if (refusals.length > 0)
    return { ok: false, outcome: 'invalid_body', detail: 'The body does not fit its schema.', issues: refusals }
  // An ID in the URL of a body trigger is a remnant of the docs of 2019 and 2020: it only helps where the body has none.
  const urlIdOfKind = urlId.found && (urlId.kind === 'shipment') === (kind === 'shipment') ? urlId.id : undefined
  const read = readEvent(
    found,
    method,
    urlIdOfKind,
    capIssues([...removedKeyIssues(parsed.removedKeys), ...deviations]),
  )
  if (!read.ok) return read
  const { event, entity, identified } = read
  if (entity) known.entityId = entity.id
  known.issues = event.issues.length
  if (event.issues.length > 0) debugReceive('%s deviates from its schema: %j', requestId, event.issues)
  if (urlId.found && urlId.id !== entity?.id) {
    debugReceive(
      '%s the URL says %s, the body says %s: the body wins',
      requestId,
      quote(urlId.id),
      quote(entity?.id ?? ''),
    )
  }
  const { digest, rawBody } = parsed
  return {
    ok: true,
    trigger: { type: 'body', method, requestId, receivedAt, event, entity, identified, digest, rawBody },
  }
}

/**
 * Converts a request to a trigger or a refusal. Checks credentials, address and method, in this order. For a GET
 * trigger, it then checks the ID in the URL. For any other request, it then checks the media type, the body and the
 * event.
 */
import type { Exchange, Progress, TakenBody } from '../answer/exchange'
import { refuse, sentence, type Refusal } from '../answer/refusal'
import type { Entity, Facts } from '../events/trigger'
import type { ArrivalPlace, ArrivalOrder } from '../wait/arrivals'
import { doubt } from './body/app-body'
import { OVERLOADED } from './body/decode'
import { parseBytes } from './body/parse-body'
import { HUNG_UP, takeBody, wasReset, type TakeBodyOptions } from './body/read-body'
import { entityIn } from './event/read-event'
import { readTrigger, type ReadTrigger, type ReadTriggerOptions } from './event/read-trigger'
import { isProbe, PROBE_HEADER, receiveProbe } from './probe'
import { mountHidesId, readTriggerId, type RouteMatch, type Routes, type TriggerId } from './route'
import type { Authenticator } from './sender/authenticate'

export interface ReceiverOptions extends ReadTriggerOptions, TakeBodyOptions {
  authenticator: Authenticator
  closing: AbortSignal
  routes: Routes
  arrivals: ArrivalOrder
}

/** What was received. A refused request may have a body too. */
export type Received = ReadTrigger & {
  body?: TakenBody | undefined
  /**
   * The place of the event in the order of arrival. Later events that may be about the same order or shipment wait
   * until `leave` is called.
   */
  arrival?: ArrivalPlace | undefined
}

const AT_TURN: Progress = { stage: 'turn' }

type Method = 'GET' | 'POST' | 'PUT'

/** Rejects only on an internal error. */
export async function receive(
  exchange: Exchange,
  match: RouteMatch,
  rawQuery: string,
  options: ReceiverOptions,
): Promise<Received> {
  const { method, requestId, receivedAt } = exchange
  let refusal: Refusal | undefined
  try {
    const verdict = options.authenticator.check(exchange.req)
    // There is an `await` only if the result is not known yet: during an `await`, other code could read the beginning
    // of the body.
    refusal = refusalOfSender(exchange, verdict === true || (await verdict), options)
  } catch (cause) {
    refusal = refuse('unavailable', 'The credentials could not be checked now.', { cause })
  }
  const urlId = readTriggerId(match, rawQuery)
  if (refusal) return { facts: factsOf(urlId), refusal }
  if (exchange.isProbe) {
    const id = urlId.found ? urlId.id : undefined
    const problem = misrouted(exchange, urlId, options)?.detail ?? (urlId.found ? undefined : urlId.problem)
    return { facts: {}, refusal: await receiveProbe(exchange, { matched: true, id, problem }, options) }
  }
  if (method !== 'GET' && method !== 'POST' && method !== 'PUT')
    return {
      facts: factsOf(urlId),
      refusal: { ok: false, outcome: 'method_not_allowed', headers: { Allow: 'GET, POST, PUT' } },
    }
  if (method === 'GET') return idTrigger(exchange, urlId, method, options)

  const taken = await takeBody(exchange, options)
  if (taken === 'none') {
    if (urlId.found || urlId.problem !== undefined) return idTrigger(exchange, urlId, method, options)
    if (await wasReset(exchange.req)) return { facts: {}, refusal: HUNG_UP }
    const none = refuse('malformed_body', 'There is no body, and no ID in the URL.')
    return { facts: {}, refusal: misrouted(exchange, urlId, options) ?? none }
  }
  // Set before parsing, so that the record has the body even if the response times out during parsing.
  exchange.body = taken.body
  if (taken.refusal) return refused(exchange, taken.refusal, taken.body)
  const { body, type } = taken
  let arrival: ArrivalPlace | undefined
  const parsing = parseBytes(body.bytes, type, {
    unwanted: () => exchange.finished,
    onSlices: () => {
      const begun = (arrival = options.arrivals.begin())
      exchange.whenDone(begun.leave)
      return (beginning) => (begun.key = keyOf(entityIn(beginning)))
    },
  })
  const parsed = parsing instanceof Promise ? await parsing : parsing
  if (!parsed.ok) return refused(exchange, parsed, body)
  const rawBody = body.reserialized ? undefined : body.bytes
  const reading = readTrigger(
    parsed,
    { method, urlId, requestId, receivedAt, rawBody, misrouted: () => misrouted(exchange, urlId, options) },
    options,
  )
  const read = reading instanceof Promise ? await reading : reading
  const refusalOfBody = body.exact ? read.refusal : doubt(read.refusal, body, parsed.value)
  return refusalOfBody ? { facts: read.facts, body, refusal: refusalOfBody } : { ...read, body, arrival }
}

/**
 * Waits for all earlier events that may be about the same order or shipment. An earlier event is no longer waited for
 * once it is stored or submitted for delivery, or once its request has been answered.
 */
export async function takeTurn(exchange: Exchange, received: Received, arrivals: ArrivalOrder): Promise<void> {
  const { trigger } = received
  const key = keyOf(trigger?.type === 'body' ? trigger.entity : trigger)
  if (key === undefined) return
  exchange.progress = AT_TURN
  const arrival = (received.arrival ??= arrivals.begin())
  arrival.key = key
  exchange.whenDone(arrival.leave)
  await arrivals.turnOf(arrival)
}

function keyOf(entity: Entity | undefined): string | undefined {
  return entity && `${entity.kind}:${entity.id}`
}

export function refusalOfSender(
  exchange: Exchange,
  isKnown: boolean,
  { authenticator, budget, closing }: ReceiverOptions,
): Refusal | undefined {
  if (!isKnown)
    return {
      ...{ ok: false, outcome: 'unauthorized', headers: { 'WWW-Authenticate': authenticator.challenge } },
      // The message distinguishes a wrong password from a proxy that removes the header.
      detail: exchange.headers.authorization === undefined ? 'The request has no Authorization header.' : undefined,
    }
  exchange.isProbe = PROBE_HEADER in exchange.headers && isProbe(exchange.req)
  // A response was already sent, for example because the check of the credentials took too long. The body is not read.
  if (exchange.finished) return { ok: false, outcome: 'answer_timeout' }
  // The address is checked after the credentials: a sender without credentials learns nothing about addresses.
  if (exchange.client?.refusal) return exchange.client.refusal
  if (closing.aborted) return refuse('unavailable', 'The receiver is shutting down.')
  return budget.free === 0 ? refuse('unavailable', OVERLOADED) : undefined
}

/**
 * Returns the refusal of a body that was not read or not parsed. The real cause may be that the upload was reset, or
 * that the app changed the body. In these cases, the refusal states that cause instead.
 */
async function refused({ req }: Exchange, refusal: Refusal, body: TakenBody | undefined): Promise<Received> {
  if (refusal.outcome === 'malformed_body' && (await wasReset(req))) return { facts: {}, body, refusal: HUNG_UP }
  return { facts: {}, body, refusal: !body || body.exact ? refusal : (doubt(refusal, body) ?? refusal) }
}

function idTrigger(exchange: Exchange, urlId: TriggerId, method: Method, options: ReceiverOptions): Received {
  if (!urlId.found) {
    const refusal = refuse('invalid_id', sentence(urlId.problem ?? 'the URL contains no ID'))
    return { facts: {}, refusal: misrouted(exchange, urlId, options) ?? refusal }
  }
  const { kind, id } = urlId
  const { requestId, receivedAt } = exchange
  const handler = options.find(kind, undefined)
  if (!handler && !options.readsUnhandled) return { facts: factsOf(urlId), refusal: { ok: false, outcome: 'ignored' } }
  return { facts: factsOf(urlId), trigger: { type: 'id', kind, id, method, requestId, receivedAt, handler } }
}

/** Also called for refusals, so that their log lines name the order or shipment. */
function factsOf(urlId: TriggerId): Facts {
  return urlId.found ? { kind: urlId.kind, entityId: urlId.id } : {}
}

/** The refusal of a URL without an ID if the configuration is at fault: a variable in the URL, or the mount path. */
function misrouted({ req }: Exchange, urlId: TriggerId, { routes }: ReceiverOptions): Refusal | undefined {
  if (urlId.found) return undefined
  if (urlId.variable !== undefined) return refuse('not_routed', sentence(urlId.problem ?? ''))
  if (urlId.problem !== undefined || !mountHidesId(req, routes)) return undefined
  return refuse('not_routed', 'The path at which the webhook is mounted hides the ID in the URL.')
}

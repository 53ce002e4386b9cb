/** Handles one request: match, receive, deliver or store, respond. Independent of Express. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Exchange, type ExchangeOptions, type Progress } from '../answer/exchange'
import { answerFor, send, type Result } from '../answer/respond'
import type { Deliverer } from '../deliver/deliverer'
import type { AttemptResult } from '../deliver/attempt'
import type { Intake, StoreResult } from '../deliver/stored/intake'
import type { Trigger } from '../events/trigger'
import { describe, locationOf } from '../log/describe-error'
import type { Log } from '../log/log'
import { receiveProbe } from '../receive/probe'
import { receive, refusalOfSender, takeTurn, type Received, type ReceiverOptions } from '../receive/receiver'
import { splitTarget, type RouteMatch } from '../receive/route'
import type { AddressCheck } from '../receive/sender/address-check'
import { trustOfApp, type TrustFunction } from '../receive/sender/client-address'
import { Unmatched, type UnmatchedOptions } from '../receive/unmatched'
import { InProgress } from '../wait/queues'

export interface RequestsOptions
  extends Omit<ExchangeOptions, 'open'>, Omit<UnmatchedOptions, 'startExchange' | 'answerProbe'> {
  /** Absent without the option `allow`. */
  addressCheck: AddressCheck | undefined
  receiver: ReceiverOptions
  destination: Destination
  log: Log
}

/** Before the response, an event is delivered or, with an inbox, stored. */
export type Destination = { deliverer: Deliverer; intake?: undefined } | { deliverer?: undefined; intake: Intake }

const AT_INBOX: Progress = { stage: 'inbox' }
const FAILED = { outcome: 'unavailable', detail: 'The receiver failed.' } as const

export class Requests {
  readonly #options: RequestsOptions & ExchangeOptions
  /** Requests that have no response yet. */
  readonly #open = new InProgress<Exchange>()
  readonly #unmatched: Unmatched

  constructor(options: RequestsOptions) {
    this.#options = { ...options, open: this.#open }
    this.#unmatched = new Unmatched({
      ...options,
      startExchange: (req, res) => this.#startExchange(req, res, () => trustOfApp(req)),
      answerProbe: (exchange) => void this.#answerProbe(exchange),
    })
  }

  /** Handles a request without Express. */
  readonly listener = (req: IncomingMessage, res: ServerResponse): void => {
    if (!this.handle(req, res)) this.#refuse(req, res)
  }

  /** Returns false if no pattern matches. Never throws, because Express would respond with 500. */
  handle(req: IncomingMessage, res: ServerResponse, appTrust?: () => TrustFunction | undefined): boolean {
    let exchange: Exchange | undefined
    try {
      const [path, query] = splitTarget(req.url ?? '/')
      const match = this.#options.routes.find(path)
      if (match === undefined) return false
      exchange = this.#startExchange(req, res, appTrust)
      void this.#run(exchange, match, path, query)
    } catch (cause) {
      if (exchange) exchange.finish({ ...FAILED, cause })
      else this.#fail(req, res, cause)
    }
    return true
  }

  /**
   * Handles a request whose path matches no pattern: the app may respond first. `handler` is the function that the app
   * has mounted.
   */
  pass(req: IncomingMessage, res: ServerResponse, next: () => void, handler: unknown): void {
    this.#unmatched.pass(req, res, next, handler)
  }

  /** Responds to a request whose path matches no pattern: without Express, there is no app that could respond. */
  #refuse(req: IncomingMessage, res: ServerResponse): void {
    try {
      this.#unmatched.refuse(req, res)
    } catch (cause) {
      this.#fail(req, res, cause)
    }
  }

  /** Resolves when the requests that are open now have been answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#open.all.map((exchange) => new Promise<void>((resolve) => exchange.whenDone(resolve))))
  }

  finishAll(result: Result): void {
    for (const exchange of this.#open.all) exchange.finish(result)
  }

  #startExchange(req: IncomingMessage, res: ServerResponse, appTrust?: () => TrustFunction | undefined): Exchange {
    const exchange = new Exchange(req, res, this.#options)
    exchange.client = this.#options.addressCheck?.look(req, appTrust)
    return exchange
  }

  async #run(exchange: Exchange, match: RouteMatch, path: string, query: string): Promise<void> {
    try {
      const received = await receive(exchange, match, query, this.#options.receiver)
      exchange.facts = received.facts
      const { arrivals } = this.#options.receiver
      if (arrivals.open.size > 0) await takeTurn(exchange, received, arrivals)
      // The response may already have been sent, for example after a time-out; Tradecloud then sends the event again.
      if (exchange.finished) return
      if (received.refusal?.outcome === 'not_routed')
        this.#unmatched.logNotRouted(exchange, received.refusal.detail ?? '')
      const { deliverer, intake } = this.#options.destination
      const result = await (intake
        ? store(intake, exchange, received, path)
        : (received.refusal ?? deliver(deliverer, exchange, received)))
      // The trigger has a result, so there is nothing left to abandon.
      exchange.abandon = undefined
      exchange.finish(result)
    } catch (cause) {
      exchange.finish({ ...FAILED, cause })
    }
  }

  /** Answers a probe that has valid credentials, but whose path matches no pattern. */
  async #answerProbe(exchange: Exchange): Promise<void> {
    const { receiver } = this.#options
    try {
      const refusal = refusalOfSender(exchange, true, receiver)
      exchange.finish(refusal ?? (await receiveProbe(exchange, { matched: false }, receiver)))
    } catch (cause) {
      exchange.finish({ ...FAILED, cause })
    }
  }

  /** Responds to a request that failed before its exchange was created. */
  #fail(req: IncomingMessage, res: ServerResponse, cause: unknown): void {
    send(req, res, answerFor(FAILED, randomUUID(), this.#options.refusals))
    const text = `A request could not be handled: ${describe(cause)}${locationOf(cause)}`
    this.#options.log.line('error', 'unavailable', text, { cause })
  }
}

function deliver(
  deliverer: Deliverer,
  exchange: Exchange,
  { trigger, arrival }: Received & { trigger: Trigger },
): Promise<AttemptResult> {
  const delivery = deliverer.submit(trigger, exchange.trace)
  arrival?.leave()
  exchange.merged = delivery.trigger !== trigger
  exchange.progress = delivery
  // A bound function, not an arrow function: with an arrow function, V8 keeps deliveries in memory until its next full
  // garbage collection. That costs a small event 20 % more CPU on Node 24.
  exchange.abandon = deliverer.leave.bind(deliverer, delivery)
  return delivery.result
}

/** `path` is the path below the mount path. */
async function store(intake: Intake, exchange: Exchange, received: Received, path: string): Promise<StoreResult> {
  exchange.progress = AT_INBOX
  const stored = await intake.take(exchange, received, path)
  received.arrival?.leave()
  exchange.merged = stored.merged ?? false
  return stored
}

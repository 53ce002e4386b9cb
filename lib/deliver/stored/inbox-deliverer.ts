/**
 * Delivers stored events: reads an event, fetches its order or shipment if needed, calls the callback, and settles the
 * event. `Taker` takes the events from the inbox.
 */
import type { TradecloudClient } from '../../api'
import { TradecloudWebhookError } from '../../errors/errors'
import type { Arrival } from '../../inbox/catch-up/arrivals'
import { persist } from '../../wait/back-off'
import { InProgress } from '../../wait/queues'
import type { InboxDelivery, Settlement } from '../../inbox/inbox'
import type { ReadTrigger } from '../../receive/event/read-trigger'
import type { SettledRecord } from '../../answer/report'
import type { Telemetry } from '../../answer/telemetry'
import type { Result } from '../../answer/respond'
import type { Trigger } from '../../events/trigger'
import { Attempts, GIVEN_BACK, type AttemptResult, type Begun, type DeliveryAttempt } from '../attempt'
import type { Handlers } from '../handlers'
import { dedupeKey, deliveryIdOfBody, entityKey } from '../identity'
import type { ResolveOptions } from '../resolve-event'
import { coveredBy, coversLater, type Covered } from './covered'
import { recordOf, settlementOf, startOf, type SettlementOptions } from './settlement'
import { Taker, type TakerOptions } from './taker'

export interface InboxDelivererOptions extends SettlementOptions, TakerOptions {
  name: string
  /** Absent with `deliver: false`: alarms are still raised, but no events are taken. */
  handlers: Handlers | undefined
  /** True if this process has a catch-up, for which arrivals are recorded. */
  catchUp: boolean
  /** Reads a stored event again, by the rules of this version. */
  read: (delivery: InboxDelivery) => Promise<ReadTrigger>
  resolve: ResolveOptions
  /** True if callbacks write in the transaction that settles their event. */
  transaction: boolean
  api: TradecloudClient | undefined
  alarm: (error: TradecloudWebhookError, trigger?: Trigger) => void
  settled: (record: SettledRecord) => void
  telemetry: Telemetry | undefined
}

interface Running {
  abort: AbortController
  done: Promise<void>
}

const AT_ONCE: Settlement = {
  result: 'retry',
  delayMs: 0,
  outcome: 'unavailable',
  reason: 'The delivery was not started, because this process was suspended or closing.',
}

export class InboxDeliverer {
  readonly #options: InboxDelivererOptions
  readonly #attempts: Attempts<DeliveryAttempt>
  readonly #taker: Taker
  /** Resolves once no further events are taken. */
  readonly #taking: Promise<void>
  readonly #running = new InProgress<Running>()
  readonly #detach: () => void
  #isStopped = false
  /** Aborted when a settlement that keeps failing must no longer be retried. */
  readonly #aborting = new AbortController()

  /** Starts to take events from the inbox, unless `handlers` is absent. */
  constructor(options: InboxDelivererOptions) {
    this.#options = options
    this.#attempts = new Attempts(options)
    this.#taker = new Taker(options, (delivery, onCall) => this.#start(delivery, onCall))
    const { inbox, name, handlers, catchUp, retry, handlerTimeoutMs } = options
    this.#detach = inbox.attach({
      name,
      wanted: handlers?.wanted ?? [],
      catchUp,
      maxDelayMs: retry.maxDelayMs,
      handlerTimeoutMs,
      wake: () => this.#taker.wake(),
      leaseLost: () => this.#loseLease(),
      alarm: (error) => options.alarm(error),
    })
    this.#taking = handlers ? this.#taker.run() : Promise.resolve()
  }

  /** Takes no more events. Running callbacks continue. */
  stop(): void {
    this.#isStopped = true
    this.#taker.stop()
    this.#detach()
  }

  /** Resolves when no delivery is running. To be called after `stop`. */
  async idle(): Promise<void> {
    await this.#taking
    while (this.#running.size > 0) await Promise.all(this.#running.all.map(({ done }) => done))
  }

  /** Aborts running callbacks through `context.signal`, and gives up settlements that keep failing. */
  abort(): void {
    this.#attempts.stop()
    this.#aborting.abort()
    const error = new TradecloudWebhookError('unavailable', 'The webhook is closing.')
    for (const { abort } of this.#running.all) abort.abort(error)
  }

  #loseLease(): void {
    if (this.#running.size === 0) return
    const text = 'The lease of this process was lost: other processes may deliver the events that it was delivering.'
    const error = new TradecloudWebhookError('lease_lost', text)
    for (const { abort } of this.#running.all) abort.abort(error)
    this.#options.alarm(error)
  }

  #start(delivery: InboxDelivery, onCall: () => void): Promise<void> {
    const abort = new AbortController()
    const running: Running = {
      abort,
      done: this.#deliver(delivery, abort, onCall).finally(() => this.#running.delete(running)),
    }
    this.#running.add(running)
    return running.done
  }

  /** Never rejects. */
  async #deliver(delivery: InboxDelivery, abort: AbortController, onCall: () => void): Promise<void> {
    const startedAt = performance.now()
    const covered: Covered = {}
    const observed = this.#options.telemetry?.delivery({ ...startOf(delivery), trace: delivery.event.trace })
    const attempt = (): Promise<AttemptResult> => this.#attempt(delivery, abort, onCall, covered)
    const outcome = await (observed ? observed.run(attempt) : attempt()).catch((cause: unknown): AttemptResult => ({
      outcome: 'unavailable',
      detail: 'The receiver failed.',
      cause,
    }))
    if (outcome === GIVEN_BACK) {
      await this.#settle(delivery, AT_ONCE)
      observed?.end({ result: 'given-back', outcome: outcome.outcome, durationMs: performance.now() - startedAt })
      return
    }
    const settlement = settlementOf(outcome, delivery, this.#options)
    const settledAt = Date.now()
    const noted = outcome.settled ?? (await this.#settle(delivery, settlement, covered.arrival))
    const durationMs = performance.now() - startedAt
    const record = recordOf(delivery, outcome, settlement, { settledAt, durationMs, noted })
    this.#options.settled(record)
    observed?.end(record)
  }

  /**
   * Tries until the settlement is recorded. Returns false if `close()` times out first, or if another process owns the
   * event by now.
   */
  async #settle(delivery: InboxDelivery, settlement: Settlement, arrival?: Arrival): Promise<boolean> {
    const { inbox } = this.#options
    const settled = await persist(
      this.#aborting.signal,
      () => inbox.settle(delivery, settlement, arrival),
      () => undefined,
    )
    return settled === true
  }

  async #attempt(
    delivery: InboxDelivery,
    abort: AbortController,
    onCall: () => void,
    covered: Covered,
  ): Promise<AttemptResult> {
    const { read, name, inbox, resolve, transaction } = this.#options
    // `stop` was called while the event was being taken from the inbox, so it is given back.
    if (this.#isStopped) return GIVEN_BACK
    const { trigger, refusal } = await read(delivery)
    if (refusal) return refusal
    if (!trigger.handler) {
      const eventName = trigger.type === 'body' ? trigger.eventName : undefined
      // After a replay from quarantine, even a process that has no callback for the event may take the event.
      if (await inbox.isWanted(name, trigger.kind, eventName))
        return { outcome: 'unavailable', detail: 'Another process has the callback for this event.' }
      return { outcome: 'ignored', detail: 'There is no callback for this kind of event.' }
    }
    const records = coversLater(trigger, delivery, resolve) && (await inbox.recordsArrivals?.(name))
    const attempt: DeliveryAttempt = {
      ...{ trigger, entity: entityKey(trigger), abort },
      begin: (fetchedId, event) => {
        if (!delivery.isOwned()) return undefined
        if (records) covered.arrival = coveredBy(trigger, event, delivery)
        if (!transaction) onCall()
        return this.#begun(delivery, trigger, fetchedId)
      },
      inTransaction: transaction
        ? (call) =>
            this.#inTransaction(delivery, covered, (client) => {
              onCall()
              return call(client)
            })
        : undefined,
    }
    this.#attempts.add(attempt)
    try {
      const result = await this.#attempts.run(attempt)
      return result.attempt === undefined && !delivery.isOwned() ? GIVEN_BACK : result
    } finally {
      this.#attempts.running.delete(attempt)
    }
  }

  #begun({ event, attempt, replay }: InboxDelivery, trigger: Trigger, fetchedId: string | undefined): Begun {
    if (trigger.type === 'id') return { deliveryId: fetchedId ?? event.id, attempt, replay }
    const key = dedupeKey(this.#options.name, trigger)
    return { deliveryId: trigger.identified ? deliveryIdOfBody(key) : event.id, attempt, replay }
  }

  /** Commits the callback's writes and the settlement together, or neither. */
  async #inTransaction(
    delivery: InboxDelivery,
    covered: Covered,
    call: (transaction: unknown) => Promise<Result>,
  ): Promise<AttemptResult> {
    const { inbox } = this.#options
    let result: Result | undefined
    try {
      const work = async (transaction: unknown): Promise<void> => {
        result = undefined
        const called = await call(transaction)
        if (called.outcome === 'delivered') return
        result = called
        // Throws the cause itself: if it is a deadlock, the inbox recognises it and calls `work` again.
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw called.cause ?? new Error(called.detail ?? called.outcome)
      }
      const settled = await inbox.withTransaction?.(delivery, work, covered.arrival)
      return { outcome: 'delivered', settled: settled === true }
    } catch (cause) {
      return result ?? { outcome: 'unavailable', detail: 'The transaction of the delivery failed.', cause }
    }
  }
}

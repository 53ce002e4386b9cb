/**
 * Delivers triggers before the response: lets GET triggers share a delivery, claims the event, waits for its turn,
 * attempts the delivery, and settles the claim.
 */
import type { TradecloudClient } from '../api'
import { TradecloudWebhookError } from '../errors/errors'
import type { Result } from '../answer/respond'
import type { Telemetry } from '../answer/telemetry'
import type { Trigger } from '../events/trigger'
import { Attempts, GIVEN_BACK, type AttemptResult, type Begun } from './attempt'
import type { Claims, TakenClaim } from './dedupe/claims'
import type { Delivery } from './delivery'
import { dedupeKey, deliveryIdOfBody, entityKey } from './identity'
import { Repeats } from './repeats'
import { observe, type Observable } from './observe'
import type { ResolveOptions } from './resolve-event'
import { Lines, Slots, type Place } from '../wait/queues'

export interface DelivererOptions {
  name: string
  /** Absent with `dedupe: false`, when nothing is claimed. */
  claims: Claims | undefined
  resolve: ResolveOptions
  concurrency: number
  /** How long an event waits for earlier events of its entity. */
  entityWaitMs: number
  notFoundGraceMs: number
  alarm: (error: TradecloudWebhookError, trigger: Trigger) => void
  api: TradecloudClient | undefined
  telemetry?: Telemetry | undefined
}

/** Limit of waiting events per order or shipment. Above it, events are answered 503 and Tradecloud retries them. */
const MAX_WAITING = 8
const BUSY: Result = { outcome: 'unavailable', detail: 'Too many events of the same order or shipment are waiting.' }
/** Placeholder for the result of a delivery that is being created. */
const NOT_BEGUN = Promise.resolve(BUSY)

export class Deliverer {
  readonly #options: DelivererOptions
  /** The queue of each order or shipment. */
  readonly #lines: Lines
  readonly #slots: Slots
  readonly #repeats = new Repeats()
  readonly #attempts: Attempts<Delivery>
  /** The delivery that further GET triggers for an entity join. Removed when its fetch or its callback begins. */
  readonly #joinable = new Map<string, Delivery>()
  #aborted = false

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#lines = new Lines(MAX_WAITING, options.entityWaitMs)
    this.#slots = new Slots(options.concurrency)
    this.#attempts = new Attempts(options)
  }

  /**
   * Returns the delivery of the trigger. GET triggers for the same ID share a delivery until its fetch or callback
   * begins. The caller calls `leave` if it stops waiting for the result.
   */
  submit(trigger: Trigger, trace?: Observable['trace']): Delivery {
    const entity = entityKey(trigger)
    const joined = trigger.type === 'id' && entity !== undefined ? this.#joinable.get(entity) : undefined
    if (joined) {
      joined.waiters++
      return joined
    }
    const key = trigger.type === 'body' ? dedupeKey(this.#options.name, trigger) : undefined
    const delivery: Delivery = {
      trigger,
      entity,
      trace,
      key,
      abort: new AbortController(),
      result: NOT_BEGUN,
      stage: 'turn',
      waiters: 1,
      onFetch: () => {
        this.#closeToOthers(delivery)
        delivery.stage = 'fetch'
      },
      begin: (fetchedId) => this.#begin(delivery, fetchedId),
    }
    if (this.#aborted) delivery.abort.abort()
    if (trigger.type === 'body' && trigger.identified) delivery.deliveryId = deliveryIdOfBody(key ?? '')
    this.#attempts.add(delivery)
    delivery.result = this.#complete(delivery)
    return delivery
  }

  /**
   * Called once for a submitted trigger, if its request was answered before the delivery had a result. The delivery is
   * abandoned if no other request waits for it, and if it still waits for a turn or a slot. Tradecloud then retries the
   * event.
   */
  leave(delivery: Delivery): void {
    if (--delivery.waiters === 0) delivery.abandon?.()
  }

  async idle(): Promise<void> {
    const { running } = this.#attempts
    while (running.size > 0) await Promise.all(running.all.map(({ result }) => result))
  }

  /**
   * Called when the time limit of `close()` has passed. Abandons waiting deliveries, and aborts running ones through
   * `context.signal`.
   */
  abort(): void {
    this.#aborted = true
    this.#attempts.stop()
    for (const delivery of this.#attempts.running.all) {
      delivery.abandon?.()
      delivery.abort.abort(new TradecloudWebhookError('unavailable', 'The webhook is closing.'))
    }
  }

  /** Never rejects. Uses `await` only for promises, because each `await` takes about 0.2 µs. */
  async #complete(delivery: Delivery): Promise<AttemptResult> {
    const { trigger, entity } = delivery
    // Joins the queue before any `await`, so that events are queued in their order of arrival.
    const place = entity === undefined ? undefined : this.#lines.enter(entity)
    try {
      if (place && trigger.type === 'id') this.#joinable.set(entity ?? '', delivery)
      const claiming = entity !== undefined && place === undefined ? BUSY : this.#claim(delivery)
      const claimed: TakenClaim | undefined = claiming instanceof Promise ? await claiming : claiming
      delivery.claim = claimed?.claim
      const result = claimed?.outcome ? claimed : await this.#takeTurn(delivery, place)
      return result.deliveryId === undefined ? { ...result, deliveryId: delivery.deliveryId } : result
    } catch (cause) {
      return { deliveryId: delivery.deliveryId, outcome: 'unavailable', detail: 'The receiver failed.', cause }
    } finally {
      if (trigger.type === 'id') this.#closeToOthers(delivery)
      if (place) this.#lines.leave(place)
      this.#attempts.running.delete(delivery)
    }
  }

  /**
   * Claims a body, so that the same event is not delivered twice. `undefined` for a GET trigger, or without a store.
   */
  #claim(delivery: Delivery): TakenClaim | undefined | Promise<TakenClaim> {
    const { claims } = this.#options
    const { key, deliveryId } = delivery
    if (key === undefined || !claims) return undefined
    // The delivery ID of a body that is not `identified` depends on the number of identical bodies completed before.
    // Only the claim shows this number.
    return deliveryId === undefined ? this.#claimRepeat(delivery, key, claims) : claims.take(key)
  }

  async #claimRepeat(delivery: Delivery, key: string, claims: Claims): Promise<TakenClaim> {
    const { taken, count } = await this.#repeats.take(claims, key)
    this.#identify(delivery, key, count)
    return taken
  }

  async #takeTurn(delivery: Delivery, place: Place | undefined): Promise<AttemptResult> {
    let delivered = false
    const { telemetry, claims } = this.#options
    try {
      if (place && place.turn !== 'mine') {
        const turn = await this.#wait(delivery, place.turn, () => place.wake?.('abandoned'))
        if (turn !== 'mine') return turn === 'abandoned' ? GIVEN_BACK : BUSY
      }
      const result = await (telemetry
        ? observe(telemetry, delivery, () => this.#deliver(delivery))
        : this.#deliver(delivery))
      delivered = result.outcome === 'delivered'
      if (delivered && delivery.key !== undefined && delivery.completedBefore !== undefined)
        this.#repeats.completed(delivery.key, delivery.completedBefore)
      return result
    } finally {
      const { claim } = delivery
      // Ends the renewal of the claim's lease.
      delivery.claim = undefined
      const settling = claim && (delivered ? claims?.complete(claim) : claims?.release(claim))
      if (settling instanceof Promise) await settling
    }
  }

  /** Waits for a turn or a slot. Meanwhile, the delivery may be abandoned. */
  async #wait<T>(delivery: Delivery, waiting: Promise<T>, abandon: () => void): Promise<T> {
    delivery.abandon = abandon
    if (delivery.waiters === 0 || delivery.abort.signal.aborted) abandon()
    try {
      return await waiting
    } finally {
      delivery.abandon = undefined
    }
  }

  #identify(delivery: Delivery, key: string, completedBefore: number): void {
    delivery.completedBefore = completedBefore
    delivery.deliveryId = deliveryIdOfBody(key, completedBefore)
  }

  #closeToOthers(delivery: Delivery): void {
    const { entity } = delivery
    if (entity !== undefined && this.#joinable.get(entity) === delivery) this.#joinable.delete(entity)
  }

  async #deliver(delivery: Delivery): Promise<AttemptResult> {
    const { trigger, entity } = delivery
    const { history } = this.#attempts
    let result: AttemptResult
    try {
      result = await this.#attempts.run(delivery)
    } finally {
      // In this stage the delivery occupies a slot.
      if (delivery.stage === 'callback') this.#slots.give()
    }
    if (delivery.eventKey !== undefined) history.called(delivery.eventKey, result.outcome === 'delivered')
    if (result.outcome !== 'not_found' || entity === undefined) return result
    const retry = history.mayStillAppear(entity, trigger.receivedAt.getTime(), this.#options.notFoundGraceMs)
    return { ...result, retry }
  }

  /** Takes a slot, at once if one is free, and starts the delivery. */
  #begin(delivery: Delivery, fetchedId: string | undefined): Begun | undefined | Promise<Begun | undefined> {
    delivery.deliveryId = fetchedId ?? delivery.deliveryId
    delivery.stage = 'turn'
    if (this.#slots.tryTake()) return this.#start(delivery)
    const { taken, cancel } = this.#slots.wait()
    return this.#wait(delivery, taken, cancel).then((got) => (got ? this.#start(delivery) : undefined))
  }

  /** Determines the delivery ID and `attempt`, once the delivery has a slot. Returns `undefined` if it was aborted. */
  #start(delivery: Delivery): Begun | undefined {
    if (delivery.trigger.type === 'id') this.#closeToOthers(delivery)
    if (delivery.abort.signal.aborted) {
      this.#slots.give()
      return undefined
    }
    const { key, entity } = delivery
    if (key !== undefined && delivery.deliveryId === undefined) this.#identify(delivery, key, this.#repeats.count(key))
    const { deliveryId = '' } = delivery
    delivery.eventKey = key === undefined ? `get ${entity ?? ''}` : deliveryId
    delivery.stage = 'callback'
    return { deliveryId, attempt: this.#attempts.history.attempt(delivery.eventKey), replay: false }
  }
}

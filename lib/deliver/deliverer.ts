/**
 * Delivers triggers before the response: joins GET triggers, claims, waits for its turn, attempts, settles the claim.
 */
import type { TradecloudClient } from '../api'
import { TradecloudWebhookError } from '../errors/errors'
import type { Result } from '../answer/respond'
import type { Telemetry } from '../answer/telemetry'
import type { Trigger } from '../events/trigger'
import { Attempts, GIVEN_BACK, type AttemptResult, type Begun } from './attempt'
import type { Claim, Claims } from './dedupe/claims'
import { EntityLines, type Place } from './entity-lines'
import { dedupeKey, deliveryIdOfBody, entityKey } from './identity'
import { Repeats } from './dedupe/repeats'
import { observe, type Observable } from './observe'
import type { ResolveOptions } from './resolve-event'
import { Slots } from '../wait/slots'
import { Watch, type Watched } from './watch'

export interface DelivererOptions {
  name: string
  /** Absent with `dedupe: false`. */
  claims: Claims | undefined
  resolve: ResolveOptions
  concurrency: number
  /** How long an event waits for others of its entity. */
  entityWaitMs: number
  notFoundGraceMs: number
  /** An alarm while a callback is still running. */
  alarm: (error: TradecloudWebhookError, trigger: Trigger) => void
  api: TradecloudClient | undefined
  telemetry?: Telemetry | undefined
}

/** A request that waits for a delivery. Several GET triggers for one ID may share a delivery. */
export interface Ticket {
  result: Promise<DeliveryResult>
  /** Joined a delivery that another trigger had started. */
  merged: boolean
  /** The request was answered: a delivery that has not started is abandoned, and Tradecloud retries it. */
  leave: () => void
  /** What the delivery is waiting for. */
  progress: { readonly stage: Stage }
}

type Stage = 'turn' | 'fetch' | 'callback'

export type DeliveryResult = AttemptResult

interface Delivery extends Observable {
  entity: string | undefined
  /** Dedupe key of a body. */
  key: string | undefined
  deliveryId?: string | undefined
  /** The key under which calls are counted, once the callback has been called. */
  eventKey?: string | undefined
  /** Identical events that were completed before; only for a body that may be a new event. */
  completedBefore?: number | undefined
  result: Promise<DeliveryResult>
  stage: Stage
  /** Set from the start, because it is checked before the ticket is returned. */
  waiters: number
  /** Ends the wait for a turn or a slot. */
  abandon?: (() => void) | undefined
  abort: AbortController
}

const BUSY: Result = { outcome: 'unavailable', detail: 'Too many events of the same order or shipment are waiting.' }

export class Deliverer {
  readonly #options: DelivererOptions
  readonly #lines: EntityLines
  readonly #slots: Slots
  readonly #repeats = new Repeats()
  readonly #attempts: Attempts
  readonly #watch: Watch
  /** GET triggers whose fetch has not begun, by entity. */
  readonly #joinable = new Map<string, Delivery>()
  readonly #running = new Set<Delivery>()
  #aborted = false

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#lines = new EntityLines(options.entityWaitMs)
    this.#slots = new Slots(options.concurrency)
    this.#attempts = new Attempts(options)
    this.#watch = new Watch(options.alarm)
  }

  submit(trigger: Trigger, trace?: Observable['trace']): Ticket {
    const entity = entityKey(trigger)
    const joined = trigger.type === 'id' && entity !== undefined ? this.#joinable.get(entity) : undefined
    if (joined) {
      joined.waiters++
      return this.#ticket(joined, true)
    }
    const delivery: Delivery = {
      ...{ trigger, entity, trace },
      key: trigger.type === 'body' ? dedupeKey(this.#options.name, trigger) : undefined,
      result: Promise.resolve(BUSY),
      ...{ stage: 'turn', waiters: 1 },
      abort: new AbortController(),
    }
    if (this.#aborted) delivery.abort.abort()
    if (trigger.type === 'body' && trigger.identified) delivery.deliveryId = deliveryIdOfBody(delivery.key ?? '')
    this.#running.add(delivery)
    delivery.result = this.#complete(delivery)
    return this.#ticket(delivery, false)
  }

  /** Resolves when no delivery is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running].map(({ result }) => result))
  }

  /**
   * The time limit of `close()` has passed: waiting deliveries are abandoned, running ones aborted by `context.signal`.
   */
  abort(): void {
    this.#aborted = true
    this.#watch.stop()
    for (const delivery of this.#running) {
      delivery.abandon?.()
      delivery.abort.abort(new TradecloudWebhookError('unavailable', 'The webhook is closing.'))
    }
  }

  #ticket(delivery: Delivery, merged: boolean): Ticket {
    let left = false
    const leave = (): void => {
      if (left) return
      left = true
      if (--delivery.waiters === 0) delivery.abandon?.()
    }
    return { result: delivery.result, merged, leave, progress: delivery }
  }

  /** Never rejects. */
  async #complete(delivery: Delivery): Promise<DeliveryResult> {
    const { trigger, entity } = delivery
    // Before any `await`: the order of arrival is the order of these calls.
    const place = entity === undefined ? undefined : this.#lines.enter(entity)
    try {
      if (place && trigger.type === 'id') this.#joinable.set(entity ?? '', delivery)
      const claimed = entity !== undefined && place === undefined ? BUSY : await this.#claim(delivery)
      const result = 'outcome' in claimed ? claimed : await this.#takeTurn(delivery, place, claimed.claim)
      return { deliveryId: delivery.deliveryId, ...result }
    } catch (cause) {
      return { deliveryId: delivery.deliveryId, outcome: 'unavailable', detail: 'The receiver failed.', cause }
    } finally {
      this.#closeToOthers(delivery)
      place?.leave()
      this.#running.delete(delivery)
    }
  }

  /**
   * Claims a body, so that no other process delivers it meanwhile; or returns its result if it is not to be delivered.
   */
  async #claim(delivery: Delivery): Promise<{ claim?: Claim } | Result> {
    const { claims } = this.#options
    const { key, deliveryId } = delivery
    if (key === undefined || !claims) return {}
    // An ID is missing if the same bytes may be a new event.
    const repeat = deliveryId === undefined ? await this.#repeats.take(claims, key) : undefined
    if (repeat) this.#identify(delivery, key, repeat.count)
    const taken = repeat?.taken ?? (await claims.take(key))
    if (taken.status === 'claimed') return taken
    if (taken.status === 'completed') return { outcome: 'duplicate' }
    if (taken.status === 'in_progress') return { outcome: 'in_progress' }
    return { outcome: 'unavailable', detail: 'The dedupe store is away.', cause: taken.cause }
  }

  async #takeTurn(delivery: Delivery, place: Place | undefined, claim: Claim | undefined): Promise<DeliveryResult> {
    let delivered = false
    const { trigger } = delivery
    // Renewed from here on: the lease must not expire while the event waits or fetches.
    const watched = this.#watch.add({ trigger, claim, abort: delivery.abort })
    try {
      if (place) {
        let turn = place.turn()
        if (typeof turn !== 'string') turn = await this.#wait(delivery, turn, () => place.wake('abandoned'))
        if (turn !== 'mine') return turn === 'abandoned' ? GIVEN_BACK : BUSY
      }
      const result = await observe(this.#options.telemetry, delivery, () => this.#deliver(delivery, watched))
      delivered = result.outcome === 'delivered'
      if (delivered && delivery.key !== undefined && delivery.completedBefore !== undefined)
        this.#repeats.completed(delivery.key, delivery.completedBefore)
      return result
    } finally {
      this.#watch.remove(watched)
      if (claim) await (delivered ? claim.complete() : claim.release())
    }
  }

  /** Waits for a turn or a slot; meanwhile the delivery may be abandoned. */
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

  async #deliver(delivery: Delivery, watched: Watched): Promise<DeliveryResult> {
    const { trigger, entity } = delivery
    const { history } = this.#attempts
    const { handler } = trigger
    if (!handler) return { outcome: 'ignored' }
    const result = await this.#attempts.run({
      ...{ trigger, handler, entity, watched },
      onFetch: () => {
        this.#closeToOthers(delivery)
        delivery.stage = 'fetch'
      },
      begin: (fetchedId) => this.#begin(delivery, fetchedId),
      end: () => this.#slots.give(),
    })
    if (delivery.eventKey !== undefined) history.called(delivery.eventKey, result.outcome === 'delivered')
    if (result.outcome !== 'not_found' || entity === undefined) return result
    const retry = history.mayStillAppear(entity, trigger.receivedAt.getTime(), this.#options.notFoundGraceMs)
    return { ...result, retry }
  }

  /** Waits for a slot, and gives the delivery its ID and its number. */
  async #begin(delivery: Delivery, fetchedId: string | undefined): Promise<Begun | undefined> {
    delivery.deliveryId = fetchedId ?? delivery.deliveryId
    delivery.stage = 'turn'
    if (!this.#slots.tryTake()) {
      const slot = this.#slots.wait()
      if (!(await this.#wait(delivery, slot.taken, slot.cancel))) return undefined
    }
    this.#closeToOthers(delivery)
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

/**
 * The way of one trigger from its place in line to its result: claim, wait for its turn, fetch, call, settle. Knows no HTTP:
 * who asked learns the result, and who stops asking changes nothing once the work has begun.
 */
import type { TradecloudClient } from '../api'
import { TradecloudWebhookError } from '../errors/errors'
import type { Result } from '../answer/respond'
import type { BodyTrigger, Trigger } from '../events/trigger'
import { Caller } from './caller'
import type { Claim, Claims } from './dedupe/claims'
import { EntityLines, type Place } from './entity-lines'
import { History } from './history'
import { dedupeKey, deliveryIdOfBody, deliveryIdOfId, entityKey } from './identity'
import { Repeats } from './dedupe/repeats'
import { fetches, resolveEvent, type ResolveOptions } from './resolve-event'
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
  /** Something that a person should hear of while a callback is still running. */
  alarm: (error: TradecloudWebhookError, trigger: Trigger) => void
  api: TradecloudClient | undefined
}

/** One who waits for a delivery. Several GET triggers for one ID may share a delivery. */
export interface Ticket {
  result: Promise<DeliveryResult>
  /** Joined a delivery that another trigger had started. */
  merged: boolean
  /** Nobody waits for this ticket any more: work that has not begun is given up, so that Tradecloud brings it again. */
  leave: () => void
  /** What the delivery waits for at the moment. */
  progress: { readonly stage: Stage }
}

type Stage = 'turn' | 'fetch' | 'callback'

export interface DeliveryResult extends Result {
  attempt?: number | undefined
}

interface Delivery {
  trigger: Trigger
  entity: string | undefined
  deliveryId?: string | undefined
  /** Identical events that were completed before; only for a body that may be a new event. */
  completedBefore?: number | undefined
  result: Promise<DeliveryResult>
  stage: Stage
  /** Counted from the start: what runs below looks at it before the ticket is handed out. */
  waiters: number
  /** Ends the waiting for a turn or a slot, while there is one. */
  abandon?: (() => void) | undefined
  abort: AbortController
}

const BUSY: Result = { outcome: 'unavailable', detail: 'Too many events of the same order or shipment are waiting.' }
const GIVEN_BACK: Result = { outcome: 'unavailable', detail: 'The event was given back before it was processed.' }

export class Deliverer {
  readonly #options: DelivererOptions
  readonly #lines: EntityLines
  readonly #slots: Slots
  readonly #history = new History()
  readonly #repeats = new Repeats()
  readonly #caller: Caller
  readonly #watch: Watch
  /** GET triggers whose fetch has not begun, by entity. */
  readonly #joinable = new Map<string, Delivery>()
  readonly #running = new Set<Delivery>()
  #aborted = false

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#lines = new EntityLines(options.entityWaitMs)
    this.#slots = new Slots(options.concurrency)
    this.#caller = new Caller(this.#history, options.api)
    this.#watch = new Watch(options.alarm)
  }

  submit(trigger: Trigger): Ticket {
    const entity = entityKey(trigger)
    const joined = trigger.type === 'id' && entity !== undefined ? this.#joinable.get(entity) : undefined
    if (joined) {
      joined.waiters++
      return this.#ticket(joined, true)
    }
    const delivery: Delivery = {
      trigger,
      entity,
      result: Promise.resolve(BUSY),
      stage: 'turn',
      waiters: 1,
      abort: new AbortController(),
    }
    if (this.#aborted) delivery.abort.abort()
    if (trigger.type === 'body' && trigger.identified)
      delivery.deliveryId = deliveryIdOfBody(this.#options.name, trigger)
    this.#running.add(delivery)
    delivery.result = this.#complete(delivery)
    return this.#ticket(delivery, false)
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running].map(({ result }) => result))
  }

  /** Patience is over: what waits is given back, what runs hears of it through `context.signal`. */
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
    // Before anything is awaited: the order of arrival is the order of these calls.
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

  /** A body is claimed, so that nobody else delivers it meanwhile; or the result that it has without being delivered. */
  async #claim(delivery: Delivery): Promise<{ claim?: Claim } | Result> {
    const { claims, name } = this.#options
    const { trigger } = delivery
    if (trigger.type === 'id' || !claims) return {}
    const key = dedupeKey(name, trigger)
    const repeat = trigger.identified ? undefined : await this.#repeats.take(claims, key)
    if (repeat) this.#identify(delivery, trigger, repeat.count)
    const taken = repeat?.taken ?? (await claims.take(key))
    if (taken.status === 'claimed') return taken
    if (taken.status === 'completed') return { outcome: 'duplicate' }
    if (taken.status === 'in_progress') return { outcome: 'in_progress' }
    return { outcome: 'unavailable', detail: 'The dedupe store is away.', cause: taken.cause }
  }

  async #takeTurn(delivery: Delivery, place: Place | undefined, claim: Claim | undefined): Promise<DeliveryResult> {
    let delivered = false
    const { trigger } = delivery
    // From here on, not only while the callback runs: a lease must not run out in line or during a fetch.
    const watched = this.#watch.add({ trigger, claim, abort: delivery.abort })
    try {
      if (place) {
        let turn = place.turn()
        if (typeof turn !== 'string') turn = await this.#wait(delivery, turn, () => place.wake('abandoned'))
        if (turn !== 'mine') return turn === 'abandoned' ? GIVEN_BACK : BUSY
      }
      const result = await this.#deliver(delivery, watched)
      delivered = result.outcome === 'delivered'
      if (delivered && trigger.type === 'body' && delivery.completedBefore !== undefined)
        this.#repeats.completed(dedupeKey(this.#options.name, trigger), delivery.completedBefore)
      return result
    } finally {
      this.#watch.remove(watched)
      if (claim) await (delivered ? claim.complete() : claim.release())
    }
  }

  /** Waits for a turn or a slot; meanwhile the delivery may be abandoned. */
  async #wait<T>(delivery: Delivery, waiting: Promise<T>, abandon: () => void): Promise<T> {
    delivery.abandon = abandon
    if (delivery.waiters === 0 || isAborted(delivery)) abandon()
    try {
      return await waiting
    } finally {
      delivery.abandon = undefined
    }
  }

  #identify(delivery: Delivery, trigger: BodyTrigger, completedBefore: number): void {
    delivery.completedBefore = completedBefore
    delivery.deliveryId = deliveryIdOfBody(this.#options.name, trigger, completedBefore)
  }

  #closeToOthers(delivery: Delivery): void {
    const { entity } = delivery
    if (entity !== undefined && this.#joinable.get(entity) === delivery) this.#joinable.delete(entity)
  }

  async #deliver(delivery: Delivery, watched: Watched): Promise<DeliveryResult> {
    const { trigger, entity, abort } = delivery
    const { resolve, name, claims, notFoundGraceMs } = this.#options
    if (isAborted(delivery)) return GIVEN_BACK
    const { handler } = trigger
    if (!handler) return { outcome: 'ignored' }
    if (fetches(trigger, resolve)) {
      this.#closeToOthers(delivery)
      delivery.stage = 'fetch'
    }
    const resolving = resolveEvent(trigger, resolve, abort.signal)
    const resolved = 'ok' in resolving ? resolving : await resolving
    if (!resolved.ok) {
      if (resolved.outcome !== 'not_found' || entity === undefined) return resolved
      return { ...resolved, retry: this.#history.mayStillAppear(entity, trigger.receivedAt.getTime(), notFoundGraceMs) }
    }
    if (trigger.type === 'id') {
      delivery.deliveryId = deliveryIdOfId(name, trigger, resolved.contentHash)
      if (entity !== undefined) this.#history.appeared(entity)
    }
    delivery.stage = 'turn'
    if (!this.#slots.tryTake()) {
      const slot = this.#slots.wait()
      if (!(await this.#wait(delivery, slot.taken, slot.cancel))) return GIVEN_BACK
    }
    this.#closeToOthers(delivery)
    try {
      if (isAborted(delivery)) return GIVEN_BACK
      if (trigger.type === 'body' && !trigger.identified && !claims)
        this.#identify(delivery, trigger, this.#repeats.count(dedupeKey(name, trigger)))
      const { deliveryId = '' } = delivery
      const eventKey = trigger.type === 'body' ? deliveryId : `get ${entity ?? ''}`
      const attempt = this.#history.attempt(eventKey)
      const { event } = resolved
      delivery.stage = 'callback'
      const call = { handler, event, trigger, entity, deliveryId, attempt, replay: false, watched }
      const result = await this.#caller.call(call)
      if (result.outcome === 'delivered') this.#history.callSucceeded(eventKey)
      else this.#history.callFailed(eventKey)
      return { attempt, ...result }
    } finally {
      this.#slots.give()
    }
  }
}

/** A function, because TypeScript takes a property that was false once for false after an `await` too. */
function isAborted({ abort }: Delivery): boolean {
  return abort.signal.aborted
}

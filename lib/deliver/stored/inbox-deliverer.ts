/**
 * From a stored event to its callback: take, read, fetch, call, settle. The inbox decides which event is next; what becomes
 * of it is decided here.
 */
import type { TradecloudClient } from '../../api'
import { TradecloudWebhookError } from '../../errors/errors'
import { persist } from '../../wait/back-off'
import { pause } from '../../wait/pause'
import type { Inbox, InboxDelivery, Settlement } from '../../inbox/inbox'
import type { ReadTrigger } from '../../receive/event/read-trigger'
import type { SettledRecord } from '../../answer/report'
import type { Result } from '../../answer/respond'
import { restartTimer, startTimer, type Timer } from '../../wait/timers'
import type { Trigger } from '../../events/trigger'
import { Caller, type Call } from '../caller'
import type { Handlers } from '../handlers'
import { History } from '../history'
import { deliveryIdOfBody, deliveryIdOfId, entityKey } from '../identity'
import { resolveEvent, type ResolveOptions } from '../resolve-event'
import { settlementOf, type SettlementOptions } from './settlement'
import { Watch } from '../watch'

export interface InboxDelivererOptions extends SettlementOptions {
  name: string
  inbox: Inbox
  /** Absent with `deliver: false`: alarms are raised, and nothing is taken. */
  handlers: Handlers | undefined
  /** Reads a stored event again, by the rules of today. */
  read: (delivery: InboxDelivery) => Promise<ReadTrigger>
  resolve: ResolveOptions
  concurrency: number
  /** Bytes of the bodies that are with callbacks together; a larger one is delivered alone. */
  maxBytesInFlight: number
  handlerTimeoutMs: number
  /** Callbacks write in the transaction that settles their event. */
  transaction: boolean
  api: TradecloudClient | undefined
  alarm: (error: TradecloudWebhookError, trigger?: Trigger) => void
  settled: (record: SettledRecord) => void
}

type Outcome = Result & { deliveryId?: string | undefined; settled?: boolean | undefined }

interface Running {
  delivery: InboxDelivery
  abort: AbortController
  done: Promise<void>
}

/** The callback was not called: the webhook is closing, or another process may own the event. */
const NOT_BEGUN = 'not begun'
/** After the inbox could not be asked. */
const RETRY_TAKE_MS = 500
/** An inbox calls `wake`; this is for one that forgot to. */
const TAKE_EVERY_MS = 30_000
/** Something is due that could not be taken: another process is about to, or its body does not fit. */
const CONTENDED_MS = 50
const AT_ONCE: Settlement = {
  result: 'retry',
  delayMs: 0,
  outcome: 'unavailable',
  reason: 'The delivery was not begun: this process stood still or was closing.',
}

export class InboxDeliverer {
  readonly #options: InboxDelivererOptions
  readonly #history = new History()
  readonly #caller: Caller
  readonly #watch: Watch
  readonly #running = new Set<Running>()
  /** Deliveries that occupy a slot: a callback that exceeds `handlerTimeoutMs` runs on without one. */
  readonly #slots = new Set<InboxDelivery>()
  readonly #detach: () => void
  readonly #stopping = new AbortController()
  /** Ends attempts to settle. */
  readonly #aborting = new AbortController()
  #wakeUp = (): void => undefined
  #isWoken = false

  /** Starts to take events from the inbox. */
  constructor(options: InboxDelivererOptions) {
    this.#options = options
    this.#caller = new Caller(this.#history, options.api)
    this.#watch = new Watch(options.alarm)
    const { inbox, name, handlers, retry, handlerTimeoutMs } = options
    this.#detach = inbox.attach({
      name,
      wanted: handlers?.wanted ?? [],
      maxDelayMs: retry.maxDelayMs,
      handlerTimeoutMs,
      wake: () => this.#wake(),
      leaseLost: () => this.#loseLease(),
      alarm: (error) => options.alarm(error),
    })
    if (handlers) void this.#takeAll()
  }

  /** Takes nothing more. Callbacks that run go on. */
  stop(): void {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    this.#wake()
    this.#detach()
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running].map(({ done }) => done))
  }

  /** Callbacks that still run are told through `context.signal`. */
  abort(): void {
    this.#watch.stop()
    this.#aborting.abort()
    const error = new TradecloudWebhookError('unavailable', 'The webhook is closing.')
    for (const { abort } of this.#running) abort.abort(error)
  }

  #wake(): void {
    this.#isWoken = true
    this.#wakeUp()
  }

  #loseLease(): void {
    if (this.#running.size === 0) return
    const text = 'The lease of this process was lost: other processes may deliver the events that it was delivering.'
    const error = new TradecloudWebhookError('lease_lost', text)
    for (const { abort } of this.#running) abort.abort(error)
    this.#options.alarm(error)
  }

  async #takeAll(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#isWoken = false
      let waitMs = TAKE_EVERY_MS
      try {
        const { count, nextDueInMs = TAKE_EVERY_MS } = await this.#takeSome()
        if (count > 0) continue
        waitMs = Math.min(Math.max(nextDueInMs, CONTENDED_MS), TAKE_EVERY_MS)
      } catch {
        // The inbox reports its own failures. Until it works again, waking up does not help.
        await pause(RETRY_TAKE_MS, signal)
        continue
      }
      await this.#sleep(waitMs)
    }
  }

  /** As many as there are slots for. */
  async #takeSome(): Promise<{ count: number; nextDueInMs?: number | undefined }> {
    const { inbox, concurrency, maxBytesInFlight } = this.#options
    const limit = concurrency - this.#slots.size
    if (limit <= 0) return { count: 0 }
    const inFlight = [...this.#slots].reduce((sum, { bytes }) => sum + bytes.length, 0)
    let taken = await inbox.take({ limit, maxBytes: Math.max(0, maxBytesInFlight - inFlight) })
    // A body that is larger than all of `maxBytesInFlight` is delivered alone.
    if (taken.deliveries.length === 0 && taken.nextDueInMs === 0 && this.#slots.size === 0)
      taken = await inbox.take({ limit: 1, maxBytes: Number.MAX_SAFE_INTEGER })
    for (const delivery of taken.deliveries) this.#start(delivery)
    return { count: taken.deliveries.length, nextDueInMs: taken.nextDueInMs }
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken || this.#stopping.signal.aborted) return
    let timer: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#wakeUp = resolve
      timer = startTimer(resolve, ms)
    })
    clearTimeout(timer)
  }

  #start(delivery: InboxDelivery): void {
    const abort = new AbortController()
    const leave = (): void => {
      if (this.#slots.delete(delivery)) this.#wake()
    }
    const { handlerTimeoutMs } = this.#options
    let timer = startTimer(leave, handlerTimeoutMs)
    // The time of the callback alone: a fetch has a limit of its own.
    const onCall = (): void => void (timer = restartTimer(timer, leave, handlerTimeoutMs))
    this.#slots.add(delivery)
    const running: Running = {
      delivery,
      abort,
      done: this.#deliver(delivery, abort, onCall).finally(() => {
        clearTimeout(timer)
        this.#running.delete(running)
        leave()
      }),
    }
    this.#running.add(running)
  }

  /** Never rejects. */
  async #deliver(delivery: InboxDelivery, abort: AbortController, onCall: () => void): Promise<void> {
    const startedAt = performance.now()
    const outcome = await this.#process(delivery, abort, onCall).catch((cause: unknown): Outcome => ({
      outcome: 'unavailable',
      detail: 'The receiver failed.',
      cause,
    }))
    if (outcome === NOT_BEGUN) {
      await this.#settle(delivery, AT_ONCE)
      return
    }
    const settlement = settlementOf(outcome, delivery, this.#options)
    const settledAt = Date.now()
    const noted = outcome.settled ?? (await this.#settle(delivery, settlement))
    const { event, attempt, replay } = delivery
    const { result } = settlement
    this.#options.settled({
      result,
      outcome: outcome.outcome,
      inboxId: event.id,
      deliveryId: outcome.deliveryId,
      kind: event.kind,
      eventName: event.eventName,
      entityId: event.entity?.id,
      requestId: event.requestId,
      receivedAt: new Date(event.receivedAt),
      attempt,
      replay,
      durationMs: performance.now() - startedAt,
      nextAttemptAt: result === 'retry' ? new Date(settledAt + settlement.delayMs) : undefined,
      noted,
      error:
        result === 'delivered'
          ? undefined
          : new TradecloudWebhookError(outcome.outcome, outcome.detail ?? 'The event was not delivered.', {
              ...('cause' in outcome && { cause: outcome.cause }),
            }),
    })
  }

  /** Tries until it is noted, or `close()` ends its patience. False also if another process owns the event by now. */
  async #settle(delivery: InboxDelivery, settlement: Settlement): Promise<boolean> {
    const { inbox } = this.#options
    const settled = await persist(
      this.#aborting.signal,
      () => inbox.settle(delivery, settlement),
      () => undefined,
    )
    return settled === true
  }

  async #process(
    delivery: InboxDelivery,
    abort: AbortController,
    onCall: () => void,
  ): Promise<Outcome | typeof NOT_BEGUN> {
    const { read, resolve, name, inbox } = this.#options
    const { event: stored, attempt, replay } = delivery
    const { trigger, refusal } = await read(delivery)
    if (refusal) return refusal
    const { handler } = trigger
    if (!handler) {
      const eventName = trigger.type === 'body' ? trigger.eventName : undefined
      // Its kind was not known when it was stored, so that this process took it.
      if (await inbox.isWanted(name, trigger.kind, eventName))
        return { outcome: 'unavailable', detail: 'Another process has the callback for this event.' }
      return { outcome: 'ignored', detail: 'There is no callback for this kind of event.' }
    }
    const resolved = await resolveEvent(trigger, resolve, abort.signal)
    if (abort.signal.aborted || !delivery.isOwned()) return NOT_BEGUN
    if (!resolved.ok) return resolved
    const deliveryId =
      trigger.type === 'id'
        ? deliveryIdOfId(name, trigger, resolved.contentHash)
        : trigger.identified
          ? deliveryIdOfBody(name, trigger)
          : stored.id
    const watched = this.#watch.add({ trigger, claim: undefined, abort })
    onCall()
    try {
      const entity = entityKey(trigger)
      const { event } = resolved
      const call: Call = { handler, event, trigger, entity, deliveryId, attempt, replay, watched }
      const result = await (this.#options.transaction
        ? this.#callInTransaction(delivery, call)
        : this.#caller.call(call))
      return { ...result, deliveryId }
    } finally {
      this.#watch.remove(watched)
    }
  }

  /** What the callback writes and its delivery are committed together, or not at all. */
  async #callInTransaction(delivery: InboxDelivery, call: Call): Promise<Outcome> {
    const { inbox } = this.#options
    let result: Result | undefined
    try {
      const settled = await inbox.withTransaction?.(delivery, async (transaction) => {
        result = undefined
        const called = await this.#caller.call({ ...call, transaction })
        if (called.outcome === 'delivered') return
        result = called
        // The cause itself: after a deadlock, the inbox calls again.
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw called.cause ?? new Error(called.detail ?? called.outcome)
      })
      return { outcome: 'delivered', settled: settled === true }
    } catch (cause) {
      return result ?? { outcome: 'unavailable', detail: 'The transaction of the delivery failed.', cause }
    }
  }
}

/** Takes events from an inbox while there are free slots for callbacks, and starts their deliveries. */
import type { Inbox, InboxDelivery } from '../../inbox/inbox'
import { InProgress } from '../../wait/queues'
import { pause } from '../../wait/pause'
import { startTimer, type Timer } from '../../wait/timers'

export interface TakerOptions {
  inbox: Inbox
  concurrency: number
  /**
   * Limit for the bodies of all deliveries that occupy slots, in bytes. One body may exceed it, so that a large body
   * does not wait forever.
   */
  maxBytesInFlight: number
  handlerTimeoutMs: number
}

/** Delivers an event and calls `onCall` when it calls the callback. Never rejects. */
export type Deliver = (delivery: InboxDelivery, onCall: () => void) => Promise<void>

/** How long to wait before events are taken again after the inbox has failed. */
const RETRY_MS = 500
/** A poll interval, for an inbox that fails to call `wake`. */
const TAKE_EVERY_MS = 30_000
/**
 * The pause if a due event could not be taken: another process is taking it, or its body does not fit within
 * `maxBytesInFlight`.
 */
const CONTENDED_MS = 50
/**
 * How often one event may be taken while others are running, even if its body does not fit within `maxBytesInFlight`.
 * While no event is running, such an event is taken at once.
 */
const LARGE_EVERY_MS = 1_000

export class Taker {
  readonly #options: TakerOptions
  readonly #deliver: Deliver
  /**
   * Deliveries that occupy a slot. A callback that exceeds `handlerTimeoutMs` gives its slot up and continues without
   * one.
   */
  readonly #slots = new InProgress<InboxDelivery>()
  #largeAt = performance.now()
  readonly #stopping = new AbortController()
  /** Aborting this ends the wait for due events. */
  #waking = new AbortController()

  constructor(options: TakerOptions, deliver: Deliver) {
    this.#options = options
    this.#deliver = deliver
  }

  /** Called by the inbox when there may be events to take. */
  wake(): void {
    this.#waking.abort()
  }

  stop(): void {
    this.#stopping.abort()
    this.wake()
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#waking = new AbortController()
      try {
        const { count, nextDueInMs = TAKE_EVERY_MS } = await this.#takeSome()
        if (count > 0) continue
        await pause(Math.min(Math.max(nextDueInMs, CONTENDED_MS), TAKE_EVERY_MS), this.#waking.signal)
      } catch {
        // The inbox reports its own failures. This waits a fixed time, because a failing inbox might not call `wake`.
        await pause(RETRY_MS, signal)
      }
    }
  }

  async #takeSome(): Promise<{ count: number; nextDueInMs?: number | undefined }> {
    const { inbox, concurrency, maxBytesInFlight } = this.#options
    const limit = concurrency - this.#slots.size
    if (limit <= 0) return { count: 0 }
    const inFlight = this.#slots.all.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const isTurnOfLarge = inFlight <= maxBytesInFlight && performance.now() - this.#largeAt >= LARGE_EVERY_MS
    if (isTurnOfLarge) return this.#takeFirst()
    const taken = await inbox.take({ limit, maxBytes: Math.max(0, maxBytesInFlight - inFlight) })
    if (taken.deliveries.length === 0 && taken.nextDueInMs === 0 && this.#slots.size === 0) return this.#takeFirst()
    return this.#startAll(taken)
  }

  /** Takes the first due event even if its body does not fit: otherwise smaller events could delay it forever. */
  async #takeFirst(): Promise<{ count: number; nextDueInMs?: number | undefined }> {
    this.#largeAt = performance.now()
    return this.#startAll(await this.#options.inbox.take({ limit: 1, maxBytes: Number.MAX_SAFE_INTEGER }))
  }

  #startAll({ deliveries, nextDueInMs }: Awaited<ReturnType<Inbox['take']>>): {
    count: number
    nextDueInMs?: number | undefined
  } {
    for (const delivery of deliveries) this.#start(delivery)
    return { count: deliveries.length, nextDueInMs }
  }

  #start(delivery: InboxDelivery): void {
    const leave = (): void => {
      if (this.#slots.delete(delivery)) this.wake()
    }
    let timer: Timer | undefined
    // The time limit begins with the call of the callback, because a fetch has its own limit. It begins again if the
    // callback is called again after a deadlock.
    const onCall = (): void => {
      clearTimeout(timer)
      timer = startTimer(leave, this.#options.handlerTimeoutMs)
    }
    this.#slots.add(delivery)
    void this.#deliver(delivery, onCall).finally(() => {
      clearTimeout(timer)
      leave()
    })
  }
}

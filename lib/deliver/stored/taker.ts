/** Takes events from an inbox as long as there are slots for their callbacks, and starts their deliveries. */
import type { Inbox, InboxDelivery } from '../../inbox/inbox'
import { pause } from '../../wait/pause'
import { restartTimer, startTimer } from '../../wait/timers'

export interface TakerOptions {
  inbox: Inbox
  concurrency: number
  /** Bytes of the bodies that are with callbacks together; a larger one is delivered alone. */
  maxBytesInFlight: number
  handlerTimeoutMs: number
}

/** Delivers an event. Never rejects. `onCall` is to be called when the callback is. */
export type Deliver = (delivery: InboxDelivery, onCall: () => void) => Promise<void>

/** After the inbox could not be asked. */
const RETRY_MS = 500
/** An inbox calls `wake`; this is for one that forgot to. */
const TAKE_EVERY_MS = 30_000
/** Something is due that could not be taken: another process is about to, or its body does not fit. */
const CONTENDED_MS = 50

export class Taker {
  readonly #options: TakerOptions
  readonly #deliver: Deliver
  /** Deliveries that occupy a slot: a callback that exceeds `handlerTimeoutMs` runs on without one. */
  readonly #slots = new Set<InboxDelivery>()
  readonly #stopping = new AbortController()
  /** Ends the wait for something to take. */
  #waking = new AbortController()

  constructor(options: TakerOptions, deliver: Deliver) {
    this.#options = options
    this.#deliver = deliver
  }

  /** Something may be there to take. */
  wake(): void {
    this.#waking.abort()
  }

  /** Takes nothing more. */
  stop(): void {
    this.#stopping.abort()
    this.wake()
  }

  /** Runs until `stop` is called. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#waking = new AbortController()
      try {
        const { count, nextDueInMs = TAKE_EVERY_MS } = await this.#takeSome()
        if (count > 0) continue
        await pause(Math.min(Math.max(nextDueInMs, CONTENDED_MS), TAKE_EVERY_MS), this.#waking.signal)
      } catch {
        // The inbox reports its own failures. Until it works again, waking up does not help.
        await pause(RETRY_MS, signal)
      }
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

  #start(delivery: InboxDelivery): void {
    const { handlerTimeoutMs } = this.#options
    const leave = (): void => {
      if (this.#slots.delete(delivery)) this.wake()
    }
    let timer = startTimer(leave, handlerTimeoutMs)
    // Counted from the call: a fetch has a time limit of its own.
    const onCall = (): void => void (timer = restartTimer(timer, leave, handlerTimeoutMs))
    this.#slots.add(delivery)
    void this.#deliver(delivery, onCall).finally(() => {
      clearTimeout(timer)
      leave()
    })
  }
}

/**
 * The time from which queues are searched. While an old snapshot is open, for example of a backup, the server keeps the
 * index entries of removed queues, and each take would read them all.
 */
import type { TakeResult } from '../sql/take'
import { PATIENCE_MS } from '../unavailable'

/** Interval for searching all queues, because another process may free a queue that became due long ago. */
const LOOK_EVERY_MS = 1_000
/** The longest time between reading the clock and committing, in a transaction that stores an event. */
const MARGIN_MS = PATIENCE_MS + 500

export class LowWater {
  #due = 0
  /** The lowest `due` that was passed to `lower` since the last search of all queues began. */
  #lowered = Infinity
  #lookedAt = -Infinity

  /** The parameter `take` searches only queues that became due at `dueSince` or later; 0: all queues. */
  async take(take: (dueSince: number) => Promise<TakeResult>): Promise<TakeResult> {
    if (performance.now() - this.#lookedAt < LOOK_EVERY_MS) {
      const result = await take(this.#due)
      // If nothing was taken although something is due, a queue may have become due before `#due`, so all are searched.
      if (result.taken.length > 0 || result.nextDueInMs !== 0) return result
    }
    this.#lookedAt = performance.now()
    this.#lowered = Infinity
    const result = await take(0)
    if (result.firstDue !== undefined) this.#due = Math.min(result.firstDue - MARGIN_MS, this.#lowered)
    return result
  }

  /** Called when this process has freed a queue whose next event is due at `due`. */
  lower(due: number): void {
    this.#due = Math.min(this.#due, due)
    this.#lowered = Math.min(this.#lowered, due)
  }
}

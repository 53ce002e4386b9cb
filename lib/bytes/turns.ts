/** Lets other work of the process run during a long computation. */
import { setImmediate } from 'node:timers/promises'

/** Longer blocking is noticeable; yielding more often costs more than it gains. */
const TURN_MS = 4

export class Turns {
  readonly #ms: number
  #startedAt = performance.now()

  constructor(ms = TURN_MS) {
    this.#ms = ms
  }

  /** True if the event loop has been blocked for `ms` milliseconds: the caller should await `next()`. */
  get over(): boolean {
    return performance.now() - this.#startedAt >= this.#ms
  }

  /** Resolves after all other work that is due has run. */
  async next(): Promise<void> {
    await setImmediate()
    this.#startedAt = performance.now()
  }
}

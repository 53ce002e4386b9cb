/** Lets other work of the process run while something long is computed. */
import { setImmediate } from 'node:timers/promises'

/** Longer pauses of everything else are noticed; shorter ones cost more than they spare. */
const TURN_MS = 4

export class Turns {
  readonly #ms: number
  #startedAt = performance.now()

  constructor(ms = TURN_MS) {
    this.#ms = ms
  }

  /** The event loop has been kept long enough: call `next`. */
  get over(): boolean {
    return performance.now() - this.#startedAt >= this.#ms
  }

  /** Resolves when everything else that was due has run. */
  async next(): Promise<void> {
    await setImmediate()
    this.#startedAt = performance.now()
  }
}

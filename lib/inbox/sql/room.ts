/** Limits the total size of the bodies of waiting and running events: a full inbox refuses further events. */
import { unavailable } from '../unavailable'

const COUNT_EVERY_MS = 1_000

export class Room {
  readonly #maxBytes: number
  #bytes = 0
  #countedAt = -Infinity

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Rejects if there is no room for `bytes`, or if `bytes` is absent and the inbox is full. `count` reads the total
   * size from the database, because other processes store events too.
   */
  async take(bytes: number | undefined, count: () => Promise<number>): Promise<void> {
    if (performance.now() - this.#countedAt > COUNT_EVERY_MS) {
      this.#bytes = await count()
      this.#countedAt = performance.now()
    }
    if (this.#bytes + (bytes ?? 1) > this.#maxBytes)
      throw unavailable(`The inbox is full: more than ${this.#maxBytes} bytes are waiting in it.`)
    this.#bytes += bytes ?? 0
  }
}

/** The bytes that an operation stores; `undefined` for an operation that only tests whether storing is possible. */
export function sizeOf(argument: unknown): number | undefined {
  return (argument as { size?: number } | undefined)?.size
}

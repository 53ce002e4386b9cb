/** Room for the bodies that wait: an inbox that is full refuses what would be stored. */
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
   * Rejects if there is none for these `bytes`; without them, if there is none at all. `count`: bytes that wait in the
   * database, which other processes store in as well.
   */
  async take(bytes: number | undefined, count: () => Promise<number>): Promise<void> {
    if (performance.now() - this.#countedAt > COUNT_EVERY_MS) {
      this.#bytes = await count()
      this.#countedAt = performance.now()
    }
    if (this.#bytes + (bytes ?? 1) > this.#maxBytes)
      throw unavailable(`The inbox is full: more than ${this.#maxBytes} bytes wait in it.`)
    this.#bytes += bytes ?? 0
  }
}

/** Of an operation that stores something. Absent for one that only tries. */
export function sizeOf(argument: unknown): number | undefined {
  return (argument as { size?: number } | undefined)?.size
}

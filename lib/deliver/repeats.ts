/**
 * Counts identical events. Two different events may have the same bytes, so the number of identical events completed
 * before is part of an event's key and delivery ID. A retry finds the same number, and so has the same key.
 */
import { storeFailed, type Claims, type TakenClaim } from './dedupe/claims'
import { repeatedKey } from './identity'
import { BoundedMap } from '../bytes/bounded-map'

const MAX_REMEMBERED = 100_000
/** Ends the loop for a faulty store that returns `completed` for every key. */
const MAX_CLAIMS = 1_000

export class Repeats {
  readonly #completed = new BoundedMap<number>(MAX_REMEMBERED)

  /** How many events with this key were completed, as far as this process knows. */
  count(key: string): number {
    return this.#completed.get(key) ?? 0
  }

  /** Remembers that repeat number `count` of an event was completed, even if the store could not record that. */
  completed(key: string, count: number): void {
    if (count >= this.count(key)) this.#completed.set(key, count + 1)
  }

  /**
   * Claims the event with the first number that is not completed yet. Other processes may have completed numbers that
   * this process does not know of.
   */
  async take(claims: Claims, key: string): Promise<{ taken: TakenClaim; count: number }> {
    for (let i = 0; i < MAX_CLAIMS; i++) {
      const count = this.count(key)
      const taken = await claims.take(repeatedKey(key, count))
      if (taken.outcome !== 'duplicate') return { taken, count }
      this.completed(key, count)
    }
    const cause = new Error(`The store answered that each of ${MAX_CLAIMS} keys was completed.`)
    return { taken: storeFailed(cause), count: this.count(key) }
  }
}

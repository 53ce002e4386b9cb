/** The default store, in the memory of one process. Its content is lost when the process ends. */
import { checkWholeNumber, givenOptions } from '../../errors/checks'
import type { ClaimResult, Store } from './store'

/** Highest number of completed keys in one generation: half of what a Map can hold before it throws. */
const MOST_KEYS = 2 ** 23

export interface MemoryStoreOptions {
  /**
   * Highest number of completed keys to remember, about 200 bytes each. Values above 16,777,216 count as 16,777,216.
   * Default: 100,000.
   */
  maxKeys?: number | undefined
}

/**
 * Remembers a limited number of completed keys. Running claims are kept in addition and are never evicted. A claim
 * lasts until it is completed or released: it belongs to this process, so its lease need not expire.
 *
 * Claimed and completed keys share a Map, because updating an entry is cheaper than moving it to another Map. There are
 * two generations of that Map, because evicting one key at a time from a large Map is a hundred times slower than
 * dropping a whole generation.
 */
export class MemoryStore implements Store {
  /**
   * The value of a completed key is the time of its expiry, on the clock of `performance.now()`. The value of a claimed
   * key is its token, as a negative number.
   */
  #young = new Map<string, number>()
  /** The older generation. It holds no claimed keys. */
  #old = new Map<string, number>()
  readonly #half: number
  #running = 0
  #tokens = 0

  constructor(options: MemoryStoreOptions = {}) {
    const { maxKeys = 100_000 } = givenOptions(options, ['maxKeys'], 'new MemoryStore({ maxKeys })')
    const half = Math.floor(checkWholeNumber('maxKeys', maxKeys, 2, Number.MAX_SAFE_INTEGER) / 2)
    this.#half = Math.min(half, MOST_KEYS)
  }

  claim(key: string): ClaimResult {
    const known = this.#young.get(key) ?? this.#old.get(key)
    if (known !== undefined) {
      if (known < 0) return { status: 'in_progress' }
      if (known > performance.now()) return { status: 'completed' }
    }
    const token = ++this.#tokens
    this.#young.set(key, -token)
    this.#running++
    return { status: 'claimed', token: String(token) }
  }

  renew(key: string, token: string): boolean {
    return this.#young.get(key) === -Number(token)
  }

  complete(key: string, token: string, ttlMs: number): boolean {
    if (!this.renew(key, token)) return false
    // Rounded to an integer, which V8 stores without allocation during the first weeks of a process.
    this.#young.set(key, Math.max(0, Math.ceil(performance.now() + ttlMs)))
    this.#running--
    if (this.#young.size - this.#running >= this.#half) this.#startGeneration()
    return true
  }

  release(key: string, token: string): void {
    if (!this.renew(key, token)) return
    this.#young.delete(key)
    this.#running--
  }

  #startGeneration(): void {
    this.#old = this.#young
    this.#young = new Map()
    for (const [key, value] of this.#old) {
      if (!(value < 0)) continue
      this.#old.delete(key)
      this.#young.set(key, value)
    }
  }
}

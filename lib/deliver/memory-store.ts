/** The store of one process, and the default. What it knows is gone with the process. */
import { checkWholeNumber } from '../checks'
import { Generations } from './generations'
import type { ClaimResult, Store } from './store'

export interface MemoryStoreOptions {
  /** Completed keys that are remembered at most; about 200 bytes each. Default: 100,000. */
  maxKeys?: number | undefined
}

/**
 * Remembers completed keys up to a number; claims that are running come on top and are never evicted. A claim lasts
 * until it is completed or released: the process that holds it is this one, so its lease cannot run out unnoticed.
 */
export class MemoryStore implements Store {
  readonly #claims = new Map<string, string>()
  /** When each key is forgotten, in milliseconds since 1970. */
  readonly #completed: Generations<number>
  #tokens = 0

  constructor({ maxKeys = 100_000 }: MemoryStoreOptions = {}) {
    this.#completed = new Generations(checkWholeNumber('maxKeys', maxKeys, 2, Number.MAX_SAFE_INTEGER))
  }

  claim(key: string): ClaimResult {
    if (this.#claims.has(key)) return { status: 'in_progress' }
    const until = this.#completed.get(key)
    if (until !== undefined && until > Date.now()) return { status: 'completed' }
    const token = String(++this.#tokens)
    this.#claims.set(key, token)
    return { status: 'claimed', token }
  }

  renew(key: string, token: string): boolean {
    return this.#claims.get(key) === token
  }

  complete(key: string, token: string, ttlMs: number): boolean {
    if (this.#claims.get(key) !== token) return false
    this.#claims.delete(key)
    this.#completed.set(key, Date.now() + ttlMs)
    return true
  }

  release(key: string, token: string): void {
    if (this.#claims.get(key) === token) this.#claims.delete(key)
  }
}

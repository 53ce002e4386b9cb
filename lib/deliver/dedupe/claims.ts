/** Dedupe with a store: claims events, limits the time that a store may take, and never leaks a claim. */
import { debugDeliver } from '../../log/debug'
import { describe } from '../../log/describe-error'
import { isThenable } from '../../wait/thenable'
import type { ClaimResult, Store } from './store'
import { within } from '../../wait/within'

/** An event that this process may deliver. None of the methods rejects. */
export interface Claim {
  /** False if another process has the lease. */
  renew(): Promise<boolean>
  /** Processed. False if the store could not record it; the event counts as delivered nevertheless. */
  complete(): Promise<boolean>
  /** Not processed: the event may be tried again at once. */
  release(): Promise<void>
}

export type Taken =
  | { status: 'claimed'; claim: Claim }
  | { status: 'in_progress' }
  | { status: 'completed' }
  | { status: 'away'; cause: unknown }

export interface ClaimsOptions {
  store: Store
  ttlMs: number
  leaseMs: number
  /** A store that takes longer counts as unavailable. */
  timeoutMs: number
}

export class Claims {
  readonly #options: ClaimsOptions

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  async take(key: string): Promise<Taken> {
    const { store, leaseMs, timeoutMs } = this.#options
    try {
      const answer = store.claim(key, leaseMs)
      const result = isThenable(answer)
        ? await bounded(
            answer,
            timeoutMs,
            // The store may still return the claim later: release it then, because no one else would.
            (late) => void (isClaimed(late) && this.#claim(key, late.token).release()),
          )
        : answer
      if (isClaimed(result)) return { status: 'claimed', claim: this.#claim(key, result.token) }
      const known = (['in_progress', 'completed'] as const).find((status) => status === result.status)
      if (known !== undefined) return { status: known }
      throw new Error('The store gave an answer that is none of a store.')
    } catch (cause) {
      return { status: 'away', cause }
    }
  }

  /** Rejects if the store is unavailable. */
  async check(key: string): Promise<void> {
    const taken = await this.take(key)
    if (taken.status === 'away') throw taken.cause
    if (taken.status === 'claimed') await taken.claim.release()
  }

  #claim(key: string, token: string): Claim {
    return new StoreClaim(this.#options, key, token)
  }
}

class StoreClaim implements Claim {
  readonly #options: ClaimsOptions
  readonly #key: string
  readonly #token: string

  constructor(options: ClaimsOptions, key: string, token: string) {
    this.#options = options
    this.#key = key
    this.#token = token
  }

  renew(): Promise<boolean> {
    // A store that is briefly unavailable has not given the lease to another process.
    return this.#try(({ store, leaseMs }) => store.renew(this.#key, this.#token, leaseMs), true)
  }

  complete(): Promise<boolean> {
    return this.#try(({ store, ttlMs }) => store.complete(this.#key, this.#token, ttlMs), false)
  }

  release(): Promise<void> {
    return this.#try(({ store }) => store.release(this.#key, this.#token), undefined)
  }

  async #try<T>(operation: (options: ClaimsOptions) => T | Promise<T>, otherwise: T): Promise<T> {
    try {
      const answer = operation(this.#options)
      return isThenable(answer) ? await bounded(answer, this.#options.timeoutMs) : answer
    } catch (error) {
      debugDeliver('the dedupe store failed: %s', describe(error))
      return otherwise
    }
  }
}

/** Stores may be written by users, so the returned value may be anything. */
function isClaimed(result: ClaimResult | undefined): result is Extract<ClaimResult, { status: 'claimed' }> {
  return result?.status === 'claimed' && typeof result.token === 'string'
}

function bounded<T>(answer: PromiseLike<T>, timeoutMs: number, onLate?: (value: T) => void): Promise<T> {
  // Some libraries run the query again on each call of `then`.
  const value = Promise.resolve(answer)
  return within(timeoutMs, value, () => {
    value.then(onLate, () => undefined)
    throw new Error(`The store did not answer within ${timeoutMs} ms.`)
  })
}

/** Dedupe with a store: claims events, limits the time that a store may take, and never leaks a claim. */
import { debugDeliver } from '../../log/debug'
import { describe } from '../../log/describe-error'
import { isThenable } from '../../wait/thenable'
import type { ClaimResult, Store } from './store'
import { within } from '../../wait/within'

/**
 * The claim of an event that this process may deliver. Its methods neither throw nor reject, and are synchronous if the
 * store is.
 */
export interface Claim {
  /** Extends the lease. False if another process has it now. */
  renew(): boolean | Promise<boolean>
  /**
   * Records that the event was processed. False if the store could not record it; the event counts as delivered
   * nevertheless.
   */
  complete(): boolean | Promise<boolean>
  /** Gives the claim back: the event was not processed, and may be tried again at once. */
  release(): void | Promise<void>
}

export type TakenClaim =
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

  /** Claims an event. Synchronous if the store is synchronous, as the one in memory. Never rejects. */
  take(key: string): TakenClaim | Promise<TakenClaim> {
    const { store, leaseMs } = this.#options
    try {
      const answer = store.claim(key, leaseMs)
      return isThenable(answer) ? this.#takeLater(key, answer) : this.#taken(key, answer)
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

  async #takeLater(key: string, answer: PromiseLike<ClaimResult>): Promise<TakenClaim> {
    // The store may still return the claim after the time limit. It is released then, because nothing else would
    // release it.
    const onLate = (late: ClaimResult): void =>
      void (isClaimed(late) && new StoreClaim(this.#options, key, late.token).release())
    try {
      return this.#taken(key, await bounded(answer, this.#options.timeoutMs, onLate))
    } catch (cause) {
      return { status: 'away', cause }
    }
  }

  #taken(key: string, result: ClaimResult): TakenClaim {
    if (isClaimed(result)) return { status: 'claimed', claim: new StoreClaim(this.#options, key, result.token) }
    const known = (['in_progress', 'completed'] as const).find((status) => status === result.status)
    if (known !== undefined) return { status: known }
    throw new Error('The store returned a value that is not a result of a store.')
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

  renew(): boolean | Promise<boolean> {
    // A store that is briefly unavailable does not mean that another process has the lease.
    return this.#try(({ store, leaseMs }) => store.renew(this.#key, this.#token, leaseMs), true)
  }

  complete(): boolean | Promise<boolean> {
    return this.#try(({ store, ttlMs }) => store.complete(this.#key, this.#token, ttlMs), false)
  }

  release(): void | Promise<void> {
    return this.#try(({ store }) => store.release(this.#key, this.#token), undefined)
  }

  #try<T>(operation: (options: ClaimsOptions) => T | Promise<T>, otherwise: T): T | Promise<T> {
    const failed = (error: unknown): T => {
      debugDeliver('the dedupe store failed: %s', describe(error))
      return otherwise
    }
    try {
      const answer = operation(this.#options)
      return isThenable(answer) ? bounded(answer, this.#options.timeoutMs).catch(failed) : answer
    } catch (error) {
      return failed(error)
    }
  }
}

/** Stores may be written by users, so the returned value may be anything. */
function isClaimed(result: ClaimResult | undefined): result is Extract<ClaimResult, { status: 'claimed' }> {
  return result?.status === 'claimed' && typeof result.token === 'string'
}

function bounded<T>(answer: PromiseLike<T>, timeoutMs: number, onLate?: (value: T) => void): Promise<T> {
  // The promise is created once, because some libraries run the query again on each call of `then`.
  const value = Promise.resolve(answer)
  return within(timeoutMs, value, () => {
    value.then(onLate, () => undefined)
    throw new Error(`The store did not answer within ${timeoutMs} ms.`)
  })
}

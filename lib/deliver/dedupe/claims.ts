/** Dedupe with a store: claims events, limits the time that a store may take, and releases claims that come late. */
import type { Result } from '../../answer/respond'
import { debugDeliver } from '../../log/debug'
import { describe } from '../../log/describe-error'
import type { Store } from './store'
import { within } from '../../wait/within'

/** The claim of an event that this process may deliver. */
export interface Claim {
  readonly key: string
  readonly token: string
}

/** The claim, or the result of an event that must not be delivered now. */
export type TakenClaim = { claim: Claim; outcome?: undefined } | (Result & { claim?: undefined })

export interface ClaimsOptions {
  store: Store
  ttlMs: number
  leaseMs: number
  /** A store that takes longer counts as unavailable. */
  timeoutMs: number
}

/** Apart from `check`, the methods neither throw nor reject. With a synchronous store, they are synchronous too. */
export class Claims {
  readonly #options: ClaimsOptions

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  take(key: string): TakenClaim | Promise<TakenClaim> {
    const { store, leaseMs } = this.#options
    try {
      const answer = store.claim(key, leaseMs)
      // If `takenFrom` finds no result, the answer is a promise (not always a native one), or a mistake.
      return takenFrom(key, answer) ?? this.#takeLater(key, answer)
    } catch (cause) {
      return storeFailed(cause)
    }
  }

  /** Extends the lease. False if the lease was lost. */
  renew({ key, token }: Claim): boolean | Promise<boolean> {
    // If the store is unavailable, the lease may still be held, so it does not count as lost.
    return this.#ask(({ store, leaseMs }) => store.renew(key, token, leaseMs), true)
  }

  /**
   * Records that the event was processed. False if the store could not record it; the event counts as delivered
   * nevertheless.
   */
  complete({ key, token }: Claim): boolean | Promise<boolean> {
    return this.#ask(({ store, ttlMs }) => store.complete(key, token, ttlMs), false)
  }

  /** Gives the claim back: the event was not processed, and may be tried again at once. */
  release({ key, token }: Claim): void | Promise<void> {
    return this.#ask(({ store }) => store.release(key, token), undefined)
  }

  /** Rejects if the store is unavailable. */
  async check(key: string): Promise<void> {
    const taken = await this.take(key)
    if (taken.outcome === 'unavailable') throw taken.cause
    if (taken.claim) await this.release(taken.claim)
  }

  async #takeLater(key: string, answer: unknown): Promise<TakenClaim> {
    // If the store returns the claim only after the time limit, the claim is released here: nothing else would release
    // it.
    const onLate = (late: unknown): void => {
      const claim = takenFrom(key, late)?.claim
      if (claim) void this.release(claim)
    }
    try {
      const taken = takenFrom(key, await bounded(answer, this.#options.timeoutMs, onLate))
      if (taken) return taken
      throw new Error('The store returned an invalid result.')
    } catch (cause) {
      return storeFailed(cause)
    }
  }

  #ask<T extends boolean | void>(operation: (options: ClaimsOptions) => T | Promise<T>, otherwise: T): T | Promise<T> {
    const failed = (error: unknown): T => {
      debugDeliver('the dedupe store failed: %s', describe(error))
      return otherwise
    }
    try {
      const answer = operation(this.#options)
      if (typeof answer === 'boolean' || answer === undefined) return answer
      return bounded(answer, this.#options.timeoutMs).catch(failed)
    } catch (error) {
      return failed(error)
    }
  }
}

/** The result of an event whose claim could not be taken because the store failed. */
export function storeFailed(cause: unknown): Result {
  return { outcome: 'unavailable', detail: 'The dedupe store is unavailable.', cause }
}

/** `undefined` if the answer is not a result. It is then a promise, or an invalid value from a user's own store. */
function takenFrom(key: string, answer: unknown): TakenClaim | undefined {
  const { status, token } = (answer ?? {}) as { status?: unknown; token?: unknown }
  if (status === 'claimed' && typeof token === 'string') return { claim: { key, token } }
  if (status === 'completed') return { outcome: 'duplicate' }
  return status === 'in_progress' ? { outcome: 'in_progress' } : undefined
}

function bounded<T>(answer: T | PromiseLike<T>, timeoutMs: number, onLate?: (value: T) => void): Promise<T> {
  // The promise is created once, because some libraries run the query again on each call of `then`.
  const value = Promise.resolve(answer)
  return within(timeoutMs, value, () => {
    value.then(onLate, () => undefined)
    throw new Error(`The store did not answer within ${timeoutMs} ms.`)
  })
}

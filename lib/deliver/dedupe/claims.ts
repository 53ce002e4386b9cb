/** Dedupe on top of a store: claims events, bounds the time that a store may take, and never loses a claim by it. */
import { debugDeliver } from '../../log/debug'
import { describe } from '../../log/describe-error'
import { isThenable } from '../../wait/thenable'
import type { ClaimResult, Store } from './store'
import { within } from '../../wait/within'

/** An event that is ours to process. None of the methods rejects. */
export interface Claim {
  /** False when the lease was lost to somebody else. */
  renew(): Promise<boolean>
  /** Processed. False when the store could not note it; the event is delivered all the same. */
  complete(): Promise<boolean>
  /** Not processed: the same event may be tried again at once. */
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
  /** A store that takes longer is away. */
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
            // A store that thaws later may still hand out the claim: nobody would ever give it back.
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

  /** Rejects if the store is away. */
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
    // A store that is away for a moment has not given the lease to anybody.
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

/** Stores are written by users too: what one answers may be anything. */
function isClaimed(result: ClaimResult | undefined): result is Extract<ClaimResult, { status: 'claimed' }> {
  return result?.status === 'claimed' && typeof result.token === 'string'
}

function bounded<T>(answer: PromiseLike<T>, timeoutMs: number, onLate?: (value: T) => void): Promise<T> {
  // Some libraries run a query again with each call of `then`.
  const value = Promise.resolve(answer)
  return within(timeoutMs, value, () => {
    value.then(onLate, () => undefined)
    throw new Error(`The store did not answer within ${timeoutMs} ms.`)
  })
}

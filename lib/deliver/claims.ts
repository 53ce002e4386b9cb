/** Dedupe on top of a store: claims events, bounds the time that a store may take, and never loses a claim by it. */
import { debugDeliver } from '../debug'
import { describe } from '../report'
import { isThenable } from '../thenable'
import type { ClaimResult, MaybePromise, Store } from './store'

/** An event that is ours to process. None of the methods throws or rejects; they answer at once where the store does. */
export interface Claim {
  /** False when the lease was lost to somebody else. */
  renew(): MaybePromise<boolean>
  /** Processed. False when the store could not note it; the event is delivered all the same. */
  complete(): MaybePromise<boolean>
  /** Not processed: the same event may be tried again at once. */
  release(): MaybePromise<void>
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

  /** `remember`: false for an event that may truly come again with the same bytes; it is only kept from running twice at a time. */
  take(key: string, remember: boolean): MaybePromise<Taken> {
    const { store, leaseMs } = this.#options
    try {
      const answer = store.claim(key, leaseMs)
      return isThenable(answer) ? this.#takeLater(answer, key, remember) : this.#taken(answer, key, remember)
    } catch (cause) {
      return { status: 'away', cause }
    }
  }

  async #takeLater(answer: PromiseLike<ClaimResult>, key: string, remember: boolean): Promise<Taken> {
    // A store that thaws later may still hand out the claim: nobody would ever give it back.
    const giveBack = (late: ClaimResult): void =>
      void (isClaimed(late) && this.#claim(key, late.token, remember).release())
    try {
      return this.#taken(await bounded(answer, this.#options.timeoutMs, giveBack), key, remember)
    } catch (cause) {
      return { status: 'away', cause }
    }
  }

  #taken(result: ClaimResult, key: string, remember: boolean): Taken {
    if (isClaimed(result)) return { status: 'claimed', claim: this.#claim(key, result.token, remember) }
    const known = (['in_progress', 'completed'] as const).find((status) => status === result.status)
    if (known === undefined) throw new Error('The store gave an answer that is none of a store.')
    return { status: known }
  }

  #claim(key: string, token: string, remember: boolean): Claim {
    return new StoreClaim(this.#options, key, token, remember)
  }
}

class StoreClaim implements Claim {
  readonly #options: ClaimsOptions
  readonly #key: string
  readonly #token: string
  readonly #remember: boolean

  constructor(options: ClaimsOptions, key: string, token: string, remember: boolean) {
    this.#options = options
    this.#key = key
    this.#token = token
    this.#remember = remember
  }

  renew(): MaybePromise<boolean> {
    // A store that is away for a moment has not given the lease to anybody.
    return this.#try(({ store, leaseMs }) => store.renew(this.#key, this.#token, leaseMs), true)
  }

  complete(): MaybePromise<boolean> {
    if (this.#remember) return this.#try(({ store, ttlMs }) => store.complete(this.#key, this.#token, ttlMs), false)
    const released = this.release()
    return isThenable(released) ? released.then(() => true) : true
  }

  release(): MaybePromise<void> {
    return this.#try(({ store }) => store.release(this.#key, this.#token), undefined)
  }

  #try<T>(operation: (options: ClaimsOptions) => MaybePromise<T>, otherwise: T): MaybePromise<T> {
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

/** Stores are written by users too: what one answers may be anything. */
function isClaimed(result: ClaimResult | undefined): result is Extract<ClaimResult, { status: 'claimed' }> {
  return result?.status === 'claimed' && typeof result.token === 'string'
}

async function bounded<T>(answer: PromiseLike<T>, timeoutMs: number, onLate?: (value: T) => void): Promise<T> {
  const value = Promise.resolve(answer)
  let timer: NodeJS.Timeout | undefined
  let late = false
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      late = true
      reject(new Error(`The store did not answer within ${timeoutMs} ms.`))
    }, timeoutMs).unref()
  })
  value.then(
    (result) => late && onLate?.(result),
    () => undefined,
  )
  try {
    return await Promise.race([value, timeout])
  } finally {
    clearTimeout(timer)
  }
}

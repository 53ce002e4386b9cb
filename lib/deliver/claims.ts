/** Dedupe on top of a store: claims events, bounds the time that a store may take, and never loses a claim by it. */
import { debugDeliver } from '../debug'
import { quote } from '../quote'
import { isThenable } from '../thenable'
import type { ClaimResult, Store } from './store'

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

  /** `remember`: false for an event that may truly come again with the same bytes; it is only kept from running twice at a time. */
  async take(key: string, remember: boolean): Promise<Taken> {
    const { store, leaseMs, timeoutMs, ttlMs } = this.#options
    try {
      const result = await bounded(
        () => store.claim(key, leaseMs),
        timeoutMs,
        // A store that thaws later may still hand out the claim: nobody would ever give it back.
        (late) => void (isClaimed(late) && this.#release(key, late.token)),
      )
      if (!isClaimed(result)) {
        const known = (['in_progress', 'completed'] as const).find((status) => status === result.status)
        if (known !== undefined) return { status: known }
        throw new Error('The store gave an answer that is none of a store.')
      }
      const { token } = result
      return {
        status: 'claimed',
        claim: {
          // A store that is away for a moment has not given the lease to anybody.
          renew: () => this.#try(() => store.renew(key, token, leaseMs), true),
          complete: () =>
            remember
              ? this.#try(() => store.complete(key, token, ttlMs), false)
              : this.#release(key, token).then(() => true),
          release: () => this.#release(key, token),
        },
      }
    } catch (cause) {
      return { status: 'away', cause }
    }
  }

  async #release(key: string, token: string): Promise<void> {
    await this.#try(() => this.#options.store.release(key, token), undefined)
  }

  async #try<T>(operation: () => T | Promise<T>, otherwise: T): Promise<T> {
    try {
      return await bounded(operation, this.#options.timeoutMs)
    } catch (error) {
      debugDeliver('the dedupe store failed: %s', error instanceof Error ? quote(error.message) : 'not an Error')
      return otherwise
    }
  }
}

/** Stores are written by users too: what one answers may be anything. */
function isClaimed(result: ClaimResult | undefined): result is Extract<ClaimResult, { status: 'claimed' }> {
  return result?.status === 'claimed' && typeof result.token === 'string'
}

async function bounded<T>(operation: () => T | Promise<T>, timeoutMs: number, onLate?: (value: T) => void): Promise<T> {
  const answer = operation()
  if (!isThenable(answer)) return answer
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

/**
 * The page size of a poll: halved after a failure that a smaller page may avoid, increased again after pages that
 * succeeded.
 */
import { TradecloudApiError } from './api-error'
import type { RequestFailure } from './failure'

/**
 * At first, this number of pages must succeed before the size grows. The number doubles each time that a page fails and
 * the size is halved.
 */
const PATIENCE = 2

export class PageSize {
  readonly #largest: number
  readonly #maxBytes: number
  #current: number
  #successes = 0
  #patience = PATIENCE
  #failed = false

  /** `maxBytes` is the limit for the response with one page. */
  constructor(largest: number, maxBytes: number) {
    this.#largest = largest
    this.#maxBytes = maxBytes
    this.#current = largest
  }

  get current(): number {
    return this.#current
  }

  halve(): void {
    // Repeated halvings for one page count as one failure.
    if (!this.#failed) this.#patience *= 2
    this.#failed = true
    this.#successes = 0
    this.#current = Math.max(1, Math.floor(this.#current / 2))
  }

  /** Called when a page of the current size has arrived. `bytes` is the size of its response. */
  succeed(bytes: number): void {
    this.#failed = false
    if (this.#current === this.#largest || ++this.#successes < this.#patience || 2 * bytes > this.#maxBytes) return
    this.#successes = 0
    this.#current = Math.min(this.#largest, 2 * this.#current)
  }
}

/** The requests for one page, within one deadline. */
export class PageAttempt {
  readonly #size: PageSize
  readonly #most: number
  #asked = 0
  /** Whether a page request is in progress, as opposed to a login or a wait. */
  #underWay = false

  /** The page has at most `most` entities, even if the current `size` is larger. */
  constructor(size: PageSize, most: number) {
    this.#size = size
    this.#most = most
  }

  /** Returns the page size of the next request. */
  begin(): number {
    this.#underWay = true
    this.#asked = Math.min(this.#size.current, this.#most)
    return this.#asked
  }

  /** Returns how many entities were requested. */
  succeed(bytes: number): number {
    this.#underWay = false
    if (this.#asked === this.#size.current) this.#size.succeed(bytes)
    return this.#asked
  }

  /**
   * Halves the size after a failure that a smaller page may avoid. If the page was too large, a smaller one is
   * requested without a wait.
   */
  amend(failure: RequestFailure): RequestFailure {
    this.#underWay = false
    const tooLarge = failure.tooLarge === true || failure.status === 413
    // 429 means too many requests, and smaller pages would need more of them.
    if (!tooLarge && (!failure.retry || failure.status === 429)) return failure
    if (this.#asked > 1) this.#size.halve()
    else if (tooLarge) return { ...failure, text: `${failure.text}, for a page of one entity` }
    return tooLarge ? { ...failure, retry: 'at-once' } : failure
  }

  /**
   * Called after an attempt that failed with `error`. Returns whether to request a smaller page, with a new deadline.
   * Halves the size if a page was too slow. Without a smaller page, every poll would fail at the same position.
   */
  hasSmaller(error: unknown): boolean {
    if (!(error instanceof TradecloudApiError) || error.code === 'unavailable') return false
    if (this.#underWay && error.code === 'fetch_timeout') this.#size.halve()
    return this.#size.current < this.#asked
  }
}

/**
 * Limits the requests in any second. Real time: the clock of the simulator can be moved, the pace of a client
 * cannot.
 */
import { requireWhole } from '../checks'

/** How the API limits its clients. */
export interface RateLimitOptions {
  /** Requests that are answered in any sliding second; those above get 429. Default: 10, as documented. */
  perSecond?: number | undefined
  /**
   * The header `Retry-After` of a 429: seconds, or a text that is sent as it is. Whether Tradecloud sends one is not
   * documented. Default: none.
   */
  retryAfter?: number | string | undefined
}

const SECOND_MS = 1000

export class RateLimit {
  readonly retryAfter: string | undefined
  private readonly perSecond: number
  private readonly taken: number[] = []

  constructor({ perSecond = 10, retryAfter }: RateLimitOptions) {
    requireWhole('rateLimit.perSecond', perSecond, 1)
    this.perSecond = perSecond
    this.retryAfter = retryAfter === undefined ? undefined : String(retryAfter)
  }

  /** False for a request too many. That one is not counted; whether Tradecloud counts it is not documented. */
  take(at: number): boolean {
    while (this.taken[0] !== undefined && at - this.taken[0] >= SECOND_MS) this.taken.shift()
    if (this.taken.length >= this.perSecond) return false
    this.taken.push(at)
    return true
  }
}

/** The largest number of `times`, in rising order, within any sliding second. */
export function busiestSecond(times: readonly number[]): number {
  let first = 0
  return times.reduce((busiest, time, index) => {
    while (time - (times[first] ?? time) >= SECOND_MS) first++
    return Math.max(busiest, index - first + 1)
  }, 0)
}

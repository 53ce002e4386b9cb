/**
 * Limits the requests per second. Uses real time, because moving the simulator's clock does not change the pace of a
 * client.
 */
import { requireWhole } from '../checks'

export interface RateLimitOptions {
  /**
   * Number of requests that are accepted within any sliding second; further ones get 429. Default: 10, as documented.
   */
  perSecond?: number | undefined
  /**
   * `Retry-After` of a 429: seconds, or a string that is sent unchanged. Whether Tradecloud sends this header is not
   * documented. Default: none.
   */
  retryAfter?: number | string | undefined
}

const SECOND_MS = 1000

export class SimulatedRateLimit {
  readonly retryAfter: string | undefined
  private readonly perSecond: number
  private readonly taken: number[] = []

  constructor({ perSecond = 10, retryAfter }: RateLimitOptions) {
    requireWhole('rateLimit.perSecond', perSecond, 1)
    this.perSecond = perSecond
    this.retryAfter = retryAfter === undefined ? undefined : String(retryAfter)
  }

  /**
   * Returns false if the request exceeds the limit. Such a request is not counted; whether Tradecloud counts it is not
   * documented.
   */
  take(at: number): boolean {
    while (this.taken[0] !== undefined && at - this.taken[0] >= SECOND_MS) this.taken.shift()
    if (this.taken.length >= this.perSecond) return false
    this.taken.push(at)
    return true
  }
}

/** The largest number of `times` within any sliding second. `times` must be in ascending order. */
export function busiestSecond(times: readonly number[]): number {
  let first = 0
  return times.reduce((busiest, time, index) => {
    while (time - (times[first] ?? time) >= SECOND_MS) first++
    return Math.max(busiest, index - first + 1)
  }, 0)
}

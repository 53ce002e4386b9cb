/**
 * The clock of the simulated Tradecloud. It determines when tokens and links expire, and which times Tradecloud writes.
 * Time-outs of sockets use real time.
 */

/** The clock of the simulated Tradecloud. */
export interface SimulatorClock {
  /** The current time, in milliseconds since 1970. */
  now(): number
  /** The time of Tradecloud's own clock in milliseconds since 1970: `now()` plus the offset set by `skew`. */
  shown(): number
  /**
   * The time of `shown()` in Tradecloud's format, for a `lastUpdatedAt` or `createdDateTime`:
   * `2025-04-23T10:01:53.812Z`.
   */
  timestamp(): string
  /**
   * Advances the clock by this number of milliseconds. Real timers of the simulator, such as retries, are not affected.
   * Throws a `TypeError` for a negative number.
   */
  advance(ms: number): void
  /**
   * Offsets Tradecloud's own clock by this number of milliseconds; a negative number sets it back. This affects the
   * header `Date` and every time that Tradecloud writes from now on. Events, expiries and the like still happen at the
   * times of `now()`. 0 removes the offset.
   */
  skew(ms: number): void
}

/**
 * With `startAt`, the clock begins at that time and moves only by `advance`; without it, the clock follows the real
 * one.
 */
export function createClock(startAt?: Date): SimulatorClock {
  const start = startAt?.getTime()
  if (Number.isNaN(start)) throw new TypeError('startAt must be a valid date')
  let advanced = 0
  let skewed = 0
  const now = () => (start ?? Date.now()) + advanced
  const shown = () => now() + skewed
  return {
    now,
    shown,
    timestamp: () => new Date(shown()).toISOString(),
    advance: (ms) => {
      if (!(ms >= 0 && ms < Infinity)) throw new TypeError(`the clock cannot be advanced by ${ms} ms`)
      advanced += ms
    },
    skew: (ms) => {
      if (!Number.isFinite(ms)) throw new TypeError(`the clock cannot be skewed by ${ms} ms`)
      skewed = ms
    },
  }
}

/**
 * A monotonic clock in milliseconds, for rates and durations. The function is stored when the module is loaded, so that
 * fake timers that a test installs later do not stop the clock. With a stopped clock, the rate limit would refuse all
 * further requests.
 */
export const steadyMs: () => number = performance.now.bind(performance)

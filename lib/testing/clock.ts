/**
 * The clock of the simulated Tradecloud: for the expiry of tokens and links, and for the times that it writes.
 * Time-outs of sockets use real time.
 */

/** Time at the simulated Tradecloud. */
export interface SimulatorClock {
  /** Milliseconds since 1970. */
  now(): number
  /** What Tradecloud's own clock shows, in milliseconds since 1970: `now()`, and what `skew` set it off by. */
  shown(): number
  /** That time as Tradecloud writes it, for a `lastUpdatedAt` or `createdDateTime`: `2025-04-23T10:01:53.812Z`. */
  timestamp(): string
  /**
   * Advances the clock by this number of milliseconds, at once. No timer of the simulator fires because of it. Throws a
   * `TypeError` for a number below 0.
   */
  advance(ms: number): void
  /**
   * Sets Tradecloud's own clock wrong by this number of milliseconds. A negative number sets it back. It affects the
   * header `Date` and every time that Tradecloud writes from now on, but not when things happen, by `now()`. 0 sets it
   * right.
   */
  skew(ms: number): void
}

/** With `startAt` the clock begins there and stands still between advances; without it runs with the real one. */
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
      if (!Number.isFinite(ms)) throw new TypeError(`the clock cannot be wrong by ${ms} ms`)
      skewed = ms
    },
  }
}

/**
 * Real milliseconds that never jump, for rates and durations. Kept from when the module was loaded: fake timers of a
 * test would make it stand still, and the rate limit would let nothing through any more.
 */
export const steadyMs: () => number = performance.now.bind(performance)

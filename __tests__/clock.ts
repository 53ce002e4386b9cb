/**
 * Clocks for the code under test, so that a busy or stopped process makes nothing late, and long waits take no time. They
 * replace the timers, `Date` and `performance` of the test file; `pause` and `until` of `wait.ts` keep the real clock.
 */

const TURNS_PER_MS = 4

export interface Clock {
  /** Back to the real clock. */
  stop(): void
}

/** A clock that stands still until the test advances it. */
export function freezeClock(): Clock & { advance: (ms: number) => Promise<void> } {
  replaceTimers()
  return { advance: (ms) => jest.advanceTimersByTimeAsync(ms), stop: () => jest.useRealTimers() }
}

/**
 * A clock that advances with the turns of the event loop. A request to a server of the same process takes about ten of
 * them. What other processes and threads do (files, zlib, crypto) takes no time on it, so tests of these must not use it.
 */
export function startClock(): Clock {
  const state = { turns: 0, stopped: false }
  replaceTimers()
  const run = (): void => {
    if (state.stopped) return
    if (++state.turns % TURNS_PER_MS === 0) jest.advanceTimersByTime(1)
    setImmediate(run)
  }
  setImmediate(run)
  return {
    stop: () => {
      state.stopped = true
      jest.useRealTimers()
    },
  }
}

function replaceTimers(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask'] })
}

/**
 * Clocks for the code under test, so that a busy or stopped process makes nothing late and long waits take no time.
 * They replace the timers, `Date` and `performance` of the test file; `pause` and `until` of `wait.ts` use the real
 * clock.
 */

/** Limits of the running clock: turns of the event loop per millisecond, and its speed relative to the real clock. */
const TURNS_PER_MS = 4
const MAX_SPEED = 30

export interface Clock {
  /** Resolves when this number of milliseconds has passed on this clock. A stopped clock advances by as much. */
  wait(ms: number): Promise<void>
  /** Restores the real clock. */
  stop(): void
}

/** A clock that advances only when the test waits. */
export function freezeClock(): Clock {
  replaceTimers()
  return { wait: (ms) => jest.advanceTimersByTimeAsync(ms), stop: () => jest.useRealTimers() }
}

/**
 * A clock that advances with the turns of the event loop. A request to a server in the same process takes about ten of
 * them. Work of other processes and threads (files, zlib, crypto) takes none, so this clock cannot test their
 * time-outs.
 */
export function startClock(): Clock {
  const state = { turns: 0, ms: 0, stopped: false }
  const realTime = performance.now.bind(performance)
  const startedAt = realTime()
  replaceTimers()
  const run = (): void => {
    if (state.stopped) return
    if (++state.turns >= TURNS_PER_MS && state.ms < (realTime() - startedAt) * MAX_SPEED) {
      jest.advanceTimersByTime(1)
      state.turns = 0
      state.ms++
    }
    setImmediate(run)
  }
  setImmediate(run)
  return {
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    stop: () => {
      state.stopped = true
      jest.useRealTimers()
    },
  }
}

/** A running clock for each test of the file. Call it after the `afterEach` that closes what uses it. */
export function clockForEach(): Pick<Clock, 'wait'> {
  let clock: Clock | undefined
  beforeEach(() => {
    clock = startClock()
  })
  afterEach(() => clock?.stop())
  return { wait: (ms) => clock?.wait(ms) ?? Promise.resolve() }
}

function replaceTimers(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask'] })
}

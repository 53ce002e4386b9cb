/**
 * Clocks for the code under test. With them, timers are not late in a busy or suspended process, and long waits take
 * little real time. These clocks replace the timers, `Date` and `performance` of the test file; `pause` and `until` of
 * `wait.ts` use the real clock.
 */

/**
 * Limits of the speed of `startClock`: the event loop must turn at least `TURNS_PER_MS` times before the clock advances
 * by a millisecond, and the clock is at most `MAX_SPEED` times as fast as the real clock.
 */
const TURNS_PER_MS = 4
const MAX_SPEED = 30

export interface Clock {
  /**
   * Resolves when this number of milliseconds has passed on this clock. With `freezeClock`, this call advances the
   * clock.
   */
  wait(ms: number): Promise<void>
  /** Restores the real clock. */
  stop(): void
}

/** A clock that stands still until the test calls `wait` or advances Jest's timers. */
export function freezeClock(): Clock {
  replaceTimers()
  return { wait: (ms) => jest.advanceTimersByTimeAsync(ms), stop: () => jest.useRealTimers() }
}

/**
 * A clock that advances with the turns of the event loop. A request to a server in the same process takes about ten
 * turns. Work of other processes and threads (files, zlib, crypto) takes a varying number of turns, so time-outs of
 * such work cannot be tested with this clock.
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

/**
 * Calls `startClock` before each test of the file, and stops the clock after each test. Jest runs the `afterEach` hooks
 * in the order in which they were registered, so hooks that close servers must be registered before this call.
 */
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

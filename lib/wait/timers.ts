/**
 * Creates timers. The global functions may be replaced: those of jsdom return numbers, and Jest's legacy fake timers
 * have no `refresh`.
 */

export type Timer = ReturnType<typeof setTimeout>

/** The longest delay that Node's timers support; a longer one fires at once. */
const MAX_MS = 2_147_483_647

/** Starts a timer. It does not keep the process alive, unless `keepsAlive` is set. */
export function startTimer(callback: () => void, ms: number, keepsAlive = false): Timer {
  const timer = setTimeout(callback, Math.min(ms, MAX_MS))
  if (!keepsAlive && typeof (timer as Partial<Timer>).unref === 'function') timer.unref()
  return timer
}

/** Starts an interval. It does not keep the process alive. */
export function startInterval(callback: () => void, ms: number): Timer {
  const timer = setInterval(callback, ms)
  if (typeof (timer as Partial<Timer>).unref === 'function') timer.unref()
  return timer
}

/** Keeps the process alive until the returned function is called. */
export function holdProcess(): () => void {
  const timer = setInterval(() => undefined, MAX_MS)
  return () => clearInterval(timer)
}

/**
 * Restarts a timer that `startTimer` created with the same `callback` and `ms`. Returns the running timer, which may be
 * a new one.
 */
export function restartTimer(timer: Timer, callback: () => void, ms: number): Timer {
  if (typeof (timer as Partial<Timer>).refresh === 'function') return timer.refresh()
  clearTimeout(timer)
  return startTimer(callback, ms)
}

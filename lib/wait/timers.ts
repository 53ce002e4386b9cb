/**
 * All timers of the package are created here, because the global functions may be replaced: jsdom's return numbers, and
 * Jest's legacy fake timers have no `refresh`.
 */

export type Timer = ReturnType<typeof setTimeout>

/** Does not keep the process alive, unless `keepsAlive`. */
export function startTimer(callback: () => void, ms: number, keepsAlive = false): Timer {
  const timer = setTimeout(callback, ms)
  return keepsAlive ? timer : unref(timer)
}

/** Does not keep the process alive. */
export function startInterval(callback: () => void, ms: number): Timer {
  return unref(setInterval(callback, ms))
}

/** Starts a timer of `startTimer` again, with the same arguments, and returns the timer that runs from then on. */
export function restartTimer(timer: Timer, callback: () => void, ms: number): Timer {
  if (typeof (timer as Partial<Timer>).refresh === 'function') return timer.refresh()
  clearTimeout(timer)
  return startTimer(callback, ms)
}

function unref(timer: Timer): Timer {
  if (typeof (timer as Partial<Timer>).unref === 'function') timer.unref()
  return timer
}

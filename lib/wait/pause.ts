import { startTimer } from './timers'

/** Resolves with true after `ms`, or with false as soon as the signal aborts. */
export function pause(ms: number, signal: AbortSignal, { keepsAlive = false } = {}): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      resolve(false)
    }
    const onTime = (): void => {
      signal.removeEventListener('abort', onAbort)
      resolve(true)
    }
    const timer = startTimer(onTime, ms, keepsAlive)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

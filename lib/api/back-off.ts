/** When to try again: exponential back-off with full jitter, and the wait that the API asks for. */
import { startTimer } from '../wait/timers'

const FIRST_MS = 250
const MAX_MS = 5_000

/**
 * Milliseconds until the next attempt, after that many failures. Full jitter: the whole wait is random, so that callers
 * that failed together do not come back together.
 */
export function backOffMs(failures: number, retryAfterMs = 0): number {
  const jittered = Math.random() * Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1))
  return Math.max(retryAfterMs, jittered)
}

/** The wait that `Retry-After` asks for, in milliseconds: a number of seconds, or a date. */
export function readRetryAfter(headers: Record<string, unknown>): number | undefined {
  const value = headers['retry-after']
  if (typeof value !== 'string') return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  if (!/^[a-z]{3}/i.test(value)) return undefined
  const until = Date.parse(value)
  // Measured on the clock that the date came from; ours may be wrong.
  const now = typeof headers.date === 'string' ? Date.parse(headers.date) : NaN
  const wait = until - (Number.isNaN(now) ? Date.now() : now)
  return wait > 0 ? wait : undefined
}

/**
 * Waits; false where the signal ended the wait. Keeps the process alive: between two attempts nothing else does, and a
 * script would end with its promise never settled.
 */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const onAbort = () => {
      clearTimeout(timer)
      resolve(false)
    }
    const onTime = () => {
      signal.removeEventListener('abort', onAbort)
      resolve(true)
    }
    const timer = startTimer(onTime, ms, true)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

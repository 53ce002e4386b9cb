/** When to retry a request: exponential back-off with full jitter, but not before the time that the API asks for. */
import { backOffMs } from '../wait/back-off'

const BACK_OFF = { firstMs: 250, maxMs: 5_000, jitter: 1 }

/** Milliseconds until the next attempt. `failures` is 1 after the first failure. */
export function retryDelayMs(failures: number, retryAfterMs = 0): number {
  return Math.max(retryAfterMs, backOffMs(failures, BACK_OFF))
}

/** The wait that `Retry-After` asks for, in milliseconds. The header contains a number of seconds, or a date. */
export function readRetryAfter(headers: Record<string, unknown>): number | undefined {
  const value = headers['retry-after']
  if (typeof value !== 'string') return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  if (!/^[a-z]{3}/i.test(value)) return undefined
  const until = Date.parse(value)
  // A date is compared with the server's own `Date` header, if there is one, because the local clock may be wrong.
  const now = typeof headers.date === 'string' ? Date.parse(headers.date) : NaN
  const wait = until - (Number.isNaN(now) ? Date.now() : now)
  return wait > 0 ? wait : undefined
}

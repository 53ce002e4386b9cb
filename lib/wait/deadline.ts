/** Time in an inbox: a bound on a promise, a wait that ends early, trying until it works, and the error for what is away. */
import { TradecloudWebhookError } from '../errors/errors'
import { startTimer, type Timer } from './timers'

export function unavailable(message: string, cause?: unknown): TradecloudWebhookError {
  return new TradecloudWebhookError('unavailable', message, { status: 503, cause })
}

/** The promise, or a rejection once `ms` are over. What it rejects with afterwards is swallowed. */
export async function within<T>(ms: number, work: Promise<T>, message: string): Promise<T> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = startTimer(() => reject(unavailable(message)), ms, true)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves after `ms`, or once the signal aborts. Does not keep the process alive. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = startTimer(done, ms)
    signal.addEventListener('abort', done)
  })
}

const BACK_OFF_MS = { first: 50, most: 1_000 }

/** Tries until it works. `undefined` once the signal aborts. */
export async function persist<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  failed: (error: unknown) => void,
): Promise<T | undefined> {
  for (let delayMs = BACK_OFF_MS.first; !signal.aborted; delayMs = Math.min(2 * delayMs, BACK_OFF_MS.most)) {
    try {
      return await work()
    } catch (error) {
      failed(error)
    }
    await pause(delayMs, signal)
  }
  return undefined
}

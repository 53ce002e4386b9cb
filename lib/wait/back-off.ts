/** Exponential back-off: how long to wait after a number of failures in a row, and a loop that retries with it. */
import { pause } from './pause'

export interface BackOff {
  /** The wait after the first failure, in milliseconds. */
  firstMs: number
  maxMs?: number
  /** Each further failure multiplies the wait by this factor. Default: 2. */
  factor?: number
  /**
   * The random share of each wait, so that callers that failed together do not all retry at the same moment. With 1,
   * the wait is between zero and its full length; with 0.5, between half of its full length and all of it. Default: 0.
   */
  jitter?: number
}

/** The wait after a number of failures in a row, in milliseconds. `failures` is 1 after the first one. */
export function backOffMs(
  failures: number,
  { firstMs, maxMs = Infinity, factor = 2, jitter = 0 }: BackOff,
  random = Math.random,
): number {
  return Math.min(maxMs, firstMs * factor ** (failures - 1)) * (1 - jitter + jitter * random())
}

const PERSIST: BackOff = { firstMs: 50, maxMs: 1_000 }

/** Repeats `work` until it succeeds. Resolves with `undefined` if the signal aborts first. */
export async function persist<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  onFailure: (error: unknown) => void,
): Promise<T | undefined> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await work()
    } catch (error) {
      onFailure(error)
    }
    await pause(backOffMs(failures, PERSIST), signal)
  }
  return undefined
}

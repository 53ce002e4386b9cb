/**
 * What the simulated Tradecloud makes of an answer, and how long it waits before it tries again.
 */

/** `retry` is tried again without end; the other two are final. */
export type Verdict = 'delivered' | 'given up' | 'retry'

/**
 * How retries are paced. Tradecloud documents an exponential back-off and no number of it: every default here is made
 * up, and short enough for tests. `Retry-After` is not looked at, because whether Tradecloud does is not documented.
 */
export interface RetryOptions {
  /** Milliseconds before the first retry. Default: 50. */
  startMs?: number | undefined
  /** By what each wait is longer than the one before, 1 or more. Default: 2. */
  factor?: number | undefined
  /** No wait is longer than this many milliseconds. Default: 5000. */
  maxDelayMs?: number | undefined
  /** Shortens each wait by a random part of up to one half. Default: false. */
  jitter?: boolean | undefined
  /** The sending ends as `still retrying` after so many attempts, the first one counted. Default: no limit. */
  maxAttempts?: number | undefined
}

export type Retry = { [Name in keyof RetryOptions]-?: NonNullable<RetryOptions[Name]> }

/** Later options win over earlier ones. Throws a `TypeError` that names a wrong one. */
export function resolveRetry(...layers: Array<RetryOptions | undefined>): Retry {
  const pick = <Name extends keyof RetryOptions>(name: Name, fallback: Retry[Name]) =>
    layers.reduce<Retry[Name]>((value, layer) => (layer?.[name] as Retry[Name] | undefined) ?? value, fallback)
  const retry = {
    startMs: pick('startMs', 50),
    factor: pick('factor', 2),
    maxDelayMs: pick('maxDelayMs', 5000),
    jitter: pick('jitter', false),
    maxAttempts: pick('maxAttempts', Infinity),
  }
  requireMs('retry.startMs', retry.startMs)
  requireMs('retry.maxDelayMs', retry.maxDelayMs)
  if (!(retry.factor >= 1)) throw new TypeError(`retry.factor must be 1 or more, not ${retry.factor}`)
  if (!(retry.maxAttempts >= 1)) throw new TypeError(`retry.maxAttempts must be 1 or more, not ${retry.maxAttempts}`)
  return retry
}

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export function requireMs(name: string, value: number): void {
  if (value > 0 && value <= LONGEST_TIMER_MS) return
  throw new TypeError(`${name} must be milliseconds above 0 and up to ${LONGEST_TIMER_MS}, not ${value}`)
}

/**
 * 2xx is delivered. 4xx and exactly 500 are given up. 501 and above is tried again. 3xx is in no rule of Tradecloud:
 * given up here, the worse case, so that a test notices a receiver that answers one.
 */
export function judge(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered'
  return status > 500 ? 'retry' : 'given up'
}

/** Milliseconds to wait after so many attempts. */
export function backOffMs(retry: Retry, attempts: number): number {
  const delay = Math.min(retry.maxDelayMs, retry.startMs * retry.factor ** (attempts - 1))
  return retry.jitter ? delay * (1 - Math.random() / 2) : delay
}

/** How the simulated Tradecloud rates a response, and how long it waits before a retry. */
import { backOffMs } from '../../wait/back-off'
import { requireKnown, requireMs } from '../checks'

/** After `retry`, the trigger is sent again; `delivered` and `given up` are final. */
export type Verdict = 'delivered' | 'given up' | 'retry'

/**
 * The timing of retries. Tradecloud documents an exponential back-off without numbers: every default here is an
 * assumption, and short enough for tests. `Retry-After` is ignored, because it is not documented whether Tradecloud
 * uses it.
 */
export interface SenderRetryOptions {
  /** Milliseconds before the first retry. Default: 50. */
  startMs?: number | undefined
  /** Factor between successive waits, 1 or more. Default: 2. */
  factor?: number | undefined
  /** The longest wait, in milliseconds. Default: 5000. */
  maxDelayMs?: number | undefined
  /**
   * Shortens each wait by a random share of at most one half. The simulator's `seed` determines the share. Default:
   * false.
   */
  jitter?: boolean | undefined
  /**
   * The actual waits are divided by this number, so that hours of back-off take milliseconds. Reports contain the full
   * waits. Does not affect the simulator's clock. Default: 1.
   */
  speed?: number | undefined
  /**
   * Number of attempts, including the first, after which the trigger ends as `still retrying`. Default: no limit.
   * Without a limit, a trigger ends as `unreachable` after 7 attempts if no connection to its address has ever
   * succeeded.
   */
  maxAttempts?: number | undefined
}

export type Retry = { [Name in keyof SenderRetryOptions]-?: NonNullable<SenderRetryOptions[Name]> }

const KNOWN = ['startMs', 'factor', 'maxDelayMs', 'jitter', 'speed', 'maxAttempts']

/**
 * Merges several sets of options, of which later ones override earlier ones. Throws a `TypeError` that names the
 * invalid option.
 */
export function resolveRetry(...layers: Array<SenderRetryOptions | undefined>): Retry {
  for (const layer of layers) if (layer !== undefined) requireKnown('retry', layer, KNOWN)
  const pick = <Name extends keyof SenderRetryOptions>(name: Name, fallback: Retry[Name]) =>
    layers.reduce<Retry[Name]>((value, layer) => (layer?.[name] as Retry[Name] | undefined) ?? value, fallback)
  const retry = {
    startMs: pick('startMs', 50),
    factor: pick('factor', 2),
    maxDelayMs: pick('maxDelayMs', 5000),
    jitter: pick('jitter', false),
    speed: pick('speed', 1),
    maxAttempts: pick('maxAttempts', Infinity),
  }
  requireMs('retry.startMs', retry.startMs)
  requireMs('retry.maxDelayMs', retry.maxDelayMs)
  if (!(retry.factor >= 1)) throw new TypeError(`retry.factor must be 1 or more, not ${retry.factor}`)
  if (!(retry.speed >= 1)) throw new TypeError(`retry.speed must be 1 or more, not ${retry.speed}`)
  if (!(retry.maxAttempts >= 1)) throw new TypeError(`retry.maxAttempts must be 1 or more, not ${retry.maxAttempts}`)
  return retry
}

/**
 * 2xx is delivered, 4xx and exactly 500 are given up, and everything above 500 is retried. Tradecloud documents no rule
 * for 3xx. Here, 3xx is given up, so that a test notices a receiver that redirects.
 */
export function judge(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered'
  return status > 500 ? 'retry' : 'given up'
}

/** The full wait after this number of attempts, in milliseconds. `speed` is not applied yet. */
export function retryDelayMs(retry: Retry, attempts: number, random: () => number): number {
  const { startMs, maxDelayMs, factor, jitter } = retry
  return backOffMs(attempts, { firstMs: startMs, maxMs: maxDelayMs, factor, jitter: jitter ? 0.5 : 0 }, random)
}

/**
 * Plans which triggers `sendAll` sends again, and in which order it sends all of them. Limits how many are sent at
 * once.
 */
import { requireWhole } from '../checks'
import { createRandom } from '../random'

/** Options of `sendAll`. Tradecloud guarantees no order among events, and may send an event more than once. */
export interface SendAllOptions {
  /**
   * Number of concurrent requests. A trigger that waits for its retry does not count, so newer ones overtake it. How
   * many requests Tradecloud sends at the same time is not documented. Default: 10.
   */
  concurrency?: number | undefined
  /**
   * Number of repeats. Each repeat sends a randomly chosen trigger again with the same bytes, at any time after the
   * first attempt of that trigger has started. Default: 0.
   */
  duplicates?: number | undefined
  /** Sends in random order. Default: false, the given order. */
  shuffle?: boolean | undefined
  /** Seed of the random choices, a whole number. Default: the seed of the simulator. */
  seed?: number | undefined
}

export interface PlannedSending {
  index: number
  /** True if the trigger occurs earlier in this plan. */
  duplicate: boolean
}

export function planSendings(count: number, options: SendAllOptions, seed: number): PlannedSending[] {
  const { duplicates = 0, shuffle = false } = options
  requireWhole('duplicates', duplicates, 0)
  requireWhole('seed', seed, Number.MIN_SAFE_INTEGER)
  const random = createRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const order = Array.from({ length: count }, (_, index) => index)
  for (let n = 0; n < duplicates && count > 0; n++) {
    const index = below(count)
    const behind = order.indexOf(index) + 1
    order.splice(behind + below(order.length - behind + 1), 0, index)
  }
  if (shuffle) {
    for (let last = order.length - 1; last > 0; last--) {
      const other = below(last + 1)
      const moved = order[last] ?? 0
      order[last] = order[other] ?? 0
      order[other] = moved
    }
  }
  const sent = new Set<number>()
  return order.map((index) => {
    const duplicate = sent.has(index)
    sent.add(index)
    return { index, duplicate }
  })
}

/** Limits concurrency. Further work waits in order of arrival. */
export class Places {
  private readonly waiting: Array<() => void> = []

  constructor(private free = Infinity) {}

  /** Resolves with `undefined` if the signal ended the wait before `work` started. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.take(signal))) return undefined
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.free++
      else next()
    }
  }

  private async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    if (this.free > 0) {
      this.free--
      return true
    }
    return new Promise((resolve) => {
      const leave = () => {
        this.waiting.splice(this.waiting.indexOf(enter), 1)
        resolve(false)
      }
      const enter = () => {
        signal.removeEventListener('abort', leave)
        resolve(true)
      }
      this.waiting.push(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
}

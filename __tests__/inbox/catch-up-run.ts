/**
 * A run of the catch-up over a list of orders whose events never arrived, for the tests that kill or freeze a process
 * in the middle of a run.
 */
import { poll, type Polled, type PollPage } from '../../lib/api/poll'
import { Run } from '../../lib/catch-up/run'
import type { RunResult } from '../../lib/catch-up/run-options'
import type { CatchUpInbox, Scope } from '../../lib/inbox/catch-up/storage'
import { inTurn } from '../../lib/catch-up/turn'

export const ORDERS = 40
export const SCOPE: Scope = { key: 'orders', kind: 'order', form: 'deliverySchedule' }
const NOW = Date.UTC(2026, 10, 2, 12)
const MINUTE = 60_000
const PAGE = 10

export const timeOf = (number: number): string => new Date(NOW - 60 * MINUTE + number * 1_000).toISOString()

function page(after: string, offset: number): PollPage {
  const all = Array.from({ length: ORDERS }, (_, i) => {
    const time = timeOf(i + 1)
    return { id: `order-${i + 1}`, lastUpdatedAt: time, lines: [{ id: 'a', lastUpdatedAt: time }] }
  })
  const found = all.filter(({ lastUpdatedAt }) => lastUpdatedAt > after)
  return { data: found.slice(offset, offset + PAGE), total: found.length, limit: PAGE, date: NOW } as PollPage
}

/** `step` is called before and after each call of the storage. */
export async function runOnce(
  catchUp: CatchUpInbox,
  step: (name: string, isDone: boolean) => unknown = () => undefined,
): Promise<RunResult> {
  const storage = new Proxy(catchUp, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        await step(String(name), false)
        const result: unknown = await value.apply(target, given)
        await step(String(name), true)
        return result
      }
    },
  })
  const source = {
    read: (after: string): AsyncIterable<Polled> =>
      poll({ after, limit: PAGE, ask: async (offset) => page(after, offset), fail: (text) => new Error(text) }),
    fetch: async () => undefined,
  }
  const notes = {
    begun: () => 0,
    skipped: () => 0,
    withoutId: () => 0,
    notFetched: () => 0,
    found: () => 0,
  }
  const options = {
    ...({ kind: SCOPE.kind, form: SCOPE.form, want: 'all', settleMs: 10 * MINUTE, marginMs: 10 * MINUTE } as const),
    ...({ overlapMs: 15 * MINUTE, sweep: false, maxWaiting: { events: 1_000, bytes: 1e9 } } as const),
    ...{ pause: async () => undefined, notes },
  }
  return inTurn(catchUp, new AbortController().signal, async (token, signal) => {
    await step('turn', true)
    const since = NOW - 120 * MINUTE
    const position = (await storage.position(SCOPE.key)) ?? { cursor: new Date(since).toISOString(), since }
    return new Run(source, storage, options, { scope: SCOPE, token }, { position, signal }).run()
  })
}

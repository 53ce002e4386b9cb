/**
 * A simulated Tradecloud with changed orders, in a process of its own. The argument of the process is the number of
 * orders.
 */
import { built } from '../package'

export interface Simulated {
  api: { baseUrl: string; username: string; password: string }
  /** A time before the first change, for the option `from`. */
  from: string
  /** Mean length of an order as JSON. */
  bytes: number
}

async function main(): Promise<void> {
  const { createTradecloudSimulator, order } = built<typeof import('../../lib/testing')>('testing/index')
  const startAt = new Date(Date.now() - 86_400_000)
  const tradecloud = await createTradecloudSimulator({ startAt, rateLimit: false })
  const { baseUrl, username, password, world, clock } = tradecloud
  let bytes = 0
  const count = Number(process.argv[2])
  for (let seed = 1; seed <= count; seed++) {
    clock.advance(1_000)
    const changed = { ...order({ seed, lines: 2 }), id: `PO-${seed}` }
    bytes += JSON.stringify(changed).length / count
    world.change(changed, { lines: changed.lines.map(({ id }) => id ?? ''), deliver: 'lose' })
  }
  // An hour is longer than `settleMs`, so the catch-up no longer waits for the events of these changes.
  clock.advance(3_600_000)
  process.once('disconnect', () => process.exit())
  process.send?.({ api: { baseUrl, username, password }, from: startAt.toISOString(), bytes } satisfies Simulated)
}

void main()

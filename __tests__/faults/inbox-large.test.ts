/** Bodies of 60 MB arrive complete, while small events are delivered. */
import { until } from '../integration/harness'
import { count, settleAccount } from './account'
import { buildReceiver } from './build'
import { engines, startCluster } from './cluster'
import { Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

const LARGE = isFull ? 12 : 3
const LARGE_BYTES = 60_000_000

beforeAll(() => void buildReceiver())
afterEach(endAll)

test.each(engines)('%s: bodies of 60 MB are delivered whole, and small events go on meanwhile', async (engine) => {
  const cluster = await startCluster(engine)
  await cluster.startAll(2)
  const { port } = cluster
  const startedAt = Date.now()
  const large = new Load({
    ...{ name: 'large', port, events: LARGE, orders: LARGE, connections: 2 },
    bytes: LARGE_BYTES,
  })
  const small = new Load({ name: 'small', port, events: 1_000_000, orders: 50, connections: 5, rate: 50 })
  await large.done
  const largeMs = Date.now() - startedAt
  const ended = (): number => cluster.read().steps.filter(({ what, event }) => what === 'end' && isLarge(event)).length
  await until(() => ended() === LARGE, 'the large ones are not delivered', 120_000)
  await small.stop()
  const { steps } = await cluster.finish()

  const account = settleAccount([large, small], { steps })
  // For each large body: the times at which its request began and its response arrived.
  const spans = large.answers()
  const beside = small
    .answers()
    .filter(({ sentAt, answeredAt }) => spans.some((span) => span.sentAt <= sentAt && answeredAt <= span.answeredAt))
  const ms = beside.map(({ sentAt, answeredAt }) => answeredAt - sentAt).toSorted((one, other) => one - other)
  report(`${engine}: 60 MB beside small events`, {
    large: LARGE,
    'until all large ones were accepted, ms': largeMs,
    'answers to large ones': count(large.answers().map(({ outcome }) => String(outcome))),
    'small ones answered meanwhile': beside.length,
    'median ms': ms[Math.floor(ms.length / 2)],
    'slowest ms': ms.at(-1),
    'answers to small ones': count(small.answers().map(({ outcome }) => String(outcome))),
    missing: account.missing.length,
    extraCalls: account.extraCalls,
  })
  expect(account).toMatchObject({ missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
  expect(beside.length).toBeGreaterThan(0)
  expect(Object.keys(account.answers).filter((status) => !['202', '503'].includes(status))).toEqual([])
  expect(count(small.answers().map(({ status }) => String(status)))).toEqual({ '202': small.sent.length })
})

function isLarge(event: string): boolean {
  return event.startsWith('large')
}

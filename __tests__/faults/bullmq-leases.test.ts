/** What leases are for: receivers with the inbox on BullMQ that stand still, or that are woken for what another one does. */
import { Queue } from 'bullmq'
import { pause, until } from '../integration/harness'
import { atTheSameTime, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { startCluster } from './cluster'
import { Load } from './load'
import { atEnd, endAll } from './receiver-process'
import { isFull, report } from './size'

jest.setTimeout(isFull ? 300_000 : 60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

test('a receiver that stands still for longer than its lease loses its events to another one, and cannot settle them', async () => {
  const LEASE_MS = 1_000
  // The webhook writes ten alarms of a kind in a minute.
  const orders = isFull ? 10 : 8
  const cluster = await startCluster({ leaseMs: LEASE_MS, sweepIntervalMs: 1_000 })
  const webhook = { concurrency: orders, retry: { minDelayMs: 10, maxDelayMs: 100 } }
  // Will fail its calls while the other one still works at them.
  const stopped = await cluster.start({ behaviour: { ms: 1_500, failing: 1 }, webhook })
  const load = new Load({ name: 'still', port: () => stopped.port, events: 3 * orders, orders, connections: orders })
  const begun = (run: number): number =>
    cluster.read().steps.filter((step) => step.what === 'begin' && step.run === run).length
  await load.done
  await until(() => begun(1) === orders, 'the callbacks do not begin', 20_000)
  process.kill(stopped.pid, 'SIGSTOP')
  atEnd(async () => stopped.kill())
  const other = await cluster.start({ behaviour: { held: true }, webhook })
  await until(() => begun(2) === orders, 'nobody takes over', 20_000)
  process.kill(stopped.pid, 'SIGCONT')
  const lost = (): number => cluster.read().alarms.filter(({ line }) => line.includes('lease_lost')).length
  await until(() => lost() === orders, 'the one that stood still does not say that it lost its leases', 20_000)
  stopped.behave({})
  // The calls of the other one take longer than a lease, too.
  await pause(2.5 * LEASE_MS)
  other.behave({})
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  const again = steps.filter(({ what, run, turn }) => what === 'begin' && run === 2 && turn === 0)
  const together = atTheSameTime(steps)
  report('BullMQ: one of two stands still for longer than its lease', {
    events: account.events,
    'at their callbacks then': orders,
    'called again': account.extraCalls,
    'two of an order at a time': together.length,
    missing: account.missing.length,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
    'leases lost': lost(),
  })
  expect(account).toMatchObject({ events: 3 * orders, missing: [], torn: [], extraCalls: orders, outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(again.map(({ attempt }) => attempt)).toEqual(Array.from({ length: orders }, () => 2))
  // These, and no others, for the calls of the one that stood still had not ended.
  expect(together).toHaveLength(orders)
  expect(lost()).toBe(orders)
})

test('orders that are woken again and again while they are worked at are called once, one event at a time', async () => {
  const events = isFull ? 2_000 : 300
  const orders = 30
  const cluster = await startCluster()
  await cluster.startAll(3, { behaviour: { ms: 20 }, webhook: { concurrency: 16 } })
  const { host, port } = cluster.redis
  const queue = new Queue('inbox', {
    connection: { host, port },
    prefix: '{tradecloud-webhook}',
    skipVersionCheck: true,
  })
  atEnd(() => queue.close())
  const load = new Load({ name: 'woken', port: cluster.port, events, orders, connections: 10 })
  const jobs = Array.from({ length: orders }, (_, number) => ({
    name: 'wake',
    data: { line: `order:woken-order-${number}` },
    opts: { removeOnComplete: true },
  }))
  const accepted = load.done.then(() => true)
  let wakeUps = 0
  do {
    await queue.addBulk(jobs)
    wakeUps += jobs.length
  } while (!(await Promise.race([accepted, pause(100)])))
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  report('BullMQ: woken for nothing', {
    events: account.events,
    wakeUps,
    calls: steps.filter(({ what }) => what === 'begin').length,
    'two of an order at a time': atTheSameTime(steps).length,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
    missing: account.missing.length,
  })
  expect(account).toMatchObject({ events, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
  expect(alarms).toEqual([])
})

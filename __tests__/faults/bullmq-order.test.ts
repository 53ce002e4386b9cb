/** Three receivers with the inbox on BullMQ: one event of an order at a time, in the order in which Redis accepted them. */
import { Redis } from 'ioredis'
import { atTheSameTime, count, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { startCluster } from './cluster'
import { Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

jest.setTimeout(isFull ? 600_000 : 90_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

test('three receivers never call two events of an order at a time, and call them as they were accepted', async () => {
  const events = isFull ? 10_000 : 1_500
  const startedAt = performance.now()
  const cluster = await startCluster()
  await cluster.startAll(3, { behaviour: { ms: 5 }, webhook: { concurrency: 16 } })
  const load = new Load({ name: 'order', port: cluster.port, events, orders: 200, connections: 30 })
  await load.done
  const acceptedAfter = (performance.now() - startedAt) / 1000
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  const begun = steps.filter(({ what }) => what === 'begin')
  const processes = new Map<string, Set<number>>()
  for (const { order, run } of begun) processes.set(order, (processes.get(order) ?? new Set()).add(run))
  const shared = [...processes.values()].filter(({ size }) => size > 1).length
  report('BullMQ: three receivers, 200 orders', {
    events: account.events,
    calls: begun.length,
    'calls by process': count(begun.map(({ run }) => String(run))),
    'orders called in several processes': shared,
    'two of an order at a time': atTheSameTime(steps).length,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
    missing: account.missing.length,
    answers: account.answers,
    slowestAnswerMs: account.slowestAnswerMs,
    'seconds to accept': acceptedAfter,
    'seconds to deliver': (performance.now() - startedAt) / 1000,
  })
  expect(account).toMatchObject({ events, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
  expect(account.answers).toEqual({ '202': events })
  // Else nothing was shown.
  expect(shared).toBeGreaterThan(0)
})

test('events of an order that several senders race for are called in the order of their list in Redis', async () => {
  const orders = isFull ? 200 : 50
  const turns = isFull ? 8 : 4
  const senders = 3
  const cluster = await startCluster()
  const { host, port } = cluster.redis
  const receivers = await cluster.startAll(3, { behaviour: { held: true }, webhook: { concurrency: 16 } })
  const loads = Array.from(
    { length: senders },
    (_, sender) =>
      new Load({
        ...{ name: `sender-${sender}`, orderName: 'race', port: cluster.port },
        ...{ events: orders * turns, orders, connections: 10 },
      }),
  )
  await Promise.all(loads.map(({ done }) => done))
  const client = new Redis({ host, port })
  const accepted = await readLines(client, orders).finally(() => client.disconnect())
  for (const receiver of receivers) receiver.behave({ ms: 1 })
  const { steps, alarms } = await cluster.finish()

  const { missing, extraCalls } = settleAccount(loads, { steps, alarms })
  const called = new Map<string, string[]>()
  for (const { what, order, event } of steps)
    if (what === 'begin') called.set(order, [...(called.get(order) ?? []), event])
  const wrong = [...accepted].filter(([order, events]) => events.join() !== called.get(order)?.join())
  // Of one sender, then of the next: that would be no race.
  const mixed = [...accepted.values()].filter(
    (events) => changes(events.map((event) => event.split('-')[1])) >= senders,
  )
  report('BullMQ: several senders race for the same orders', {
    orders,
    events: [...accepted.values()].flat().length,
    'orders with events of several senders mixed': mixed.length,
    'orders called in another order than accepted': wrong.length,
    'two of an order at a time': atTheSameTime(steps).length,
    missing: missing.length,
    extraCalls,
  })
  expect([...accepted.values()].flat()).toHaveLength(orders * turns * senders)
  expect(mixed.length).toBeGreaterThan(0)
  expect(wrong).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
  expect({ missing, extraCalls }).toEqual({ missing: [], extraCalls: 0 })
})

/** The events of each order, as their lists hold them. */
async function readLines(client: Redis, orders: number): Promise<Map<string, string[]>> {
  const base = '{tradecloud-webhook}:inbox:store:'
  const lines = new Map<string, string[]>()
  for (let number = 0; number < orders; number++) {
    const order = `race-order-${number}`
    const ids = await client.lrange(`${base}line:order:${order}`, 0, -1)
    const bodies = await Promise.all(ids.map((id) => client.hget(`${base}event:${id}`, 'body')))
    const events = bodies.map((body) => {
      const { orderEvent } = JSON.parse(body ?? '{}') as { orderEvent: { numbered: { event: string } } }
      return orderEvent.numbered.event
    })
    lines.set(order, events)
  }
  return lines
}

function changes(values: unknown[]): number {
  return values.filter((value, index) => index > 0 && value !== values[index - 1]).length
}

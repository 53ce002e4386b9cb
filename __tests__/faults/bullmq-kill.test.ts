/** Receivers with the inbox on BullMQ that are killed with -9: under load, and over and over at the same events. */
import { pause, until } from '../integration/harness'
import { atTheSameTime, calledAgain, cutShort, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { startCluster } from './cluster'
import { Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

const EVENTS = isFull ? 20_000 : 800
const KILLS = isFull ? 60 : 4
const CONCURRENCY = 8

jest.setTimeout(60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

test(
  'an event that was answered 2xx comes to the callback, whole and in order, however often workers are killed',
  async () => {
    const startedAt = performance.now()
    const cluster = await startCluster({ leaseMs: 1_000, sweepIntervalMs: 2_000 })
    const settings = { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } }
    await cluster.startAll(2, settings)
    const { port } = cluster
    const load = new Load({ name: 'kill', port, events: EVENTS, orders: 250, connections: isFull ? 50 : 20 })
    for (let kill = 1; kill <= KILLS;) {
      const target = load.accepted + (EVENTS - load.accepted) / (KILLS - kill + 2)
      await until(() => load.accepted >= target, 'the load is not accepted', 60_000)
      await pause(Math.random() * 40)
      // Now and then nobody is left.
      const victims = kill % 5 === 0 && kill < KILLS ? cluster.receivers.slice() : cluster.receivers.slice(0, 1)
      await Promise.all(victims.map((victim) => cluster.kill(victim)))
      await cluster.startAll(victims.length, settings)
      kill += victims.length
    }
    await load.done
    const { steps, alarms } = await cluster.finish()

    const account = settleAccount([load], { steps, alarms })
    const { answers, extraCalls, slowestAnswerMs } = account
    const killed = [...cluster.diedAt.keys()]
    const interrupted = [...cutShort(steps)].filter(([run]) => killed.includes(run))
    const again = calledAgain(steps, interrupted)
    const leasesLost = alarms.filter(({ line }) => line.includes('lease')).length
    const together = atTheSameTime(steps, cluster.diedAt)
    report('BullMQ: workers killed with -9 under load', {
      events: account.events,
      kills: killed.length,
      'answered 2xx and missing': account.missing.length,
      torn: account.torn.length,
      'out of order': account.outOfOrder.length + tooEarly(steps).length,
      'two of an order at a time': together.length,
      'leases lost': leasesLost,
      'extra calls': extraCalls,
      'extra calls allowed': killed.length * CONCURRENCY,
      'cut short': interrupted.reduce((sum, [, events]) => sum + events.size, 0),
      answers,
      slowestAnswerMs,
      seconds: (performance.now() - startedAt) / 1000,
    })
    expect(killed).toHaveLength(KILLS)
    expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], outOfOrder: [], overlapping: [] })
    expect(tooEarly(steps)).toEqual([])
    // The lease is short: a process that gets no time on a busy machine loses it, and says so.
    expect(together.length).toBeLessThanOrEqual(leasesLost)
    expect(Object.keys(answers).filter((status) => !['200', '202', '503', 'broken'].includes(status))).toEqual([])
    expect(extraCalls).toBeLessThanOrEqual(KILLS * CONCURRENCY)
    // What ran when its process was killed comes again, and says so.
    expect(again.length).toBeGreaterThan(0)
    expect(again.filter(({ attempt }) => attempt < 2)).toEqual([])
  },
  isFull ? 900_000 : 120_000,
)

test('an event whose worker is killed twice arrives at the third attempt, and those behind it at their first', async () => {
  const cluster = await startCluster({ leaseMs: 1_000, sweepIntervalMs: 2_000 })
  const orders = isFull ? 50 : 10
  const settings = { behaviour: { held: true }, webhook: { concurrency: orders } }
  await cluster.start(settings)
  const load = new Load({ name: 'twice', port: cluster.port, events: 3 * orders, orders, connections: 5 })
  await load.done
  for (const attempt of [1, 2]) {
    if (attempt === 2) await cluster.start(settings)
    const begun = () => cluster.read().steps.filter((step) => step.attempt === attempt).length
    await until(() => begun() === orders, `attempt ${attempt}`, 30_000)
    await cluster.kill(cluster.receivers[0]!)
  }
  await cluster.start()
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  const ends = steps.filter(({ what }) => what === 'end')
  report('BullMQ: worker killed with -9 twice at the same events', {
    events: account.events,
    'cut short': [...cutShort(steps).values()].reduce((sum, { size }) => sum + size, 0),
    missing: account.missing.length,
    'at the third attempt': ends.filter(({ attempt }) => attempt === 3).length,
    'at the first': ends.filter(({ attempt }) => attempt === 1).length,
  })
  expect(account).toMatchObject({ events: 3 * orders, missing: [], torn: [], extraCalls: 2 * orders, outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps, cluster.diedAt)).toEqual([])
  expect(ends).toHaveLength(3 * orders)
  expect(ends.filter(({ turn, attempt }) => attempt !== (turn === 0 ? 3 : 1))).toEqual([])
})

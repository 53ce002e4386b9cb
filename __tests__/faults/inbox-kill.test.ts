/** Receivers that share an inbox and are killed with -9, under load and repeatedly at the same events. */
import { pause, until } from '../integration/harness'
import { atTheSameTime, calledAgain, cutShort, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { engines, startCluster } from './cluster'
import { Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

const EVENTS = isFull ? 10_000 : 600
const KILLS = isFull ? 40 : 4
const CONCURRENCY = 8
const ORDERS = isFull ? 50 : 10

beforeAll(() => void buildReceiver())
afterEach(endAll)

test.each(engines)(
  '%s: an event that was answered 2xx comes to the callback, whole and in order, however often receivers are killed',
  async (engine) => {
    const startedAt = performance.now()
    const cluster = await startCluster(engine)
    const settings = { behaviour: { ms: 60 }, webhook: { concurrency: CONCURRENCY } }
    await cluster.startAll(2, settings)
    const load = new Load({ name: 'kill', port: cluster.port, events: EVENTS, orders: 200, connections: 20 })
    for (let kill = 1; kill <= KILLS;) {
      const target = load.accepted + (EVENTS - load.accepted) / (KILLS - kill + 2)
      await until(() => load.accepted >= target, 'the load is not accepted', 120_000)
      await pause(Math.random() * 40)
      // At every fourth kill, except for the last kill, all processes are killed.
      const victims = kill % 4 === 0 && kill < KILLS ? cluster.receivers.slice() : cluster.receivers.slice(0, 1)
      await Promise.all(victims.map((victim) => cluster.kill(victim)))
      await cluster.startAll(victims.length, settings)
      kill += victims.length
    }
    await load.done
    const { steps, alarms } = await cluster.finish()

    const account = settleAccount([load], { steps })
    const { answers, extraCalls, slowestAnswerMs } = account
    const killed = [...cluster.diedAt.keys()]
    const interrupted = [...cutShort(steps)].filter(([run]) => killed.includes(run))
    const again = calledAgain(steps, interrupted)
    const leasesLost = alarms.filter(({ line }) => line.includes('lease')).length
    const together = atTheSameTime(steps, cluster.diedAt)
    report(`${engine}: killed with -9 under load`, {
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
    // On a busy machine, a process without CPU time may lose its lease: it raises an alarm, and another process may
    // call the callback at the same time.
    expect(together.length).toBeLessThanOrEqual(leasesLost)
    expect(Object.keys(answers).filter((status) => !['200', '202', '503', 'broken'].includes(status))).toEqual([])
    // Events that were running when their process was killed are delivered again, with a higher attempt number.
    expect(again.length).toBeGreaterThan(0)
    expect(again.filter(({ attempt }) => attempt < 2)).toEqual([])
    if (leasesLost === 0) expect(extraCalls).toBeLessThanOrEqual(KILLS * CONCURRENCY)
  },
)

test.each(engines)(
  '%s: an event whose receiver is killed twice arrives at the third attempt, and those behind it at their first',
  async (engine) => {
    const cluster = await startCluster(engine)
    const settings = { behaviour: { held: true }, webhook: { concurrency: ORDERS } }
    await cluster.start(settings)
    const load = new Load({ name: 'twice', port: cluster.port, events: 3 * ORDERS, orders: ORDERS, connections: 5 })
    await load.done
    for (const attempt of [1, 2]) {
      if (attempt === 2) await cluster.start(settings)
      const begun = (): number => cluster.read().steps.filter((step) => step.attempt === attempt).length
      await until(() => begun() === ORDERS, `attempt ${attempt} of all`, 120_000)
      await cluster.kill(cluster.receivers[0]!)
    }
    await cluster.start()
    const { steps } = await cluster.finish()

    const account = settleAccount([load], { steps })
    const ends = steps.filter(({ what }) => what === 'end')
    report(`${engine}: killed with -9 twice at the same events`, {
      events: account.events,
      'cut short': [...cutShort(steps).values()].reduce((sum, { size }) => sum + size, 0),
      missing: account.missing.length,
      'at the third attempt': ends.filter(({ attempt }) => attempt === 3).length,
      'at the first': ends.filter(({ attempt }) => attempt === 1).length,
    })
    expect(account).toMatchObject({ events: 3 * ORDERS, missing: [], torn: [], extraCalls: 2 * ORDERS, outOfOrder: [] })
    expect(tooEarly(steps)).toEqual([])
    expect(atTheSameTime(steps, cluster.diedAt)).toEqual([])
    expect(ends).toHaveLength(3 * ORDERS)
    expect(ends.filter(({ turn, attempt }) => attempt !== (turn === 0 ? 3 : 1))).toEqual([])
  },
)

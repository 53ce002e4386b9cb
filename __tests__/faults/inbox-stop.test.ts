/**
 * Receivers that share an inbox and end: by SIGTERM, by `process.exit()`, and one after another in a rolling deploy.
 */
import { pause, until } from '../integration/harness'
import { atTheSameTime, count, cutShort, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { engines, startCluster } from './cluster'
import { isAccepted, Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

const EVENTS = isFull ? 4_000 : 400
const CONCURRENCY = 8

beforeAll(() => void buildReceiver())
afterEach(endAll)

describe.each(engines)('%s', (engine) => {
  test('SIGTERM ends one of two: it refuses what comes, what runs there finishes, the other one goes on', async () => {
    const cluster = await startCluster(engine)
    const settings = { behaviour: { ms: 1_500 }, webhook: { concurrency: CONCURRENCY } }
    const [leaving, staying] = [await cluster.start(settings), await cluster.start(settings)]
    const more = { events: EVENTS, orders: 100, connections: 15 }
    let receiver = leaving
    const toLeaving = new Load({ name: 'leaving', port: () => receiver.port, ...more })
    // A slow load, which still sends events after `leaving` has ended.
    const toStaying = new Load({ name: 'staying', port: () => staying.port, ...more, rate: EVENTS / 6 })
    await until(() => toLeaving.accepted > EVENTS / 4, 'the load is not accepted', 120_000)
    const ofLeaving = (): Set<string> => cutShort(cluster.read().steps).get(cluster.run(leaving)) ?? new Set()
    await until(() => ofLeaving().size > 0, 'no callback begins', 120_000)
    const terminatedAt = Date.now()
    const { code, afterMs, refusesFrom } = await leaving.signal('SIGTERM')
    const endedAt = Date.now()
    receiver = staying
    cluster.forget(leaving)
    const unfinished = [...ofLeaving()]
    staying.behave({ ms: 3 })
    await Promise.all([toLeaving.done, toStaying.done])
    const { steps } = await cluster.finish()

    const account = settleAccount([toLeaving, toStaying], { steps })
    const refused = toLeaving.answers(refusesFrom, endedAt)
    const elsewhere = toStaying.answers(terminatedAt, endedAt)
    report(`${engine}: SIGTERM of one of two under load`, {
      events: account.events,
      'exits after ms': afterMs,
      'cut short': unfinished.length,
      'answers after it': count(refused.map(({ status }) => String(status))),
      'answers of the other one': count(elsewhere.map(({ status }) => String(status))),
      missing: account.missing.length,
      extraCalls: account.extraCalls,
      'out of order': account.outOfOrder.length + tooEarly(steps).length,
    })
    expect(code).toBe(0)
    expect(unfinished).toEqual([])
    expect(refused.filter(isAccepted)).toEqual([])
    expect(refused.filter(({ status }) => status !== 503 && status !== 'broken')).toEqual([])
    expect(elsewhere.length).toBeGreaterThan(0)
    expect(elsewhere.filter((answer) => !isAccepted(answer))).toEqual([])
    // Every result was recorded, so no event is delivered twice.
    expect(account).toMatchObject({ events: 2 * EVENTS, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
    expect(tooEarly(steps)).toEqual([])
    expect(atTheSameTime(steps, cluster.diedAt)).toEqual([])
  })

  test('SIGTERM ends a receiver also when a callback does not come to an end', async () => {
    const cluster = await startCluster(engine)
    const receiver = await cluster.start({ behaviour: { held: true }, webhook: { concurrency: 4 } })
    const load = new Load({ name: 'stuck', port: cluster.port, events: 40, orders: 20, connections: 10 })
    await load.done
    const begun = (): number => cluster.read().steps.filter(({ what }) => what === 'begin').length
    await until(() => begun() === 4, 'the callbacks do not begin', 60_000)
    const { code, afterMs } = await receiver.signal('SIGTERM')
    const running = cutShort(cluster.read().steps).get(cluster.run(receiver)) ?? new Set()
    cluster.forget(receiver)
    await cluster.start()
    const { steps } = await cluster.finish()

    const account = settleAccount([load], { steps })
    report(`${engine}: SIGTERM while callbacks hang`, {
      events: account.events,
      'exits after ms': afterMs,
      'cut short': running.size,
      missing: account.missing.length,
      extraCalls: account.extraCalls,
    })
    expect(code).toBe(0)
    expect(running.size).toBe(4)
    expect(account).toMatchObject({ events: 40, missing: [], extraCalls: 4, outOfOrder: [] })
    const again = steps.filter(({ what, run, event }) => what === 'begin' && run === 2 && running.has(event))
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 2])
  })

  test('process.exit() under load loses no event that was answered 2xx', async () => {
    const exits = isFull ? 20 : 3
    const cluster = await startCluster(engine)
    const settings = { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } }
    await cluster.start(settings)
    const load = new Load({ name: 'exit', port: cluster.port, events: EVENTS, orders: 100, connections: 20 })
    for (let exit = 1; exit <= exits; exit++) {
      const target = load.accepted + (EVENTS - load.accepted) / (exits - exit + 2)
      await until(() => load.accepted >= target, 'the load is not accepted', 120_000)
      const receiver = cluster.receivers[0]!
      await receiver.exit()
      cluster.forget(receiver)
      await cluster.start(settings)
    }
    await load.done
    const { steps } = await cluster.finish()

    const account = settleAccount([load], { steps })
    report(`${engine}: process.exit() under load`, {
      events: account.events,
      exits,
      missing: account.missing.length,
      extraCalls: account.extraCalls,
      'extra calls allowed': exits * CONCURRENCY,
      answers: account.answers,
      slowestAnswerMs: account.slowestAnswerMs,
    })
    expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], outOfOrder: [], overlapping: [] })
    expect(tooEarly(steps)).toEqual([])
    expect(account.extraCalls).toBeLessThanOrEqual(exits * CONCURRENCY)
    expect(Object.keys(account.answers).filter((code) => !['200', '202', '503', 'broken'].includes(code))).toEqual([])
  })

  test('in a rolling deploy every event is delivered once: each new receiver starts before an old one ends', async () => {
    const deploys = isFull ? 10 : 2
    const cluster = await startCluster(engine)
    const settings = { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } }
    await cluster.startAll(2, settings)
    const load = new Load({ name: 'deploy', port: cluster.port, events: EVENTS, orders: 100, connections: 20 })
    for (let deploy = 1; deploy <= deploys; deploy++) {
      const target = load.accepted + (EVENTS - load.accepted) / (deploys - deploy + 2)
      await until(() => load.accepted >= target, 'the load is not accepted', 120_000)
      for (const old of cluster.receivers.slice()) {
        await cluster.start(settings)
        // From now on, the load opens no new connection to the old process, as with a load balancer.
        cluster.receivers.splice(cluster.receivers.indexOf(old), 1)
        await pause(50)
        expect(await old.signal('SIGTERM')).toMatchObject({ code: 0 })
      }
    }
    await load.done
    const { steps } = await cluster.finish()

    const account = settleAccount([load], { steps })
    report(`${engine}: rolling deploy under load`, {
      events: account.events,
      deploys,
      missing: account.missing.length,
      extraCalls: account.extraCalls,
      'two of an order at a time': atTheSameTime(steps).length,
      answers: account.answers,
      slowestAnswerMs: account.slowestAnswerMs,
    })
    expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
    expect(tooEarly(steps)).toEqual([])
    expect(atTheSameTime(steps)).toEqual([])
    expect(Object.keys(account.answers).filter((code) => !['200', '202', '503', 'broken'].includes(code))).toEqual([])
  })
})

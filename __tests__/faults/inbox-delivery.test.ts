/** Receivers that share an inbox: failing callbacks, repeated events, and concurrent senders. */
import { pause, until } from '../integration/harness'
import { atTheSameTime, count, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { engines, startCluster } from './cluster'
import { Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

const EVENTS = isFull ? 5_000 : 400
const ORDERS = 50
const CONCURRENCY = 8

beforeAll(() => void buildReceiver())
afterEach(endAll)

describe.each(engines)('%s', (engine) => {
  test('a callback that fails now and then, and wholly for a while, gets every event in the end, each order in its turn', async () => {
    const cluster = await startCluster(engine)
    const receivers = await cluster.startAll(2, {
      behaviour: { ms: 3, failing: 0.3 },
      webhook: { concurrency: CONCURRENCY, delivery: { retry: { minDelayMs: 10, maxDelayMs: 200 } } },
    })
    const load = new Load({ name: 'failing', port: cluster.port, events: EVENTS, orders: ORDERS, connections: 20 })
    await until(() => load.accepted > EVENTS / 4, 'the load is not accepted', 120_000)
    for (const receiver of receivers) receiver.behave({ ms: 3, failing: 1 })
    await pause(isFull ? 10_000 : 1_500)
    for (const receiver of receivers) receiver.behave({ ms: 3, failing: 0.3 })
    await load.done
    const { steps } = await cluster.finish()

    const account = settleAccount([load], { steps })
    const totals = count(steps.map(({ what }) => what))
    report(`${engine}: callback fails`, {
      events: account.events,
      calls: totals.begin,
      failed: totals.fail,
      missing: account.missing.length,
      'before their turn': tooEarly(steps).length,
      'two of an order at a time': atTheSameTime(steps).length,
      answers: account.answers,
    })
    expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], outOfOrder: [] })
    expect(tooEarly(steps)).toEqual([])
    expect(atTheSameTime(steps)).toEqual([])
    expect(totals.end).toBe(EVENTS)
    // The response is sent before the callback runs, so a failing callback does not affect the sender.
    expect(account.answers).toEqual({ '202': EVENTS })
  })

  test('an event that is sent to three receivers at the same time, and once more when it was delivered, is called once', async () => {
    const cluster = await startCluster(engine)
    const receivers = await cluster.startAll(3, { behaviour: { ms: 3 }, webhook: { concurrency: CONCURRENCY } })
    const options = { name: 'thrice', events: EVENTS, orders: ORDERS, connections: 20 }
    const load = new Load({ ...options, port: (copy) => receivers[copy]!.port, copies: 3 })
    await load.done
    await receivers[0]!.drained(120_000)
    const late = new Load({ ...options, port: cluster.port })
    await late.done
    const { steps } = await cluster.finish()

    const account = settleAccount([load], { steps })
    const outcomes = count(load.answers().map(({ outcome }) => String(outcome)))
    const lateOutcomes = count(late.answers().map(({ outcome }) => String(outcome)))
    report(`${engine}: sent to three receivers at the same time`, {
      events: account.events,
      calls: steps.filter(({ what }) => what === 'begin').length,
      outcomes,
      'outcomes of a late copy': lateOutcomes,
      slowestAnswerMs: account.slowestAnswerMs,
    })
    expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
    expect(outcomes).toEqual({ queued: EVENTS, duplicate: 2 * EVENTS })
    expect(lateOutcomes).toEqual({ duplicate: EVENTS })
    expect(atTheSameTime(steps)).toEqual([])
  })

  test('events of an order that three senders race for are called one at a time, those of each sender in their order', async () => {
    const orders = isFull ? 200 : 40
    const turns = isFull ? 8 : 4
    const cluster = await startCluster(engine)
    await cluster.startAll(3, { behaviour: { ms: 5 }, webhook: { concurrency: 16 } })
    const loads = [0, 1, 2].map(
      (sender) =>
        new Load({
          ...{ name: `sender-${sender}`, orderName: 'race', port: cluster.port },
          ...{ events: orders * turns, orders, connections: 10 },
        }),
    )
    await Promise.all(loads.map(({ done }) => done))
    const { steps } = await cluster.finish()

    const begun = steps.filter(({ what }) => what === 'begin')
    const ofEachSender = loads.map(({ sent }) => {
      const events = new Set(sent.map(({ event }) => event))
      return steps.filter(({ event }) => events.has(event))
    })
    const wrong = ofEachSender.flatMap(tooEarly)
    const account = settleAccount(loads, { steps })
    report(`${engine}: three senders race for the same orders`, {
      orders,
      calls: begun.length,
      'calls by process': count(begun.map(({ run }) => String(run))),
      'out of order': wrong.length,
      'two of an order at a time': atTheSameTime(steps).length,
      missing: account.missing.length,
      extraCalls: account.extraCalls,
    })
    expect(begun).toHaveLength(3 * orders * turns)
    expect(account).toMatchObject({ missing: [], torn: [], extraCalls: 0 })
    expect(wrong).toEqual([])
    expect(atTheSameTime(steps)).toEqual([])
  })
})

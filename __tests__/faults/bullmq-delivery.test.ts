/** Several receivers with the inbox on BullMQ: a callback that fails, events that come several times, one that is ended. */
import { pause, until } from '../integration/harness'
import { atTheSameTime, count, cutShort, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { startCluster } from './cluster'
import { isAccepted, Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

jest.setTimeout(isFull ? 600_000 : 90_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

const EVENTS = isFull ? 5_000 : 400
const ORDERS = 50
const CONCURRENCY = 8

test('a callback that fails now and then, and wholly for a while, gets every event in the end, each order in its turn', async () => {
  const startedAt = performance.now()
  const cluster = await startCluster()
  const receivers = await cluster.startAll(2, {
    behaviour: { ms: 3, failing: 0.3 },
    webhook: { concurrency: CONCURRENCY, retry: { minDelayMs: 10, maxDelayMs: 200 } },
  })
  const load = new Load({ name: 'failing', port: cluster.port, events: EVENTS, orders: ORDERS, connections: 20 })
  await until(() => load.accepted > EVENTS / 4, 'the load is not accepted', 60_000)
  for (const receiver of receivers) receiver.behave({ ms: 3, failing: 1 })
  await pause(100)
  const downAt = Date.now()
  await pause(isFull ? 10_000 : 1_500)
  const upAt = Date.now()
  for (const receiver of receivers) receiver.behave({ ms: 3, failing: 0.3 })
  await load.done
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  const totals = count(steps.map(({ what }) => what))
  // The order to fail takes a moment to arrive.
  const down = steps.filter(({ at }) => at > downAt + 100 && at < upAt)
  report('BullMQ: callback fails', {
    events: account.events,
    calls: totals.begin,
    failed: totals.fail,
    'calls by process': count(steps.filter(({ what }) => what === 'begin').map(({ run }) => String(run))),
    'failed while down': down.filter(({ what }) => what === 'fail').length,
    'succeeded while down': down.filter(({ what }) => what === 'end').length,
    missing: account.missing.length,
    'before their turn': tooEarly(steps).length,
    'two of an order at a time': atTheSameTime(steps).length,
    answers: account.answers,
    seconds: (performance.now() - startedAt) / 1000,
  })
  expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
  expect(totals.end).toBe(EVENTS)
  expect(down.filter(({ what }) => what === 'end')).toEqual([])
  expect(down.length).toBeGreaterThan(0)
  // The callback's trouble is not the sender's.
  expect(account.answers).toEqual({ '202': EVENTS })
})

test('an event that is sent to three receivers at the same time is called once', async () => {
  const startedAt = performance.now()
  const cluster = await startCluster()
  const receivers = await cluster.startAll(3, { behaviour: { ms: 3 }, webhook: { concurrency: CONCURRENCY } })
  const load = new Load({
    name: 'thrice',
    port: (copy) => receivers[copy]!.port,
    events: EVENTS,
    orders: ORDERS,
    connections: 20,
    copies: 3,
  })
  await load.done
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  const outcomes = count(load.answers().map(({ outcome }) => String(outcome)))
  report('BullMQ: sent to three receivers at the same time', {
    events: account.events,
    calls: steps.filter(({ what }) => what === 'begin').length,
    outcomes,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
    slowestAnswerMs: account.slowestAnswerMs,
    seconds: (performance.now() - startedAt) / 1000,
  })
  expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
  expect(outcomes).toEqual({ queued: EVENTS, duplicate: 2 * EVENTS })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
})

test('SIGTERM ends one of two within 10 s: it refuses what comes, what runs there finishes, the other one goes on', async () => {
  const cluster = await startCluster()
  // For longer than the inbox itself waits: it must be the webhook that does.
  const settings = { behaviour: { ms: 1_500 }, webhook: { concurrency: CONCURRENCY } }
  const [leaving, staying] = [await cluster.start(settings), await cluster.start(settings)]
  const more = { events: EVENTS, orders: 100, connections: 15 }
  let receiver = leaving
  const toLeaving = new Load({ name: 'leaving', port: () => receiver.port, ...more })
  // Must not have sent all before the other one has ended.
  const toStaying = new Load({ name: 'staying', port: () => staying.port, ...more, rate: EVENTS / 6 })
  await until(() => toLeaving.accepted > EVENTS / 4, 'the load is not accepted', 60_000)
  const running = cutShort(cluster.read().steps).get(cluster.run(leaving))?.size ?? 0
  const terminatedAt = Date.now()
  const { code, afterMs, refusesFrom } = await leaving.signal('SIGTERM')
  const endedAt = Date.now()
  receiver = staying
  cluster.forget(leaving)
  const unfinished = [...(cutShort(cluster.read().steps).get(cluster.run(leaving)) ?? [])]
  staying.behave({ ms: 3 })
  await Promise.all([toLeaving.done, toStaying.done])
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([toLeaving, toStaying], { steps, alarms })
  const refused = toLeaving.answers(refusesFrom, endedAt)
  const elsewhere = toStaying.answers(terminatedAt, endedAt)
  report('BullMQ: SIGTERM of one of two under load', {
    events: account.events,
    'exits after ms': afterMs,
    'running at that time': running,
    'cut short': unfinished.length,
    'answers after it': count(refused.map(({ status }) => String(status))),
    'answers of the other one': count(elsewhere.map(({ status }) => String(status))),
    missing: account.missing.length,
    extraCalls: account.extraCalls,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
  })
  expect(code).toBe(0)
  expect(afterMs).toBeLessThan(10_000)
  expect(running).toBeGreaterThan(0)
  expect(unfinished).toEqual([])
  expect(refused.filter(isAccepted)).toEqual([])
  expect(refused.filter(({ status }) => status === 503).length).toBeGreaterThan(0)
  expect(refused.filter(({ status }) => status !== 503 && status !== 'broken')).toEqual([])
  expect(elsewhere.length).toBeGreaterThan(0)
  expect(toStaying.answers().filter((answer) => !isAccepted(answer))).toEqual([])
  // All that ran was noted: nothing is called twice.
  expect(account).toMatchObject({ events: 2 * EVENTS, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps, cluster.diedAt)).toEqual([])
})

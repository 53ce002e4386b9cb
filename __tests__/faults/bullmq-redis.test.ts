/** The Redis below the inbox on BullMQ is killed with -9 or stands still, under load. */
import { pause, until } from '../integration/harness'
import { atTheSameTime, count, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { startCluster } from './cluster'
import { isAccepted, Load } from './load'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

const CONCURRENCY = 8
/** What an answer may take while Redis is away. */
const ANSWER_MS = 2_500

jest.setTimeout(isFull ? 600_000 : 90_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

test('a Redis that is killed and started again loses no event that was answered 2xx, and delivery goes on', async () => {
  const kills = isFull ? 20 : 2
  const startedAt = performance.now()
  const cluster = await startCluster({ sweepIntervalMs: 2_000 })
  const { redis, port } = cluster
  await cluster.startAll(2, { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } })
  const load = new Load({ name: 'redis', port, events: isFull ? 10_000 : 600, orders: 100, connections: 20 })
  const succeeded = (): number => cluster.read().steps.filter(({ what }) => what === 'end').length
  for (let kill = 1; kill <= kills; kill++) {
    const target = load.accepted + (load.events - load.accepted) / (kills - kill + 2)
    await until(() => load.accepted >= target, 'the load is not accepted', 60_000)
    await redis.kill()
    const before = succeeded()
    // Now and then long enough for all that was under way to fail.
    await pause(kill % 4 === 0 ? 3_000 : Math.random() * 500)
    await redis.restart()
    // Some callbacks ran on while Redis was away.
    await until(() => succeeded() > before + 2 * CONCURRENCY, 'nothing is delivered after the restart', 30_000)
  }
  await load.done
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  const { answers, extraCalls, slowestAnswerMs } = account
  report('BullMQ: Redis killed with -9 under load', {
    events: account.events,
    kills,
    'answered 2xx and missing': account.missing.length,
    torn: account.torn.length,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
    'two of an order at a time': atTheSameTime(steps).length,
    extraCalls,
    'extra calls allowed': kills * 2 * CONCURRENCY,
    answers,
    outcomes: count(load.answers().map(({ outcome }) => String(outcome))),
    slowestAnswerMs,
    seconds: (performance.now() - startedAt) / 1000,
  })
  expect(account).toMatchObject({ events: load.events, missing: [], torn: [], outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  // Redis was never away for as long as a lease.
  expect(atTheSameTime(steps)).toEqual([])
  expect(extraCalls).toBeLessThanOrEqual(kills * 2 * CONCURRENCY)
  expect(Object.keys(answers).sort()).toEqual(expect.arrayContaining(['202', '503']))
  expect(Object.keys(answers).filter((status) => !['200', '202', '503'].includes(status))).toEqual([])
  expect(slowestAnswerMs).toBeLessThan(ANSWER_MS)
})

test('while Redis stands still each answer is 503 and comes in time; afterwards all goes on, and nothing is called twice', async () => {
  const frozenMs = isFull ? 10_000 : 4_000
  const cluster = await startCluster({ sweepIntervalMs: 2_000 })
  const { redis, port } = cluster
  await cluster.startAll(2, { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } })
  const load = new Load({ name: 'frozen', port, events: isFull ? 5_000 : 400, orders: 100, connections: 20 })
  await until(() => load.accepted > load.events / 4, 'the load is not accepted', 60_000)
  redis.freeze()
  // The signal takes a moment to arrive, and what Redis has answered is on its way.
  await pause(100)
  const frozenAt = Date.now()
  await pause(frozenMs)
  const thawedAt = Date.now()
  redis.thaw()
  await until(() => load.answers(thawedAt).some(isAccepted), 'no event is accepted', 10_000)
  await load.done
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps, alarms })
  const during = load.answers().filter(({ answeredAt }) => answeredAt >= frozenAt && answeredAt < thawedAt)
  // Also those that began before, or ended after it went on.
  const affected = load.answers().filter(({ sentAt, answeredAt }) => sentAt < thawedAt && answeredAt >= frozenAt)
  const slowest = Math.max(...affected.map(({ sentAt, answeredAt }) => answeredAt - sentAt))
  const first = Math.min(
    ...load
      .answers(thawedAt)
      .filter(isAccepted)
      .map(({ answeredAt }) => answeredAt),
  )
  // Their command ran when Redis went on, though they had been refused.
  const ranLater = load.sent.filter(
    ({ answers }) => answers[0]?.status === 503 && answers.at(-1)?.outcome === 'duplicate',
  )
  const calls = (event: string): number => steps.filter((step) => step.what === 'begin' && step.event === event).length
  report('BullMQ: Redis frozen under load', {
    events: account.events,
    frozenMs,
    'answers meanwhile': count(during.map(({ status }) => String(status))),
    'slowest of them': slowest,
    'slowest of all': account.slowestAnswerMs,
    '2xx after ms': first - thawedAt,
    'refused, and stored after the thaw': ranLater.length,
    missing: account.missing.length,
    extraCalls: account.extraCalls,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
    answers: account.answers,
  })
  expect(during.length).toBeGreaterThan(0)
  expect(during.filter(({ status }) => status !== 503)).toEqual([])
  expect(slowest).toBeLessThan(ANSWER_MS)
  expect(first - thawedAt).toBeLessThan(5_000)
  expect(Object.keys(account.answers).filter((status) => !['200', '202', '503'].includes(status))).toEqual([])
  expect(account).toMatchObject({ events: load.events, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
  expect(ranLater.length).toBeGreaterThan(0)
  expect(ranLater.filter(({ event }) => calls(event) !== 1)).toEqual([])
})

/** While PostgreSQL is down or frozen, or the disk of SQLite is full, responses are 503 and no event is lost. */
import { pause, until } from '../integration/harness'
import { atTheSameTime, count, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { onSqlite, startOnPostgres } from './cluster'
import { isAccepted, Load, type Answer } from './load'
import { fillDisk, mountMemory } from './mounts'
import { endAll } from './receiver-process'
import { isFull, report } from './size'

const CONCURRENCY = 8
/** The documented limit is 2.5 s, but a busy machine may take longer. */
const ANSWER_MS = 5_000

beforeAll(() => void buildReceiver())
afterEach(endAll)

const statusesOf = (answers: Answer[]): Record<string, number> => count(answers.map(({ status }) => String(status)))
const slowestOf = (answers: Answer[]): number =>
  Math.max(0, ...answers.map(({ sentAt, answeredAt }) => answeredAt - sentAt))

test('a server of PostgreSQL that is killed and started again loses no event that was answered 2xx', async () => {
  const kills = isFull ? 20 : 2
  const { cluster, server } = await startOnPostgres()
  await cluster.startAll(2, { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } })
  const events = isFull ? 10_000 : 600
  const load = new Load({ name: 'server', port: cluster.port, events, orders: 100, connections: 20 })
  for (let kill = 1; kill <= kills; kill++) {
    const target = load.accepted + (load.events - load.accepted) / (kills - kill + 2)
    await until(() => load.accepted >= target, 'the load is not accepted', 120_000)
    await server.kill()
    // In every second round, the outage is long enough for all running requests to fail.
    await pause(kill % 2 === 0 ? 3_000 : Math.random() * 500)
    await server.restart()
  }
  await load.done
  const { steps } = await cluster.finish()

  const account = settleAccount([load], { steps })
  report('postgres: server killed with -9 under load', {
    events: account.events,
    kills,
    'answered 2xx and missing': account.missing.length,
    torn: account.torn.length,
    'out of order': account.outOfOrder.length + tooEarly(steps).length,
    'two of an order at a time': atTheSameTime(steps).length,
    extraCalls: account.extraCalls,
    answers: account.answers,
    slowestAnswerMs: account.slowestAnswerMs,
  })
  expect(account).toMatchObject({ events: load.events, missing: [], torn: [], outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
  expect(account.extraCalls).toBeLessThanOrEqual(kills * 2 * CONCURRENCY)
  expect(Object.keys(account.answers).filter((status) => !['200', '202', '503'].includes(status))).toEqual([])
  expect(account.slowestAnswerMs).toBeLessThan(ANSWER_MS)
})

test('while PostgreSQL stands still each answer is 503 and in time, and the log says so; then all goes on', async () => {
  const { cluster, server } = await startOnPostgres()
  await cluster.startAll(2, { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } })
  const events = isFull ? 5_000 : 400
  const load = new Load({ name: 'frozen', port: cluster.port, events, orders: 100, connections: 20 })
  await until(() => load.accepted > load.events / 4, 'the load is not accepted', 120_000)
  await server.freeze()
  // Responses that were sent before the freeze may still be on the way.
  await pause(100)
  const frozenAt = Date.now()
  await until(() => cluster.read().alarms.some(({ at }) => at >= frozenAt), 'no alarm', 60_000)
  await until(() => load.answers(frozenAt).length > 20, 'no answer', 60_000)
  const thawedAt = Date.now()
  server.thaw()
  await load.done
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps })
  const during = load.answers(frozenAt).filter(({ answeredAt }) => answeredAt < thawedAt)
  report('postgres: frozen under load', {
    events: account.events,
    'answers meanwhile': statusesOf(during),
    'slowest of them': slowestOf(during),
    'alarm after ms': alarms.find(({ at }) => at >= frozenAt)!.at - frozenAt,
    missing: account.missing.length,
    extraCalls: account.extraCalls,
    answers: account.answers,
  })
  expect(statusesOf(during)).toEqual({ '503': during.length })
  expect(slowestOf(during)).toBeLessThan(ANSWER_MS)
  expect(Object.keys(account.answers).filter((status) => !['200', '202', '503'].includes(status))).toEqual([])
  expect(account).toMatchObject({ events: load.events, missing: [], torn: [], outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
})

test('on a full disk SQLite refuses with 503 in time, and the log says so; it goes on once there is room', async () => {
  const { folder } = await mountMemory(64)
  const cluster = onSqlite(folder)
  await cluster.startAll(2, { behaviour: { ms: 20 }, webhook: { concurrency: CONCURRENCY } })
  const events = isFull ? 5_000 : 400
  const load = new Load({ name: 'disk', port: cluster.port, events, orders: 60, connections: 20 })
  await until(() => load.accepted > load.events / 4, 'the load is not accepted', 120_000)
  const fillingAt = Date.now()
  const { release } = fillDisk(folder)
  // Until the free space inside the database files is used up, events that fit into it are accepted.
  const isRefused = (): boolean => load.answers(fillingAt).filter(({ status }) => status === 503).length > 40
  await until(isRefused, 'nothing is refused', 60_000)
  await until(() => cluster.read().alarms.some(({ at }) => at >= fillingAt), 'no alarm', 60_000)
  const refused = load.answers(fillingAt).filter(({ status }) => status === 503)
  release()
  await load.done
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps })
  report('sqlite: disk full', {
    events: account.events,
    'refused while full': refused.length,
    'slowest of them': slowestOf(refused),
    alarm: alarms.find(({ at }) => at >= fillingAt)!.line,
    missing: account.missing.length,
    extraCalls: account.extraCalls,
    answers: account.answers,
    slowestAnswerMs: account.slowestAnswerMs,
  })
  expect(account).toMatchObject({ events: load.events, missing: [], torn: [], outOfOrder: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(atTheSameTime(steps)).toEqual([])
  expect(Object.keys(account.answers).filter((status) => !['200', '202', '503'].includes(status))).toEqual([])
  expect(slowestOf(refused)).toBeLessThan(ANSWER_MS)
  expect(load.answers(fillingAt).some(isAccepted)).toBe(true)
})

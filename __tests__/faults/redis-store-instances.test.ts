/** Three receivers without an inbox share the store in Redis. One of them is killed during its callbacks. */
import { Redis } from 'ioredis'
import { until } from '../integration/harness'
import { count, settleAccount } from './account'
import { buildReceiver } from './build'
import { startOnRedis } from './cluster'
import { Load } from './load'
import { atEnd, endAll } from './receiver-process'
import { isFull, report } from './size'

/** How long a claim lasts unless it is renewed, as set in lib/deliver/attempt.ts. */
const LEASE_MS = 60_000

jest.setTimeout(isFull ? 300_000 : 60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

test('an event that is sent to three receivers at the same time is called in one of them', async () => {
  const events = isFull ? 5_000 : 400
  const { cluster } = await startOnRedis()
  const receivers = await cluster.startAll(3, { behaviour: { ms: 3 } })
  const options = { name: 'thrice', events, orders: 50, connections: 20, copies: 3 }
  const load = new Load({ ...options, port: (copy) => receivers[copy]!.port })
  await load.done
  // Sends every event again, as Tradecloud does after a 503.
  const again = new Load({ ...options, port: (copy) => receivers[(copy + 1) % 3]!.port })
  await again.done
  const { steps, alarms } = await cluster.finish()

  const account = settleAccount([load], { steps })
  const outcomes = count(load.answers().map(({ outcome }) => String(outcome)))
  const outcomesAgain = count(again.answers().map(({ outcome }) => String(outcome)))
  const begun = steps.filter(({ what }) => what === 'begin')
  report('redisStore: sent to three receivers at the same time', {
    events: account.events,
    calls: begun.length,
    'calls by process': count(begun.map(({ run }) => String(run))),
    outcomes,
    'outcomes of sending it again': outcomesAgain,
    slowestAnswerMs: account.slowestAnswerMs,
  })
  expect(account).toMatchObject({ events, missing: [], torn: [], extraCalls: 0, outOfOrder: [] })
  expect(
    Object.keys(outcomes).filter(
      (outcome) => !['delivered', 'duplicate', 'in_progress', 'unavailable'].includes(outcome),
    ),
  ).toEqual([])
  expect(outcomes.delivered).toBe(events)
  expect(outcomesAgain).toEqual({ duplicate: 3 * events })
  expect(alarms).toEqual([])
})

test('events whose receiver is killed at their callbacks are called again once their leases are over, and not before', async () => {
  const events = isFull ? 100 : 20
  const { cluster, redis } = await startOnRedis()
  const { host, port } = redis
  const victim = await cluster.start({ behaviour: { held: true }, webhook: { concurrency: events } })
  const others = await cluster.startAll(2)
  const load = new Load({
    name: 'killed',
    // After the victim has ended, new connections go to the other two processes in turn.
    port: () => (victim.hasExited ? cluster.port() : victim.port),
    ...{ events, orders: events, connections: events },
  })
  const begun = (): number => cluster.read().steps.filter(({ what }) => what === 'begin').length
  await until(() => begun() === events, 'the callbacks do not begin', 20_000)
  await cluster.kill(victim)
  const killedAt = Date.now()
  // All events are sent again and refused, because the killed process still holds their claims.
  const refused = (): number => load.answers(killedAt).filter(({ outcome }) => outcome === 'in_progress').length
  await until(() => refused() >= events, 'the events are not refused', 40_000)
  const meanwhile = { begun: begun(), accepted: load.accepted }
  // In short runs, the test shortens the leases instead of waiting for a minute.
  if (!isFull) await shortenLeases(host, port, events)
  await load.done
  const { steps } = await cluster.finish()

  const account = settleAccount([load], { steps })
  const second = steps.filter(({ what, run }) => what === 'begin' && run !== cluster.run(victim))
  const waited = second.map(({ at }) => at - killedAt)
  const outcomes = count(load.answers(killedAt).map(({ outcome }) => String(outcome)))
  report('redisStore: killed with -9 at the callbacks', {
    events: account.events,
    'cut short': events,
    'called before the lease was over': meanwhile.begun - events,
    'called again': second.length,
    'ms after the kill': [Math.min(...waited), Math.max(...waited)],
    missing: account.missing.length,
    'outcomes after the kill': outcomes,
  })
  expect(meanwhile).toEqual({ begun: events, accepted: 0 })
  expect(account).toMatchObject({ events, missing: [], torn: [], extraCalls: events })
  expect(second).toHaveLength(events)
  expect(others.map((other) => count(second.map(({ run }) => String(run)))[cluster.run(other)] ?? 0)).not.toContain(0)
  expect(outcomes).toMatchObject({ delivered: events })
  expect(outcomes.in_progress).toBeGreaterThanOrEqual(events)
  // A lease is renewed after a third of its duration, so at least two thirds of it were left at the kill.
  if (isFull) expect(Math.min(...waited)).toBeGreaterThan((LEASE_MS * 2) / 3 - 5_000)
  expect(Math.max(...waited)).toBeLessThan(LEASE_MS + 5_000)
})

async function shortenLeases(host: string, port: number, events: number): Promise<void> {
  const client = new Redis({ host, port })
  atEnd(async () => client.disconnect())
  const keys = await client.keys('tradecloud-webhook:*')
  expect(keys).toHaveLength(events)
  for (const key of keys) {
    expect(await client.get(key)).toMatch(/^claimed /)
    const leaseMs = await client.pttl(key)
    expect(leaseMs).toBeGreaterThan(0)
    expect(leaseMs).toBeLessThanOrEqual(LEASE_MS)
    await client.pexpire(key, 200)
  }
}

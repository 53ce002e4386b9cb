/** A callback that fails, events that come several times, and a receiver that is asked to end: all under load. */
import { join } from 'node:path'
import { pause, until } from '../integration/harness'
import { count, cutShort, settleAccount, tooEarly } from './account'
import { buildReceiver } from './build'
import { readLedger } from './ledger'
import { isAccepted, Load } from './load'
import { endAll, startReceiver, temporaryFolder, type Receiver } from './receiver-process'
import type { ReceiverSettings } from './receiver'
import { isFull, report } from './size'

jest.setTimeout(isFull ? 600_000 : 60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

const EVENTS = isFull ? 5_000 : 400
const ORDERS = 50

interface Place {
  ledger: string
  start: (run: number, more?: Partial<ReceiverSettings>) => Promise<Receiver>
}

function makePlace(): Place {
  const directory = join(temporaryFolder(), 'inbox')
  const ledger = join(temporaryFolder(), 'ledger')
  return {
    ledger,
    start: (run, more) => startReceiver({ inbox: { type: 'file', options: { directory } }, ledger, run, ...more }),
  }
}

test('a callback that fails now and then, and wholly for a while, gets every event in the end, each order in its turn', async () => {
  const { ledger, start } = makePlace()
  const receiver = await start(1, {
    behaviour: { ms: 3, failing: 0.3 },
    webhook: { concurrency: 16, retry: { minDelayMs: 10, maxDelayMs: 200 } },
  })
  const load = new Load({ name: 'failing', port: () => receiver.port, events: EVENTS, orders: ORDERS, connections: 20 })
  await until(() => load.accepted > EVENTS / 4, 'the load is not accepted', 60_000)
  receiver.behave({ ms: 3, failing: 1 })
  await pause(50)
  const downAt = Date.now()
  await pause(isFull ? 10_000 : 1_500)
  const upAt = Date.now()
  receiver.behave({ ms: 3, failing: 0.3 })
  await load.done
  await receiver.drained(300_000)
  await receiver.end()
  const { steps, alarms } = readLedger(ledger)
  const account = settleAccount([load], { steps, alarms })
  const totals = count(steps.map(({ what }) => what))
  const down = steps.filter(({ at }) => at > downAt + 100 && at < upAt)
  const ends = steps.filter(({ what }) => what === 'end').length
  report('callback fails', {
    events: account.events,
    calls: totals.begin,
    failed: totals.fail,
    'succeeded while down': down.filter(({ what }) => what === 'end').length,
    'failed while down': down.filter(({ what }) => what === 'fail').length,
    missing: account.missing.length,
    'before their turn': tooEarly(steps).length,
    answers: account.answers,
  })
  expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], outOfOrder: [], overlapping: [], damaged: [] })
  expect(tooEarly(steps)).toEqual([])
  expect(ends).toBe(EVENTS)
  expect(down.filter(({ what }) => what === 'end')).toEqual([])
  expect(down.length).toBeGreaterThan(0)
  // The callback's trouble is not the sender's.
  expect(account.answers).toEqual({ '202': EVENTS })
})

test('an event that is sent three times at the same time, and once more when it was delivered, is called once', async () => {
  const { ledger, start } = makePlace()
  const receiver = await start(1, { behaviour: { ms: 3 }, webhook: { concurrency: 16 } })
  const options = { name: 'thrice', port: () => receiver.port, events: EVENTS, orders: ORDERS, connections: 20 }
  const load = new Load({ ...options, copies: 3 })
  await load.done
  await receiver.drained(60_000)
  const late = new Load(options)
  await late.done
  await receiver.drained(60_000)
  await receiver.end()
  const found = readLedger(ledger)
  const account = settleAccount([load], found)
  const outcomes = count(load.answers().map(({ outcome }) => String(outcome)))
  const lateOutcomes = count(late.answers().map(({ outcome }) => String(outcome)))
  report('sent three times at the same time', {
    events: account.events,
    calls: found.steps.filter(({ what }) => what === 'begin').length,
    outcomes,
    'outcomes of a late copy': lateOutcomes,
    slowestAnswerMs: account.slowestAnswerMs,
  })
  expect(account).toMatchObject({ events: EVENTS, missing: [], torn: [], extraCalls: 0, outOfOrder: [], damaged: [] })
  expect(outcomes).toEqual({ queued: EVENTS, duplicate: 2 * EVENTS })
  expect(lateOutcomes).toEqual({ duplicate: EVENTS })
})

describe('SIGTERM under load', () => {
  const CALLBACK_MS = 300

  test('ends the receiver within 10 s: new requests are refused, what runs finishes, the rest is delivered after the next start', async () => {
    const { ledger, start } = makePlace()
    let receiver = await start(1, { behaviour: { ms: CALLBACK_MS }, webhook: { concurrency: 16 } })
    const load = new Load({ name: 'term', port: () => receiver.port, events: EVENTS, orders: 200, connections: 30 })
    await until(() => load.accepted > EVENTS / 4, 'the load is not accepted', 60_000)
    const { code, afterMs, refusesFrom } = await receiver.signal('SIGTERM')
    const endedAt = Date.now()
    const first = readLedger(ledger).steps
    receiver = await start(2, { behaviour: { ms: 1 } })
    await load.done
    await receiver.drained(60_000)
    await receiver.end()
    const account = settleAccount([load], readLedger(ledger))
    const after = load.answers(refusesFrom, endedAt)
    report('SIGTERM under load', {
      events: account.events,
      'exits after ms': afterMs,
      'cut short': [...(cutShort(first).get(1) ?? [])].length,
      'answers after it': count(after.map(({ status }) => String(status))),
      missing: account.missing.length,
      extraCalls: account.extraCalls,
    })
    expect(code).toBe(0)
    expect(afterMs).toBeLessThan(10_000)
    expect(afterMs).toBeGreaterThan(50)
    expect([...(cutShort(first).get(1) ?? [])]).toEqual([])
    expect(after.filter(isAccepted)).toEqual([])
    expect(after.filter(({ status }) => status === 503).length).toBeGreaterThan(0)
    expect(Object.keys(account.answers).filter((status) => !['200', '202', '503', 'broken'].includes(status))).toEqual(
      [],
    )
    expect(account).toMatchObject({
      events: EVENTS,
      missing: [],
      torn: [],
      // All that ran was noted: nothing is called twice.
      extraCalls: 0,
      outOfOrder: [],
      overlapping: [],
      damaged: [],
    })
  })

  test('ends the receiver within 10 s also when a callback does not come to an end', async () => {
    const { ledger, start } = makePlace()
    let receiver = await start(1, { behaviour: { held: true }, webhook: { concurrency: 4 } })
    const load = new Load({ name: 'stuck', port: () => receiver.port, events: 40, orders: 20, connections: 10 })
    await load.done
    const { code, afterMs } = await receiver.signal('SIGTERM')
    const running = cutShort(readLedger(ledger).steps).get(1) ?? new Set()
    receiver = await start(2)
    await receiver.drained(30_000)
    await receiver.end()
    const { steps, alarms } = readLedger(ledger)
    const account = settleAccount([load], { steps, alarms })
    report('SIGTERM while callbacks hang', {
      events: account.events,
      'exits after ms': afterMs,
      'cut short': running.size,
      missing: account.missing.length,
      extraCalls: account.extraCalls,
    })
    expect(code).toBe(0)
    expect(afterMs).toBeLessThan(10_000)
    expect(running.size).toBe(4)
    expect(account).toMatchObject({ events: 40, missing: [], extraCalls: 4, outOfOrder: [], damaged: [] })
    const again = steps.filter(({ what, run, event }) => what === 'begin' && run === 2 && running.has(event))
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 2])
  })
})

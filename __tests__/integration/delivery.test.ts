/**
 * The order of the events of one entity, the limit for callbacks, late responses, outdated events, and retries of the
 * simulated Tradecloud.
 */
import { randomUUID } from 'node:crypto'
import { clockForEach } from '../clock'
import { RejectEvent } from 'tradecloud-webhook'
import {
  closeAll,
  deferred,
  orderEvent,
  orderId,
  startUnvalidated,
  startTradecloud,
  until,
  type RawAnswer,
  type Rig,
} from './harness'
import { gate, outcomes } from './gate'

afterEach(closeAll)
const { wait: pause } = clockForEach()

describe('order and slots', () => {
  test('events of one order run one after the other, in order of arrival; others are not held up', async () => {
    const { callback, seen, inside, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback, onOrderDocuments: callback, onShipment: callback })
    const answers: Array<Promise<RawAnswer>> = []
    for (let i = 0; i < 9; i++) {
      const body =
        i === 4
          ? { eventName: 'D', orderDocumentsEvent: { orderId, label: i, meta: { messageId: randomUUID() } } }
          : orderEvent({ label: i })
      answers.push(rig.post(body))
      await pause(5)
    }
    expect(inside).toEqual(['0'])
    // An event of another order, and an event of a shipment whose ID equals that of the first order.
    const others = [
      rig.post(orderEvent({ orderId: 'other', label: 'other' })),
      rig.post({ eventName: 'S', shipment: { id: orderId } }),
    ]
    await until(() => inside.length === 3)
    expect(inside).toEqual(['0', 'other', orderId])
    open()
    expect(outcomes(await Promise.all([...answers, ...others]))).toEqual(Array.from({ length: 11 }, () => 'delivered'))
    expect(seen.filter((name) => /^\d$/.test(name))).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8'])
  })

  test('dedupe: false changes nothing about the order', async () => {
    const { callback, seen, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback, dedupe: false })
    const answers: Array<Promise<RawAnswer>> = []
    for (let label = 0; label < 4; label++) {
      answers.push(rig.post(orderEvent({ label })))
      await pause(5)
    }
    open()
    expect(outcomes(await Promise.all(answers))).toEqual(Array.from({ length: 4 }, () => 'delivered'))
    expect(seen).toEqual(['0', '1', '2', '3'])
  })

  test('a GET waits for the event before it, and an event for the GET before it', async () => {
    const { callback, seen, inside, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback })
    const answers = [rig.post(orderEvent({ label: 'first' }))]
    await until(() => inside.length === 1)
    answers.push(rig.get(`/order/${orderId}`))
    await pause(10)
    answers.push(rig.post(orderEvent({ label: 'third' })))
    await pause(10)
    open()
    expect(outcomes(await Promise.all(answers))).toEqual(['delivered', 'delivered', 'delivered'])
    expect(seen).toEqual(['first', orderId, 'third'])
  })

  test('no two callbacks of one order at a time, under load', async () => {
    const running = new Map<string, number>()
    let overlaps = 0
    const rig = await startUnvalidated({
      concurrency: 100,
      onOrder: async ({ orderId: id }) => {
        running.set(id, (running.get(id) ?? 0) + 1)
        if (running.get(id) !== 1) overlaps++
        await pause(1)
        running.set(id, (running.get(id) ?? 0) - 1)
      },
    })
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => rig.post(orderEvent({ orderId: `PO${i % 60}` }))),
    )
    expect(outcomes(answers)).toEqual(Array.from({ length: 300 }, () => 'delivered'))
    expect(overlaps).toBe(0)
  })

  test('at most 8 wait for one order; the rest is sent away, and comes again', async () => {
    const { callback, seen, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback })
    const events = Array.from({ length: 12 }, (_, label) => orderEvent({ label }))
    const answers: Array<Promise<RawAnswer>> = []
    for (const event of events) {
      answers.push(rig.post(event))
      await pause(5)
    }
    await until(() => rig.records.length === 3)
    expect(rig.records).toMatchObject(
      Array.from({ length: 3 }, () => ({ outcome: 'unavailable', status: 503, givenUp: false })),
    )
    open()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([
      ...Array.from({ length: 9 }, () => 200),
      503,
      503,
      503,
    ])
    for (const event of events.slice(9)) expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
    expect(seen).toEqual(events.map((_, i) => String(i)))
  })

  test('no event waits for others of its order longer than ten seconds', async () => {
    const { callback, inside, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback })
    const first = rig.post(orderEvent())
    await until(() => inside.length === 1)
    const waiting = orderEvent()
    const startedAt = performance.now()
    expect(await rig.post(waiting)).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    const waited = performance.now() - startedAt
    expect(waited).toBeGreaterThan(8_000)
    expect(waited).toBeLessThan(20_000)
    open()
    expect(await first).toMatchObject({ status: 200 })
    expect(await rig.post(waiting)).toMatchObject({ json: { outcome: 'delivered' } })
  })

  test('concurrency: no more callbacks at once, and none forgotten', async () => {
    const state = gate()
    const rig = await startUnvalidated({ concurrency: 3, onOrder: state.callback })
    const answers = Array.from({ length: 12 }, (_, i) => rig.post(orderEvent({ orderId: `PO${i}` })))
    await until(() => state.inside.length === 3)
    await pause(50)
    expect(state.inside).toHaveLength(3)
    state.open()
    expect(outcomes(await Promise.all(answers))).toEqual(Array.from({ length: 12 }, () => 'delivered'))
    expect(state.most).toBe(3)
  })

  test('slots are given back, however a callback ends', async () => {
    let i = 0
    const rig = await startUnvalidated({
      concurrency: 1,
      answerTimeoutMs: 2_000,
      onOrder: async () => {
        i++
        if (i % 4 === 1) throw new Error('x')
        if (i % 4 === 2) await Promise.reject(new Error('x'))
        if (i % 4 === 3) throw new RejectEvent('x')
      },
    })
    for (let n = 0; n < 12; n++) await rig.post(orderEvent({ orderId: `PO${n}` }))
    expect(i).toBe(12)
  })

  test('who waits for a slot when the answer is due is given back, and is not called later', async () => {
    const { callback, seen, open } = gate()
    const rig = await startUnvalidated({ concurrency: 1, answerTimeoutMs: 150, onOrder: callback })
    const waiting = orderEvent({ orderId: 'second', label: 'second' })
    const answers = await Promise.all([
      rig.post(orderEvent({ orderId: 'first', label: 'first' })),
      pause(30).then(() => rig.post(waiting)),
    ])
    expect(outcomes(answers)).toEqual(['answer_timeout', 'answer_timeout'])
    open()
    await pause(50)
    expect(seen).toEqual(['first'])
    expect(await rig.post(waiting)).toMatchObject({ json: { outcome: 'delivered' } })
  })
})

describe('answers that come late', () => {
  test('504, then in progress, then a duplicate', async () => {
    const { callback, seen, inside, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback, answerTimeoutMs: 100 })
    const event = orderEvent()
    const first = await rig.post(event)
    expect(first).toMatchObject({ status: 504, json: { code: 'answer_timeout' } })
    for (let i = 0; i < 2; i++)
      expect(await rig.post(event)).toMatchObject({ status: 503, json: { code: 'in_progress' } })
    open()
    await until(() => inside.length === 0)
    await pause(10)
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    expect(seen).toHaveLength(1)
  })

  test('504, and had it failed: a new call', async () => {
    let calls = 0
    const failed = deferred()
    const rig = await startUnvalidated({
      answerTimeoutMs: 100,
      onOrder: async () => {
        if (++calls === 1) {
          await pause(200)
          failed.resolve()
          throw new Error('late')
        }
      },
    })
    const event = orderEvent()
    expect(await rig.post(event)).toMatchObject({ status: 504 })
    await failed.promise
    await pause(10)
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    expect(rig.records.map(({ attempt }) => attempt)).toEqual([undefined, 2])
  })

  test('its place in the order is kept until it settles', async () => {
    const { callback, seen, inside, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback, answerTimeoutMs: 100 })
    expect(await rig.post(orderEvent({ label: 1 }))).toMatchObject({ status: 504 })
    expect(await rig.post(orderEvent({ label: 2 }))).toMatchObject({ status: 504 })
    expect(inside).toEqual(['1'])
    open()
    await until(() => inside.length === 0)
    await pause(20)
    expect(seen).toEqual(['1'])
    expect(await rig.post(orderEvent({ label: 3 }))).toMatchObject({ status: 200 })
  })

  test('neither that nor a client that hangs up aborts the signal', async () => {
    const signals: AbortSignal[] = []
    const { callback, inside, open } = gate()
    const rig = await startUnvalidated({
      answerTimeoutMs: 100,
      onOrder: (event, { signal }) => {
        signals.push(signal)
        return callback(event)
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 504 })
    await until(() => inside.length === 1)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    open()
  })
})

describe('outdated', () => {
  const versions = async (rig: Rig, states: Array<Record<string, unknown>>): Promise<boolean[]> => {
    for (const state of states)
      expect(await rig.post(orderEvent(state))).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    return rig.calls.map(({ context }) => context.outdated)
  }

  test('by version', async () => {
    expect(
      await versions(await startUnvalidated(), [{ version: 2 }, { version: 1 }, { version: 2 }, { version: 3 }, {}]),
    ).toEqual([false, true, false, false, false])
  })

  test('by time of change, with or without a zone', async () => {
    const times = [
      '2026-01-01T10:00:00Z',
      '2026-01-01T09:59:59.999Z',
      '2026-01-01T11:00:00.000+01:00',
      '2026-01-01T10:00:01',
      'not a time',
      '2026-01-01T10:00:00Z',
    ]
    expect(
      await versions(
        await startUnvalidated(),
        times.map((lastUpdatedAt) => ({ lastUpdatedAt })),
      ),
    ).toEqual([false, true, false, false, false, true])
  })

  test('only what was delivered counts', async () => {
    let fails = true
    const seen: boolean[] = []
    const rig = await startUnvalidated({
      onOrder: (_event, { outdated }) => {
        seen.push(outdated)
        if (fails) throw new Error('x')
      },
    })
    const newer = orderEvent({ version: 9 })
    await rig.post(newer)
    fails = false
    await rig.post(orderEvent({ version: 8 }))
    await rig.post(newer)
    await rig.post(orderEvent({ version: 8 }))
    expect(seen).toEqual([false, false, false, true])
  })

  test('another order, or a shipment, knows nothing of it', async () => {
    const rig = await startUnvalidated()
    await rig.post(orderEvent({ version: 5 }))
    await rig.post(orderEvent({ version: 1, orderId: 'other' }))
    await rig.post({ eventName: 'S', shipment: { id: orderId, meta: { lastUpdatedAt: '2000-01-01T00:00:00Z' } } })
    expect(rig.calls.map(({ context }) => context.outdated)).toEqual([false, false, false])
  })
})

test('the simulated Tradecloud brings an event again until it works, and no more', async () => {
  const tradecloud = await startTradecloud()
  let failures = 3
  const delivered: unknown[] = []
  const rig = await startUnvalidated({
    onOrder: (event) => {
      if (failures-- > 0) throw new Error('ERP down')
      delivered.push(event.orderId)
    },
  })
  const auth = { type: 'basic', username: 'tradecloud', password: 'hook:påss' } as const
  const event = orderEvent()
  const report = await tradecloud.send({ url: `${rig.url}/order`, event, auth, retry: { startMs: 5 } })
  expect(report.result).toBe('delivered')
  expect(report.attempts.map(({ status }) => status)).toEqual([503, 503, 503, 200])
  expect(delivered).toEqual([orderId])
  expect(await tradecloud.send({ url: `${rig.url}/order`, event, auth })).toMatchObject({
    result: 'delivered',
    attempts: [{ status: 200 }],
  })
  expect(delivered).toHaveLength(1)
  expect(await tradecloud.send({ url: `${rig.url}/order`, event: orderEvent(), auth: 'none' })).toMatchObject({
    result: 'given up',
    attempts: [{ status: 401 }],
  })
})

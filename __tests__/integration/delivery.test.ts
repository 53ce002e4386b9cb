/**
 * From a trigger to its callback: duplicates, order per entity, slots, time-outs, merged GETs, unknown IDs, identity,
 * and the end of the webhook.
 */
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { clockForEach } from '../clock'
import { MemoryStore, RejectEvent, TradecloudClient, type Store } from 'tradecloud-webhook'
import {
  apiOf,
  authorization,
  closeAll,
  deferred,
  fixture,
  orderEvent,
  orderId,
  shipmentId,
  startRig,
  startServer,
  startTradecloud,
  until,
  type Loose,
  type RawAnswer,
  type Rig,
  type RigOptions,
} from './harness'

afterEach(closeAll)
const { wait: pause } = clockForEach()

const start = (options: RigOptions = {}): Promise<Rig> => startRig({ validation: 'off', ...options })
const outcomes = (answers: RawAnswer[]): string[] => answers.map(({ json }) => json.outcome ?? json.code).sort()

/** A callback that stops until the test lets it go on. Notes who is in it. */
function gate(): {
  callback: (event: Loose) => Promise<void>
  inside: string[]
  seen: string[]
  most: number
  open: () => void
} {
  const opened = deferred()
  const state = {
    inside: [] as string[],
    seen: [] as string[],
    most: 0,
    open: () => opened.resolve(),
    callback: async (event: Loose) => {
      const name = String(event.order?.label ?? event.orderId ?? event.shipmentId)
      state.inside.push(name)
      state.seen.push(name)
      state.most = Math.max(state.most, state.inside.length)
      await opened.promise
      await pause(2)
      state.inside.splice(state.inside.indexOf(name), 1)
    },
  }
  return state
}

describe('duplicates', () => {
  test('at the same time: one call, the others are in progress', async () => {
    const { callback, seen, open } = gate()
    const rig = await start({ onOrder: callback })
    const event = orderEvent()
    const answers = Array.from({ length: 6 }, () => rig.post(event))
    await until(() => rig.records.length === 5)
    open()
    const all = await Promise.all(answers)
    expect(outcomes(all)).toEqual(['delivered', ...Array.from({ length: 5 }, () => 'in_progress')])
    expect(all.filter(({ status }) => status === 503).every(({ headers }) => headers['retry-after'] === '10')).toBe(
      true,
    )
    expect(seen).toHaveLength(1)
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
  })

  test('later, by another method or path, and with the same delivery ID', async () => {
    const rig = await start()
    const event = orderEvent()
    const first = await rig.post(event)
    for (const more of [{}, { method: 'PUT' }, { path: '/' }, { path: '/shipment' }]) {
      const answer = await rig.post(event, more)
      expect(answer.json).toEqual({ outcome: 'duplicate', deliveryId: first.json.deliveryId })
    }
    expect(rig.calls).toHaveLength(1)
  })

  test('other bytes are another event, also with the same message ID', async () => {
    const rig = await start()
    const event = orderEvent({ meta: { messageId: 'same' } })
    for (const lines of [[], [{ id: '1' }]]) {
      event.orderEvent.lines = lines
      expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
    }
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(2)
  })

  test('an event that failed comes again, and again', async () => {
    let failures = 3
    const rig = await start({
      onOrder: () => {
        if (failures-- > 0) throw new Error('ERP down')
      },
    })
    const event = orderEvent()
    const answers = []
    for (let i = 0; i < 5; i++) answers.push(await rig.post(event))
    expect(answers.map(({ json }) => json.outcome ?? json.code)).toEqual([
      'handler_failed',
      'handler_failed',
      'handler_failed',
      'delivered',
      'duplicate',
    ])
    expect(rig.records.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, undefined])
    expect(new Set(answers.map(({ json }) => json.deliveryId)).size).toBe(1)
  })

  test('an event that was rejected comes again where somebody sends it again by hand', async () => {
    let rejects = true
    const rig = await start({
      onOrder: () => {
        if (rejects) throw new RejectEvent('no')
      },
    })
    const event = orderEvent()
    expect(await rig.post(event)).toMatchObject({ status: 422 })
    rejects = false
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  })

  test.each<[string, Loose, boolean]>([
    ['a message ID inside', { orderEvent: { orderId, meta: { messageId: '1' } } }, true],
    ['a message ID beside', { orderEvent: { orderId }, meta: { messageId: '1' } }, true],
    [
      'a message ID beside, and a meta without one inside',
      { orderEvent: { orderId, meta: {} }, meta: { messageId: '1' } },
      true,
    ],
    ['a version', { orderEvent: { orderId, version: 1 } }, true],
    ['a version in quotes', { orderEvent: { orderId, version: '1' } }, true],
    ['a time of change', { orderEvent: { orderId, lastUpdatedAt: '2026-01-01T00:00:00Z' } }, true],
    ['a time of change, by its name of 2022', { orderEvent: { orderId, lastChangedAt: '2026-01-01T00:00:00Z' } }, true],
    [
      "a shipment's time of change",
      { shipment: { id: shipmentId, meta: { lastUpdatedAt: '2026-01-01T00:00:00Z' } } },
      true,
    ],
    ['none of these', { orderEvent: { orderId } }, false],
    ['empty ones', { orderEvent: { orderId, version: null, lastUpdatedAt: '', meta: { messageId: '' } } }, false],
    [
      'those of a line only',
      { orderEvent: { orderId, lines: [{ version: 1, lastUpdatedAt: '2026-01-01T00:00:00Z' }] } },
      false,
    ],
    ['an unknown kind with a message ID', { eventName: 'New', meta: { messageId: '1' } }, true],
    ['an unknown kind without', { eventName: 'New' }, false],
  ])('%s: remembered or not', async (_what, body, remembered) => {
    const rig = await start()
    const event = { eventName: 'X', ...body }
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    expect(await rig.post(event)).toMatchObject({
      status: 200,
      json: { outcome: remembered ? 'duplicate' : 'delivered' },
    })
    expect(rig.calls).toHaveLength(remembered ? 1 : 2)
  })

  test('what is not remembered still does not run twice at a time', async () => {
    const { callback, open, inside } = gate()
    const rig = await start({ onOrder: callback })
    const event = { eventName: 'X', orderEvent: { orderId } }
    const first = rig.post(event)
    await until(() => inside.length === 1)
    expect(await rig.post(event)).toMatchObject({ status: 503, json: { code: 'in_progress' } })
    open()
    expect(await first).toMatchObject({ status: 200 })
  })

  test('dedupe: false', async () => {
    const rig = await start({ dedupe: false })
    const event = orderEvent()
    for (let i = 0; i < 3; i++) expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(1)
  })

  test('ttlMs', async () => {
    const rig = await start({ dedupe: { ttlMs: 60 } })
    const event = orderEvent()
    expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
    await pause(100)
    expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
  })

  test('two webhooks share a store; the name tells them apart', async () => {
    const store = new MemoryStore()
    const rigs = await Promise.all([
      start({ dedupe: { store } }),
      start({ dedupe: { store } }),
      start({ dedupe: { store }, name: 'other' }),
    ])
    const event = orderEvent()
    const answers = []
    for (const rig of rigs) answers.push(await rig.post(event))
    expect(answers.map(({ json }) => json.outcome)).toEqual(['delivered', 'duplicate', 'delivered'])
    expect(answers[0]?.json.deliveryId).toBe(answers[1]?.json.deliveryId)
    expect(answers[0]?.json.deliveryId).not.toBe(answers[2]?.json.deliveryId)
  })

  describe('a store that is away', () => {
    const working = (): Store => new MemoryStore()
    const never = (): Promise<never> => new Promise<never>(() => undefined)
    test.each<[string, Partial<Store>, number, string]>([
      [
        'claim throws',
        {
          claim: () => {
            throw new Error('down')
          },
        },
        503,
        'unavailable',
      ],
      ['claim rejects', { claim: () => Promise.reject(new Error('down')) }, 503, 'unavailable'],
      ['claim gives nonsense', { claim: () => null as never }, 503, 'unavailable'],
      ['claim hangs', { claim: never }, 503, 'unavailable'],
      [
        'complete throws',
        {
          complete: () => {
            throw new Error('down')
          },
        },
        200,
        'delivered',
      ],
      ['complete rejects', { complete: () => Promise.reject(new Error('down')) }, 200, 'delivered'],
      ['complete hangs', { complete: never }, 200, 'delivered'],
      ['complete says no', { complete: () => false }, 200, 'delivered'],
    ])('%s', async (_what, broken, status, outcome) => {
      const store = working()
      const names = ['claim', 'renew', 'complete', 'release'] as const
      const mixed = Object.fromEntries(
        names.map((name) => [name, broken[name] ?? (store[name] as Loose).bind(store)]),
      ) as unknown as Store
      const rig = await start({ dedupe: { store: mixed } })
      const answer = await rig.post(orderEvent())
      expect([answer.status, answer.json.outcome ?? answer.json.code]).toEqual([status, outcome])
      expect(rig.calls).toHaveLength(status === 200 ? 1 : 0)
      expect(rig.records).toMatchObject([{ givenUp: false }])
    })

    test.each(['throws', 'rejects', 'hangs'])('release that %s', async (how) => {
      const store = working()
      const release = (): Loose => {
        if (how === 'throws') throw new Error('down')
        return how === 'hangs' ? never() : Promise.reject(new Error('down'))
      }
      const claim = store.claim.bind(store)
      const rig = await start({
        dedupe: { store: { claim, renew: store.renew.bind(store), complete: store.complete.bind(store), release } },
        onOrder: () => {
          throw new Error('x')
        },
      })
      expect(await rig.post(orderEvent())).toMatchObject({ status: 503, json: { code: 'handler_failed' } })
    })
  })
})

describe('order and slots', () => {
  test('events of one order run one after the other, in order of arrival; others are not held up', async () => {
    const { callback, seen, inside, open } = gate()
    const rig = await start({ onOrder: callback, onOrderDocuments: callback, onShipment: callback })
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
    // Other orders, and a shipment with the same ID.
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
    const rig = await start({ onOrder: callback, dedupe: false })
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
    const rig = await start({ onOrder: callback })
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
    const rig = await start({
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
    const rig = await start({ onOrder: callback })
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

  test('nobody waits for an order longer than ten seconds', async () => {
    const { callback, inside, open } = gate()
    const rig = await start({ onOrder: callback })
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
    const rig = await start({ concurrency: 3, onOrder: state.callback })
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
    const rig = await start({
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
    const rig = await start({ concurrency: 1, answerTimeoutMs: 150, onOrder: callback })
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
    const rig = await start({ onOrder: callback, answerTimeoutMs: 100 })
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
    const rig = await start({
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
    const rig = await start({ onOrder: callback, answerTimeoutMs: 100 })
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
    const rig = await start({
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

describe('GET triggers', () => {
  const serving = async (answer: (res: ServerResponse) => void): Promise<string> =>
    `http://127.0.0.1:${(await startServer((_req, res) => answer(res))).port}/v2`
  const startFetching = async (options: RigOptions = {}) => {
    const tradecloud = await startTradecloud()
    const set = (version: number, id = orderId): void =>
      tradecloud.api.setOrder(id, {
        ...fixture('order-fetched'),
        id,
        version,
        lastUpdatedAt: `2026-11-20T13:45:${String(version).padStart(2, '0')}Z`,
      })
    set(1)
    return { tradecloud, set, rig: await start({ api: { ...apiOf(tradecloud), notFoundRetryMs: 0 }, ...options }) }
  }

  test('are never duplicates', async () => {
    const { rig, tradecloud, set } = await startFetching()
    for (let i = 0; i < 3; i++)
      expect(await rig.get(`/order/${orderId}`)).toMatchObject({ json: { outcome: 'delivered' } })
    expect(tradecloud.api.counts.orderRequests).toBe(3)
    // The delivery ID is of ID and content: the ERP system can tell.
    const ids = rig.calls.map(({ context }) => context.deliveryId)
    expect(new Set(ids).size).toBe(1)
    set(2)
    expect((await rig.get(`/?orderId=${orderId}`)).json.deliveryId).not.toBe(ids[0])
  })

  test('merge while nothing is fetched yet: one fetch, one call, an answer for each', async () => {
    const { callback, inside, seen, open } = gate()
    const { rig, tradecloud } = await startFetching({ onOrder: callback })
    const first = rig.get(`/order/${orderId}`)
    await until(() => inside.length === 1)
    const others = Array.from({ length: 12 }, (_, i) =>
      i % 2 ? rig.get(`/?orderId=${orderId}`) : rig.send({ method: 'PUT', path: `/order/${orderId}` }),
    )
    await pause(60)
    open()
    const answers = await Promise.all([first, ...others])
    expect(outcomes(answers)).toEqual(Array.from({ length: 13 }, () => 'delivered'))
    expect(seen).toHaveLength(2)
    expect(tradecloud.api.counts.orderRequests).toBe(2)
    expect(rig.records.filter(({ merged }) => merged)).toHaveLength(11)
    expect(new Set(rig.records.map(({ requestId }) => requestId)).size).toBe(13)
  })

  test('do not merge into one whose fetch has begun: what changes meanwhile is not lost', async () => {
    const asked: Array<(version: number) => void> = []
    const { port } = await startServer((req, res) => {
      if (req.url?.includes('login'))
        return void res.writeHead(200, { 'Set-Authorization': 'token', 'Set-Refresh-Token': 'refresh' }).end('{}')
      if (!req.url?.includes('/order/')) return void res.end()
      asked.push((version) => void res.end(JSON.stringify({ id: orderId, version })))
    })
    const rig = await start({ api: { baseUrl: `http://127.0.0.1:${port}/v2`, username: 'u', password: 'p' } })
    const first = rig.get(`/order/${orderId}`)
    await until(() => asked.length === 1)
    const second = rig.get(`/order/${orderId}`)
    await pause(30)
    asked[0]?.(1)
    await until(() => asked.length === 2)
    asked[1]?.(2)
    expect(outcomes(await Promise.all([first, second]))).toEqual(['delivered', 'delivered'])
    expect(rig.calls.map(({ event }) => event.version)).toEqual([1, 2])
    expect(rig.records.some(({ merged }) => merged)).toBe(false)
  })

  test('do not merge across IDs or kinds', async () => {
    const { rig, set, tradecloud } = await startFetching({ concurrency: 100 })
    set(1, 'A')
    tradecloud.api.setShipment('A', { ...fixture('shipment-fetched'), id: 'A' })
    const answers = await Promise.all([rig.get('/order/A'), rig.get('/shipment/A'), rig.get(`/order/${orderId}`)])
    expect(outcomes(answers)).toEqual(['delivered', 'delivered', 'delivered'])
    expect(rig.calls).toHaveLength(3)
  })

  test('without an API each is a delivery of its own', async () => {
    const rig = await start()
    for (let i = 0; i < 3; i++) expect(await rig.get(`/order/${orderId}`)).toMatchObject({ status: 200 })
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(3)
  })

  test('an unknown ID: 503 for the time of grace, then 404', async () => {
    const { rig } = await startFetching({ notFoundGraceMs: 10_000 })
    expect(await rig.get('/order/new')).toMatchObject({
      status: 503,
      json: { code: 'not_found' },
      headers: { 'retry-after': '10' },
    })
    expect(await rig.get('/order/new')).toMatchObject({ status: 503 })
    await pause(10_000)
    expect(await rig.get('/order/other')).toMatchObject({ status: 503 })
    expect(await rig.get('/order/new')).toMatchObject({ status: 404, json: { code: 'not_found' } })
    expect(rig.records.map(({ givenUp }) => givenUp)).toEqual([false, false, false, true])
    // Given up, so a later one is a new trigger.
    expect(await rig.get('/order/new')).toMatchObject({ status: 503 })
    expect(rig.calls).toEqual([])
  })

  test('an unknown ID that appears in time is delivered', async () => {
    const { rig, set } = await startFetching({ notFoundGraceMs: 60_000 })
    expect(await rig.get('/order/new')).toMatchObject({ status: 503 })
    set(1, 'new')
    expect(await rig.get('/order/new')).toMatchObject({ status: 200 })
  })

  test('attempts count the failed calls', async () => {
    let failures = 2
    const { rig } = await startFetching({
      onOrder: () => {
        if (failures-- > 0) throw new Error('x')
      },
    })
    for (let i = 0; i < 4; i++) await rig.get(`/order/${orderId}`)
    expect(rig.records.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1])
    expect(new Set(rig.records.map(({ deliveryId }) => deliveryId)).size).toBe(1)
  })

  test.each([
    ['a server that is not there', async () => ({ baseUrl: 'http://127.0.0.1:1/v2' })],
    [
      'an answer that is no JSON',
      async () => ({
        baseUrl: await serving((res) => res.writeHead(200, { 'Set-Authorization': 't' }).end('<html>')),
      }),
    ],
    [
      'a redirect',
      async () => ({
        baseUrl: await serving((res) => res.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()),
      }),
    ],
    ['our own credentials refused', async () => ({ baseUrl: (await startTradecloud()).baseUrl })],
  ])('%s: 502, nothing is called, and no credential shows', async (_what, makeBaseUrl) => {
    const rig = await start({
      api: { ...(await makeBaseUrl()), username: 'api-canary-user', password: 'api-canary-password' },
      fetchTimeoutMs: 300,
    })
    const answer = await rig.get(`/order/${orderId}`)
    expect(answer).toMatchObject({ status: 502, json: { code: 'fetch_failed' } })
    expect(rig.records).toMatchObject([{ givenUp: false }])
    expect(rig.calls).toEqual([])
    const told = JSON.stringify([
      answer,
      rig.log,
      rig.records,
      rig.errors.map(({ error, context }) => [
        error,
        error.message,
        error.stack,
        error.cause,
        (error.cause as Error).message,
        context,
      ]),
    ])
    expect(told).not.toContain('canary')
    expect(told).not.toContain(Buffer.from('api-canary-user:api-canary-password').toString('base64'))
  })

  test('a fetched order that deviates is delivered, and its issues are listed; strict: 502', async () => {
    const tradecloud = await startTradecloud()
    tradecloud.api.setOrder(orderId, { id: 'another', version: {}, lines: 'text' })
    const rig = await startRig({ api: apiOf(tradecloud) })
    expect(await rig.get(`/order/${orderId}`)).toMatchObject({ status: 200 })
    expect(rig.calls[0]?.event.issues.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/id',
      '/lines',
      '/version',
    ])
    expect(rig.calls[0]?.event.order).toEqual({ id: 'another', version: {}, lines: 'text' })
    const strict = await startRig({ api: apiOf(tradecloud), validation: 'strict' })
    expect(await strict.get(`/order/${orderId}`)).toMatchObject({ status: 502, json: { code: 'fetch_failed' } })
  })
})

describe('outdated', () => {
  const versions = async (rig: Rig, states: Array<Record<string, unknown>>): Promise<boolean[]> => {
    for (const state of states)
      expect(await rig.post(orderEvent(state))).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    return rig.calls.map(({ context }) => context.outdated)
  }

  test('by version', async () => {
    expect(await versions(await start(), [{ version: 2 }, { version: 1 }, { version: 2 }, { version: 3 }, {}])).toEqual(
      [false, true, false, false, false],
    )
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
        await start(),
        times.map((lastUpdatedAt) => ({ lastUpdatedAt })),
      ),
    ).toEqual([false, true, false, false, false, true])
  })

  test('only what was delivered counts', async () => {
    let fails = true
    const seen: boolean[] = []
    const rig = await start({
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
    const rig = await start()
    await rig.post(orderEvent({ version: 5 }))
    await rig.post(orderEvent({ version: 1, orderId: 'other' }))
    await rig.post({ eventName: 'S', shipment: { id: orderId, meta: { lastUpdatedAt: '2000-01-01T00:00:00Z' } } })
    expect(rig.calls.map(({ context }) => context.outdated)).toEqual([false, false, false])
  })
})

describe('close()', () => {
  test('new requests get 503, running callbacks finish and are answered 200', async () => {
    const { callback, inside, open } = gate()
    const rig = await start({ onOrder: callback, closeTimeoutMs: 5_000 })
    const running = rig.post(orderEvent({ label: 1 }))
    const waiting = rig.post(orderEvent({ label: 2 }))
    await until(() => inside.length === 1)
    await pause(20)
    let closed = false
    const closing = rig.webhook.close().then(() => (closed = true))
    expect(await rig.post(orderEvent())).toMatchObject({
      status: 503,
      json: { code: 'unavailable' },
      headers: { 'retry-after': '10' },
    })
    expect(await rig.get('/order/1')).toMatchObject({ status: 503 })
    expect(await rig.get('/order/1', { auth: null })).toMatchObject({ status: 401 })
    expect(closed).toBe(false)
    open()
    expect(outcomes(await Promise.all([running, waiting]))).toEqual(['delivered', 'delivered'])
    await closing
    expect(rig.calls.every(({ context }) => !context.signal.aborted)).toBe(true)
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503 })
    expect(rig.webhook.close()).toBe(rig.webhook.close())
    await rig.webhook.close()
  })

  test('patience ends: the signal aborts, the answer is 503, and what waits is given back', async () => {
    const aborted: unknown[] = []
    const calls: string[] = []
    const rig = await start({
      closeTimeoutMs: 100,
      onOrder: (event, { signal }) =>
        new Promise((_resolve, reject) => {
          calls.push(event.orderId)
          signal.addEventListener('abort', () => {
            aborted.push(signal.reason)
            reject(new Error('stopped'))
          })
        }),
    })
    const event = orderEvent()
    const running = rig.post(event)
    const waiting = rig.post(orderEvent())
    await until(() => calls.length === 1)
    await pause(20)
    await rig.webhook.close()
    expect(aborted).toMatchObject([{ name: 'TradecloudWebhookError', code: 'unavailable' }])
    expect(outcomes(await Promise.all([running, waiting]))).toEqual(['handler_failed', 'unavailable'])
    expect(calls).toHaveLength(1)
  })

  test('a callback that does not listen: 503, and close() comes to an end', async () => {
    const rig = await start({ closeTimeoutMs: 50, onOrder: () => new Promise(() => undefined) })
    const running = rig.post(orderEvent())
    await pause(50)
    await rig.webhook.close()
    expect(await running).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  })

  test('a callback that was answered 504 long ago is waited for too', async () => {
    let finished = false
    const rig = await start({
      answerTimeoutMs: 50,
      closeTimeoutMs: 5_000,
      onOrder: async () => {
        await pause(300)
        finished = true
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 504 })
    await rig.webhook.close()
    expect(finished).toBe(true)
  })

  test('an upload that is under way may finish', async () => {
    const rig = await start({ closeTimeoutMs: 5_000 })
    const body = JSON.stringify(orderEvent())
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      `POST ${rig.mount}/order HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    )
    await pause(30)
    const closing = rig.webhook.close()
    await pause(10)
    connection.write(body.slice(10))
    expect(await answer).toMatchObject({ status: 200 })
    await closing
    connection.destroy()
  })

  test('logs out of the API, but not with a client of the user', async () => {
    const tradecloud = await startTradecloud()
    tradecloud.api.setOrder(orderId, fixture('order-fetched'))
    const client = new TradecloudClient(apiOf(tradecloud))
    for (const [api, logouts] of [
      [client, 0],
      [apiOf(tradecloud), 1],
    ] as const) {
      const rig = await start({ api })
      expect(await rig.get(`/order/${orderId}`)).toMatchObject({ status: 200 })
      await rig.webhook.close()
      expect(tradecloud.api.counts.logouts).toBe(logouts)
    }
    expect(await client.getOrder(orderId)).toMatchObject({ id: orderId })
    await client.close()
    expect(tradecloud.api.counts.logouts).toBe(2)
  })

  test('a fetch that hangs ends with it', async () => {
    let asked = 0
    const { port } = await startServer(() => {
      asked++
    })
    const rig = await start({
      closeTimeoutMs: 50,
      api: { baseUrl: `http://127.0.0.1:${port}/v2`, username: 'u', password: 'p', requestTimeoutMs: 1_000 },
    })
    const running = rig.get(`/order/${orderId}`)
    await until(() => asked === 1)
    await rig.webhook.close()
    expect(await running).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  })

  test('with nothing to do it is done at once', async () => {
    const rig = await start({ closeTimeoutMs: 60_000 })
    await rig.webhook.close()
    await (await start({ closeTimeoutMs: 0 })).webhook.close()
  })
})

test('the simulated Tradecloud brings an event again until it works, and no more', async () => {
  const tradecloud = await startTradecloud()
  let failures = 3
  const delivered: unknown[] = []
  const rig = await start({
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

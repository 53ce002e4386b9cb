/** Events that are duplicates, and events that are delivered again. */
import { clockForEach } from '../clock'
import { MemoryStore, RejectEvent, type Store } from 'tradecloud-webhook'
import { closeAll, orderEvent, orderId, shipmentId, startUnvalidated, until, type Loose } from './harness'
import { gate, outcomes } from './gate'

afterEach(closeAll)
const { wait: pause } = clockForEach()

describe('duplicates', () => {
  test('at the same time: one call, the others are in progress', async () => {
    const { callback, seen, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback })
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
    const rig = await startUnvalidated()
    const event = orderEvent()
    const first = await rig.post(event)
    for (const more of [{}, { method: 'PUT' }, { path: '/' }, { path: '/shipment' }]) {
      const answer = await rig.post(event, more)
      expect(answer.json).toEqual({ outcome: 'duplicate', deliveryId: first.json.deliveryId })
    }
    expect(rig.calls).toHaveLength(1)
  })

  test('other bytes are another event, also with the same message ID', async () => {
    const rig = await startUnvalidated()
    const event = orderEvent({ meta: { messageId: 'same' } })
    for (const lines of [[], [{ id: '1' }]]) {
      event.orderEvent.lines = lines
      expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
    }
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(2)
  })

  test('an event that failed comes again, and again', async () => {
    let failures = 3
    const rig = await startUnvalidated({
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

  test('a rejected event is delivered again if a person resends it', async () => {
    let rejects = true
    const rig = await startUnvalidated({
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
    const rig = await startUnvalidated()
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
    const rig = await startUnvalidated({ onOrder: callback })
    const event = { eventName: 'X', orderEvent: { orderId } }
    const first = rig.post(event)
    await until(() => inside.length === 1)
    expect(await rig.post(event)).toMatchObject({ status: 503, json: { code: 'in_progress' } })
    open()
    expect(await first).toMatchObject({ status: 200 })
  })

  test('dedupe: false', async () => {
    const rig = await startUnvalidated({ dedupe: false })
    const event = orderEvent()
    for (let i = 0; i < 3; i++) expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(1)
  })

  test('ttlMs', async () => {
    const rig = await startUnvalidated({ dedupe: { ttlMs: 60 } })
    const event = orderEvent()
    expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
    await pause(100)
    expect(await rig.post(event)).toMatchObject({ json: { outcome: 'delivered' } })
  })

  test('two webhooks share a store; the name tells them apart', async () => {
    const store = new MemoryStore()
    const rigs = await Promise.all([
      startUnvalidated({ dedupe: { store } }),
      startUnvalidated({ dedupe: { store } }),
      startUnvalidated({ dedupe: { store }, name: 'other' }),
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
      const rig = await startUnvalidated({ dedupe: { store: mixed } })
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
      const rig = await startUnvalidated({
        dedupe: { store: { claim, renew: store.renew.bind(store), complete: store.complete.bind(store), release } },
        onOrder: () => {
          throw new Error('x')
        },
      })
      expect(await rig.post(orderEvent())).toMatchObject({ status: 503, json: { code: 'handler_failed' } })
    })
  })
})

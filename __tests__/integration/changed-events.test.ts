/** A callback may modify its event and its context without any effect on later events of the same order. */
import type { WebhookContext } from 'tradecloud-webhook'
import { closeAll, orderId, shipmentId, startRig, startTradecloud, fastApiOf, type Loose } from './harness'

afterEach(closeAll)

const throws = () => {
  throw new Error('hands off')
}

const changes: Array<[string, (event: Loose) => void]> = [
  ['a BigInt', (event) => (event.version = BigInt(event.version ?? 0))],
  ['a Symbol', (event) => ((event.version = Symbol('version')), (event.lastUpdatedAt = Symbol('time')))],
  ['an object that cannot become text', (event) => (event.version = event.lastUpdatedAt = { toString: throws })],
  ['an object without a prototype', (event) => (event.version = event.lastUpdatedAt = Object.create(null))],
  ['other values', (event) => ((event.version = 1_000), (event.lastUpdatedAt = '2999-01-01T00:00:00Z'))],
  ['nothing', (event) => Object.keys(event).forEach((key) => Reflect.deleteProperty(event, key))],
  ['a frozen event', (event) => void Object.freeze(event)],
  [
    'getters that throw',
    (event) => Object.keys(event).forEach((key) => Object.defineProperty(event, key, { get: throws })),
  ],
]

describe.each([
  ['an order', (version: number) => ({ eventName: 'X', orderEvent: { orderId, version, lastUpdatedAt: at(version) } })],
  ['documents', (version: number) => ({ orderDocumentsEvent: { orderId, version, lastUpdatedAt: at(version) } })],
  ['a shipment', (version: number) => ({ shipment: { id: shipmentId, meta: { lastUpdatedAt: at(version) } } })],
])('%s', (_what, bodyOf) => {
  test.each(changes)('that becomes %s', async (_to, change) => {
    const outdated: boolean[] = []
    const callback = (event: unknown, context: WebhookContext): void => {
      outdated.push(context.outdated)
      change(event)
    }
    const rig = await startRig({ onOrder: callback, onOrderDocuments: callback, onShipment: callback })
    for (const version of [5, 4, 5, 6])
      expect(await rig.post({ ...bodyOf(version), surprise: outdated.length })).toMatchObject({
        status: 200,
        json: { outcome: 'delivered' },
      })
    expect(outdated).toEqual([false, true, false, false])
    expect(rig.records.every(({ kind }) => kind !== undefined)).toBe(true)
  })
})

test('a fetched order that is changed', async () => {
  const tradecloud = await startTradecloud()
  tradecloud.api.setOrder(orderId, { id: orderId, version: 3 })
  const rig = await startRig({
    api: fastApiOf(tradecloud),
    onOrder: (event: Loose) => {
      event.version = Symbol('version')
      event.order = undefined
    },
  })
  for (let i = 0; i < 3; i++)
    expect(await rig.get(`/order/${encodeURIComponent(orderId)}`)).toMatchObject({ json: { outcome: 'delivered' } })
})

test('a context that is changed does not change the delivery record', async () => {
  const rig = await startRig({
    onOrder: (_event, context) => {
      context.receivedAt.setTime(0)
      for (const key of ['deliveryId', 'requestId', 'attempt']) (context as Loose)[key] = undefined
    },
  })
  const before = Date.now()
  await rig.post({ eventName: 'X', orderEvent: { orderId, version: 1 } })
  expect(rig.records[0]?.receivedAt.getTime()).toBeGreaterThanOrEqual(before)
  expect(rig.records[0]).toMatchObject({ attempt: 1, requestId: expect.any(String), deliveryId: expect.any(String) })
})

function at(version: number): string {
  return `2026-01-01T00:00:0${version}Z`
}

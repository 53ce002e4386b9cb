/**
 * Events that have the same bytes but are not duplicates: a person has resent the event, or the event cannot be
 * distinguished from a new one. Each event is a delivery with an ID of its own. Retries of an event keep this ID.
 */
import { MemoryStore, type Store } from 'tradecloud-webhook'
import { closeAll, orderId, shipmentId, startRig, until, type Loose, type Rig } from './harness'

afterEach(closeAll)

const state = { orderId, version: 7, lastUpdatedAt: '2026-01-01T00:00:00Z' }
const bodies: Array<[string, Loose]> = [
  ['an order that the buyer has resent', { eventName: 'OrderResentByBuyer', orderEvent: state }],
  [
    'an order that the supplier has resent, with a message ID',
    { eventName: 'OrderResentBySupplier', orderEvent: { ...state, meta: { messageId: 'm' } } },
  ],
  [
    'a shipment that was resent',
    { eventName: 'ShipmentResentByBuyer', shipment: { id: shipmentId, meta: { lastUpdatedAt: state.lastUpdatedAt } } },
  ],
  ['a resend under a name of tomorrow', { eventName: 'InvoiceResentBySupplier', meta: { messageId: 'm' } }],
  ['an order without version, time and message ID', { eventName: 'OrderIssuedByBuyer', orderEvent: { orderId } }],
  ['an unknown kind without message ID', { eventName: 'InvoiceSent' }],
]

/** Starts a webhook whose callbacks fail in the next `control.failures` calls. */
async function startFailing(more: Parameters<typeof startRig>[0] = {}) {
  const control = { failures: 0 }
  const calls: Loose[] = []
  const callback = (_event: unknown, { deliveryId, attempt }: Loose): void => {
    calls.push({ deliveryId, attempt })
    if (control.failures-- > 0) throw new Error('ERP is down')
  }
  const callbacks = { onOrder: callback, onOrderDocuments: callback, onShipment: callback, onUnknown: callback }
  const rig = await startRig({ ...callbacks, ...more })
  return { rig, control, calls }
}

const outcomeOf = async (rig: Rig, body: Loose): Promise<string> => {
  const { json } = await rig.post(body)
  return json.outcome ?? json.code
}

describe.each([
  ['with dedupe', {}],
  ['with dedupe: false', { dedupe: false as const }],
])('%s', (_how, options) => {
  test.each(bodies)('%s is a new delivery once the one before was completed', async (_what, body) => {
    const { rig, control, calls } = await startFailing(options)
    const outcomes = []
    for (const failures of [0, 2, 1, 0, 0, 1, 0]) {
      control.failures = failures > 0 ? 1 : 0
      outcomes.push(await outcomeOf(rig, body))
    }
    const failed = 'handler_failed'
    expect(outcomes).toEqual(['delivered', failed, failed, 'delivered', 'delivered', failed, 'delivered'])
    const ids = calls.map(({ deliveryId }) => deliveryId as string)
    const [first, second, third, fourth] = [ids[0], ids[1], ids[4], ids[5]]
    expect(new Set([first, second, third, fourth]).size).toBe(4)
    expect(ids).toEqual([first, second, second, second, third, fourth, fourth])
    expect(calls.map(({ attempt }) => attempt as number)).toEqual([1, 1, 2, 3, 1, 1, 2])
    expect(rig.records.map(({ deliveryId }) => deliveryId)).toEqual(ids)
  })
})

test.each(bodies)('%s does not run twice at a time', async (_what, body) => {
  let finish = (): void => undefined
  let running = 0
  const callback = (): Promise<void> => {
    running++
    return new Promise((resolve) => (finish = resolve))
  }
  const rig = await startRig({ onOrder: callback, onShipment: callback, onUnknown: callback })
  const ids = []
  for (let i = 1; i <= 2; i++) {
    const first = rig.post(body)
    await until(() => running === i)
    const meanwhile = await rig.post(body)
    expect(meanwhile).toMatchObject({ status: 503, json: { code: 'in_progress' } })
    finish()
    const { json } = await first
    expect(json.outcome).toBe('delivered')
    expect(meanwhile.json.deliveryId).toBe(json.deliveryId)
    ids.push(json.deliveryId)
  }
  expect(new Set(ids).size).toBe(2)
})

test('webhooks that share a store count together', async () => {
  const store = new MemoryStore()
  const [a, b] = [await startFailing({ dedupe: { store } }), await startFailing({ dedupe: { store } })]
  const body = bodies[0]![1]
  for (const { rig } of [a, b, b, a, a]) expect(await outcomeOf(rig, body)).toBe('delivered')
  b.control.failures = 1
  expect(await outcomeOf(b.rig, body)).toBe('handler_failed')
  expect(await outcomeOf(a.rig, body)).toBe('delivered')
  const ids = [...a.calls, ...b.calls].map(({ deliveryId }) => deliveryId as string)
  expect(new Set(ids).size).toBe(6)
  expect(b.calls.at(-1)?.deliveryId).toBe(a.calls.at(-1)?.deliveryId)
})

test('one that the store could not note as completed counts all the same', async () => {
  const memory = new MemoryStore()
  const store: Store = {
    claim: (key) => memory.claim(key),
    renew: (key, token) => memory.renew(key, token),
    complete: (key, token) => {
      memory.release(key, token)
      throw new Error('down')
    },
    release: (key, token) => memory.release(key, token),
  }
  const { rig, calls } = await startFailing({ dedupe: { store } })
  for (const [, body] of bodies) for (let i = 0; i < 2; i++) expect(await outcomeOf(rig, body)).toBe('delivered')
  expect(new Set(calls.map(({ deliveryId }) => deliveryId as string)).size).toBe(2 * bodies.length)
})

test('a store that knows every key does not keep the process from its other work', async () => {
  const store = {
    claim: () => ({ status: 'completed' }),
    renew: () => true,
    complete: () => true,
    release: () => undefined,
  }
  const { rig } = await startFailing({ dedupe: { store: store as Store } })
  expect(await rig.post(bodies[0]![1])).toMatchObject({ status: 503, json: { code: 'unavailable' } })
})

test('an event that was not resent stays a duplicate', async () => {
  const { rig, calls } = await startFailing()
  const body = { eventName: 'OrderLinesReissuedByBuyer', orderEvent: state }
  expect([await outcomeOf(rig, body), await outcomeOf(rig, body)]).toEqual(['delivered', 'duplicate'])
  expect(calls).toHaveLength(1)
})

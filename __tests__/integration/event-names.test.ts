/** Callbacks by event name: several names of one event, unknown names, and names without a callback. */
import { createTradecloudWebhook, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import { closeAll, credential, orderId, shipmentId, startRig, type Loose, type Rig } from './harness'

afterEach(closeAll)

const eventNamed = (eventName: string): Loose => ({ eventName, orderEvent: { orderId, version: 1 } })

/** Starts a webhook that has only callbacks by event name. */
async function startNamed(on: Record<string, () => void>): Promise<Rig> {
  return startRig({
    onOrder: undefined,
    onOrderDocuments: undefined,
    onShipment: undefined,
    onUnknown: undefined,
    on: on,
  })
}

test.each([
  ['OrderLinesItemDetailsChanged', 'OrderLinesItemDetailsChangedBySupplier'],
  ['OrderLinesItemDetailsChangedBySupplier', 'OrderLinesItemDetailsChanged'],
  ['OrderLinesReissuedByBuyer', 'OrderReissuedByBuyer'],
  ['OrderReissuedByBuyer', 'OrderLinesReissuedByBuyer'],
])('a callback for %s gets %s', async (name, sent) => {
  const callback = jest.fn()
  const rig = await startNamed({ [name]: callback })
  expect(await rig.post(eventNamed(sent))).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  expect(callback).toHaveBeenCalledTimes(1)
  expect(callback).toHaveBeenCalledWith(expect.objectContaining({ eventName: sent }), expect.anything())
})

test('a name that this version does not know gets its event, of any kind, and a warning when it is set', async () => {
  const callback = jest.fn()
  const rig = await startNamed({ OrderFoldedByRobot: callback })
  await rig.post(eventNamed('OrderFoldedByRobot'))
  await rig.post({ eventName: 'OrderFoldedByRobot', folded: { id: '1' } })
  expect(callback.mock.calls.map(([event]: [Loose]) => event.kind)).toEqual(['order', 'unknown'])
  const warn = jest.fn()
  const on = { OrderFoldedByRobot: callback } as TradecloudWebhookOptions['on']
  createTradecloudWebhook({ auth: credential, on, logger: { warn, error: warn } })
  expect(warn.mock.calls.join('\n')).toContain('on.OrderFoldedByRobot is not an event name that this version knows')
})

test('an ignored name is logged when it first arrives', async () => {
  const rig = await startNamed({ OrderIssuedByBuyer: () => undefined })
  for (let i = 0; i < 2; i++) {
    for (const body of [
      eventNamed('OrderSynced'),
      { eventName: 'ShipmentIssuedBySupplier', shipment: { id: shipmentId } },
      { eventName: 'InvoiceSent', invoice: {} },
    ])
      expect(await rig.post(body)).toMatchObject({ status: 200, json: { outcome: 'ignored' } })
    expect(await rig.get(`/order/${encodeURIComponent(orderId)}`)).toMatchObject({ json: { outcome: 'ignored' } })
  }
  expect(rig.log.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn', 'warn'])
  const names = ['"OrderSynced"', '"ShipmentIssuedBySupplier"', '"InvoiceSent"', 'without an event name']
  for (const [at, name] of names.entries()) expect(rig.log[at]?.line).toContain(name)
})

test.each([{ orderEvent: null }, {}, { singleDeliveryOrderEvent: '' }])(
  'a known name without its event is no unknown kind: %j',
  async (more) => {
    const rig = await startRig()
    const answer = await rig.post({ eventName: 'OrderIssuedByBuyer', ...more })
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_body', issues: [{ pointer: '' }] } })
    expect(rig.calls).toEqual([])
    expect(rig.log).toMatchObject([{ level: 'error' }])
  },
)

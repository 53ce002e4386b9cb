/** The option `fetch`: when an order or shipment is fetched. */
import { apiOf, closeAll, fixture, orderEvent, orderId, shipmentId, startRig, startTradecloud } from './harness'
import { lastCall } from './body-triggers'

afterAll(closeAll)

describe('the option fetch', () => {
  const wholeOrder = fixture('order-fetched')
  const wholeShipment = fixture('shipment-fetched')
  const startWith = async (fetch: 'get' | 'always' | 'never' | undefined, withApi = true) => {
    const tradecloud = await startTradecloud()
    tradecloud.api.setOrder(orderId, wholeOrder)
    tradecloud.api.setShipment(shipmentId, wholeShipment)
    const rig = await startRig({ fetch, ...(withApi && { api: { ...apiOf(tradecloud), notFoundRetryMs: 0 } }) })
    return { tradecloud, rig }
  }

  test.each(['get', undefined] as const)('%s: GET triggers only', async (fetch) => {
    const { tradecloud, rig } = await startWith(fetch)
    expect(await rig.post(fixture('order-event'))).toMatchObject({ status: 200 })
    expect(tradecloud.api.requests).toHaveLength(0)
    expect(await rig.get(`/order/${orderId}`)).toMatchObject({ status: 200 })
    expect(tradecloud.api.counts).toMatchObject({ logins: 1, orderRequests: 1, shipmentRequests: 0 })
  })

  test("'always': the whole order beside the lines that changed", async () => {
    const { tradecloud, rig } = await startWith('always')
    for (const name of ['order-event', 'single-delivery-order-event', 'order-documents-event', 'shipment-event']) {
      const body = fixture(name)
      expect(await rig.post(body)).toMatchObject({ status: 200 })
      const { event } = lastCall(rig)
      expect(event).toMatchObject({ completeness: 'all-lines', eventName: body.eventName, method: 'POST' })
      if (name === 'shipment-event') expect(event.shipment).toEqual(wholeShipment)
      else expect(event.order).toEqual(wholeOrder)
      if (name === 'order-event')
        expect(event).toMatchObject({ affectedLines: body.orderEvent.lines, lineForm: 'deliverySchedule' })
      if (name.startsWith('single'))
        expect(event).toMatchObject({ affectedLines: body.singleDeliveryOrderEvent.lines, lineForm: 'singleDelivery' })
      if (name === 'order-documents-event') expect(event.documents).toHaveLength(2)
      expect(event.meta).toEqual(
        body.orderEvent?.meta ?? body.singleDeliveryOrderEvent?.meta ?? body.orderDocumentsEvent?.meta ?? body.meta,
      )
    }
    expect(tradecloud.api.counts).toMatchObject({ logins: 1, orderRequests: 3, shipmentRequests: 1 })
  })

  test("'always', and the API does not know the order: the body is delivered", async () => {
    const { rig } = await startWith('always')
    expect(await rig.post(orderEvent({ orderId: 'unknown' }))).toMatchObject({ status: 200 })
    expect(lastCall(rig).event).toMatchObject({ completeness: 'affected-lines', orderId: 'unknown' })
    // An ID that the API cannot know.
    expect(await rig.post(orderEvent({ orderId: 'with space' }))).toMatchObject({ status: 200 })
    expect(lastCall(rig).event).toMatchObject({ completeness: 'affected-lines', orderId: 'with space' })
    expect(await rig.post({ eventName: 'SomethingNew', thing: 1 })).toMatchObject({ status: 200 })
  })

  test("'always', and the API fails: nothing is delivered, and a retry is no duplicate", async () => {
    const { tradecloud, rig } = await startWith('always')
    tradecloud.api.failNext(1, 403, 'order')
    const body = fixture('order-event')
    expect(await rig.post(body)).toMatchObject({ status: 502, json: { code: 'fetch_failed' } })
    expect(rig.calls).toHaveLength(0)
    expect(await rig.post(body)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  })

  test.each([
    ["'never'", 'never', true],
    ["'get' without api", 'get', false],
  ] as const)('%s: GET triggers come as their ID', async (_what, fetch, withApi) => {
    const { tradecloud, rig } = await startWith(fetch, withApi)
    for (const [path, more] of [
      [`/order/${orderId}`, { kind: 'order', orderId }],
      [`/?shipmentId=${shipmentId}`, { kind: 'shipment', shipmentId }],
    ] as const) {
      expect(await rig.get(path)).toMatchObject({ status: 200 })
      const { event, context } = lastCall(rig)
      expect(event).toMatchObject({ ...more, completeness: 'id-only', method: 'GET', issues: [] })
      expect(event.order).toBeUndefined()
      expect(event.shipment).toBeUndefined()
      expect(context.api === undefined).toBe(!withApi)
    }
    expect(tradecloud.api.requests).toHaveLength(0)
  })
})

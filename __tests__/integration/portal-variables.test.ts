/** A portal variable, such as {orderId}, that was left in the URL instead of an ID. */
import { closeAll, orderEvent } from './harness'
import { mounted, notRouted, start } from './not-routed-rig'

afterEach(closeAll)

describe("a variable that Tradecloud's portal left in the URL", () => {
  const urls = [
    '{orderId}',
    '%7BorderId%7D',
    '%257BorderId%257D',
    ':orderId',
    '%3AorderId',
    '{legacyOrderId}',
    '{orderId}/',
  ].map((variable): [string, string] => [`/order/${variable}`, 'order'])
  test.each([
    ...urls,
    ['/?orderId={orderId}', 'order'],
    ['/?orderId=%7borderId%7d', 'order'],
    ['/order?orderId=:orderId', 'order'],
    ['/order/PO1?orderId={orderId}', 'order'],
    ['/?orderId=&shipmentId={shipmentId}', 'shipment'],
    ['/shipment/{shipmentId}', 'shipment'],
    ['/shipment/:shipmentId', 'shipment'],
    ['/?shipmentId=%7BshipmentId%7D', 'shipment'],
  ])('%s', async (path) => {
    const app = await start(mounted())
    for (let i = 0; i < 2; i++)
      expect(await app.ask({ method: 'GET', path: `/tradecloud${path}` })).toMatchObject(notRouted)
    expect(await app.ask({ path: `/tradecloud${path}`, body: '' })).toMatchObject(notRouted)
    expect(app.records).toMatchObject(Array(3).fill({ outcome: 'not_routed', givenUp: false }))
    expect(app.calls).toEqual([])
    expect(app.log).toEqual([{ level: 'error', line: expect.stringContaining('instead of an ID') }])
    expect(app.log[0]?.line).not.toContain('app.use')
    // A body with its own ID is delivered as usual.
    expect(await app.ask(`/tradecloud${path}`)).toMatchObject({ status: 200 })
    const { orderEvent: content, eventName } = orderEvent()
    delete content.orderId
    const body = JSON.stringify({ eventName, orderEvent: content })
    expect(await app.ask({ path: `/tradecloud${path}`, body })).toMatchObject(notRouted)
    expect(await app.ask({ method: 'GET', path: `/tradecloud${path}`, auth: null })).toMatchObject({ status: 401 })
  })

  test.each(['PO{orderId}', 'orderId', '{orderId}1', '{id}', ':order'])('%s may be an ID', async (id) => {
    const app = await start(mounted())
    expect(await app.ask({ method: 'GET', path: `/tradecloud/order/${id}` })).toMatchObject({ status: 200 })
    expect(app.calls[0]?.event.orderId).toBe(id)
  })
})

/** The option `paths`, the webhook as a router, and two webhooks in one app. */
import express from 'express'
import { createTradecloudWebhook, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import { basic, closeAll, orderEvent, startRig, startServer, type Call } from './harness'
import { lastCall } from './body-triggers'

afterAll(closeAll)

describe('custom paths', () => {
  const start = (paths: TradecloudWebhookOptions['paths']) => startRig({ paths })

  test('a string, and what it replaces', async () => {
    const rig = await start({ order: '/erp/po/:orderId/changed', shipment: '/ship/:shipmentId', any: '/in' })
    expect(await rig.get('/erp/po/PO1/changed')).toMatchObject({ status: 200 })
    expect(lastCall(rig).event).toMatchObject({ orderId: 'PO1', completeness: 'id-only' })
    expect(await rig.get('/erp/po/PO%2F1/changed')).toMatchObject({ status: 200 })
    expect(lastCall(rig).event.orderId).toBe('PO/1')
    expect(await rig.get('/ship/S/1')).toMatchObject({ status: 200 })
    expect(lastCall(rig).event.shipmentId).toBe('S/1')
    expect(await rig.get('/in?orderId=PO2')).toMatchObject({ status: 200 })
    expect(await rig.post(orderEvent(), { path: '/in' })).toMatchObject({ status: 200 })
    expect(await rig.get('/order/PO1')).toMatchObject({ status: 503, json: { code: 'not_routed' } })
    expect(await rig.get('/?orderId=PO1')).toMatchObject({ status: 503, json: { code: 'not_routed' } })
  })

  test('a RegExp with named groups', async () => {
    const rig = await start({
      order: /^\/o-(?<orderId>[^/]+)$/g,
      any: /^\/(?:o|s)\/(?:(?<orderId>PO.*)|(?<shipmentId>SN.*))$/,
    })
    for (let i = 0; i < 3; i++) expect(await rig.get('/o-PO%231')).toMatchObject({ status: 200 })
    expect(lastCall(rig).event.orderId).toBe('PO#1')
    expect(await rig.get('/o/PO7')).toMatchObject({ status: 200 })
    expect(lastCall(rig).event).toMatchObject({ kind: 'order', orderId: 'PO7' })
    expect(await rig.get('/s/SN7')).toMatchObject({ status: 200 })
    expect(lastCall(rig).event).toMatchObject({ kind: 'shipment', shipmentId: 'SN7' })
    expect(await rig.post(orderEvent(), { path: '/s/SN7' })).toMatchObject({ status: 200 })
    expect(await rig.get('/o-a/b')).toMatchObject({ status: 503, json: { code: 'not_routed' } })
  })

  test('a list, of both', async () => {
    const rig = await start({ order: ['/a', /^\/b\/(?<orderId>.+)$/, '/c{/:orderId}'] })
    expect(await rig.post(orderEvent(), { path: '/a' })).toMatchObject({ status: 200 })
    expect(await rig.get('/b/PO1')).toMatchObject({ status: 200 })
    expect(await rig.post(orderEvent(), { path: '/c' })).toMatchObject({ status: 200 })
    expect(await rig.get('/c/PO/2')).toMatchObject({ status: 200 })
    expect(lastCall(rig).event.orderId).toBe('PO/2')
    expect(await rig.get('/shipment/SN1')).toMatchObject({ status: 200 })
  })

  test('false switches one off', async () => {
    const rig = await start({ order: '/po', shipment: false, any: false })
    expect(await rig.post(orderEvent(), { path: '/po' })).toMatchObject({ status: 200 })
    for (const path of ['/shipment', '/shipment/1', '/', ''])
      expect(await rig.get(path)).toMatchObject({ status: 503, json: { code: 'not_routed' } })
  })
})

test('a path that is not ours keeps its body for the app', async () => {
  const rig = await startRig({ paths: { order: '/order', shipment: false, any: false } })
  // The app of the harness answers this path itself, so the test mounts the webhook in another app, before a route.
  const app = express()
  app.use('/tradecloud', rig.webhook, express.json(), (req, res) => void res.json(req.body))
  const { port } = await startServer(app)
  const response = await fetch(`http://127.0.0.1:${port}/tradecloud/else`, {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'Content-Type': 'application/json' },
  })
  expect(await response.json()).toEqual({ a: 1 })
})

test('it is a router: what users add to it comes after its own paths', async () => {
  const rig = await startRig()
  rig.webhook.get('/health', (req, res) => void res.json({ path: req.url, mount: req.baseUrl }))
  rig.webhook.use('/order', (_req, res) => void res.json({ never: true }))
  const health = await fetch(`${rig.url}/health`)
  expect(await health.json()).toEqual({ path: '/health', mount: rig.mount })
  expect(await rig.post(orderEvent())).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  const elsewhere = await fetch(`${rig.url}/elsewhere`)
  expect(await elsewhere.json()).toEqual({ from: 'app' })
})

test('two webhooks in one app do not meet', async () => {
  const second: Call[] = []
  const other = { type: 'bearer', token: 'another-token' } as const
  const silent = { warn: () => undefined, error: () => undefined }
  const webhook = createTradecloudWebhook({
    auth: other,
    logger: silent,
    onOrder: (event, context) => void second.push({ callback: 'onOrder', event, context }),
  })
  const rig = await startRig({ before: (app) => app.use('/second', webhook) })
  const sendToSecond = (json: unknown, auth = 'Bearer another-token') =>
    fetch(`http://127.0.0.1:${rig.port}/second/order`, {
      method: 'POST',
      body: JSON.stringify(json),
      headers: { Authorization: auth, 'Content-Type': 'application/json' },
    })
  const body = orderEvent({ version: 5 })
  expect(await rig.post(body)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  // Each webhook has its own memory. So for the second webhook, this event is not a duplicate. Also, version 5 is not
  // outdated for the second webhook, although the first webhook has received version 6.
  expect(await (await sendToSecond(body)).json()).toMatchObject({ outcome: 'delivered' })
  expect(await rig.post(orderEvent({ version: 6 }))).toMatchObject({ status: 200 })
  expect((await sendToSecond(orderEvent({ version: 5 }))).status).toBe(200)
  expect(second).toHaveLength(2)
  expect(second[1]?.context.outdated).toBe(false)
  expect(rig.calls).toHaveLength(2)
  expect((await sendToSecond(body, basic('tradecloud', 'hook:påss'))).status).toBe(401)
  expect(await rig.post(body, { auth: 'Bearer another-token' })).toMatchObject({ status: 401 })
  await webhook.close()
  expect((await sendToSecond(orderEvent())).status).toBe(503)
  expect(await rig.post(orderEvent())).toMatchObject({ status: 200 })
})

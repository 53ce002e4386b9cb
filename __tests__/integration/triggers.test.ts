/**
 * Every way in which Tradecloud calls a webhook, or called one in earlier years, on every way of mounting it: which
 * callback is called, and with what. And all that must be refused, or is somebody else's.
 */
import express from 'express'
import { randomUUID } from 'node:crypto'
import { createTradecloudWebhook, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import type { TradecloudSimulator } from 'tradecloud-webhook/testing'
import {
  apiOf,
  fastApiOf,
  authorization,
  basic,
  closeAll,
  fixture,
  mountings,
  orderEvent,
  orderId,
  shipmentId,
  startRig,
  startServer,
  startTradecloud,
  type Call,
  type Rig,
} from './harness'

afterAll(closeAll)

/** A body of its own each time, or it would be a duplicate. */
const fresh = (body: Record<string, unknown>): Record<string, unknown> => ({ ...body, unknownField: randomUUID() })

interface BodyTrigger {
  what: string
  body: () => Record<string, unknown>
  callback: string
  event: Record<string, unknown>
  /** Where the content of the body is found on the event, and where in the body. */
  content?: [property: string, field: string | undefined]
}

const orderFixture = () => fixture('order-event')
const { orderEvent: order } = orderFixture()
const bareOrder = (): Record<string, unknown> => {
  const { orderId: id, ...rest } = orderFixture().orderEvent
  return { id, ...rest, meta: undefined }
}
const asOrder = { kind: 'order', orderId, completeness: 'affected-lines', lineForm: 'deliverySchedule' }

const bodyTriggers: BodyTrigger[] = [
  {
    what: 'orderEvent',
    body: orderFixture,
    callback: 'onOrder',
    event: {
      ...asOrder,
      eventName: 'OrderLinesAcceptedBySupplier',
      affectedLines: order.lines,
      version: order.version,
      lastUpdatedAt: order.lastUpdatedAt,
      issues: [],
    },
    content: ['order', 'orderEvent'],
  },
  {
    what: 'singleDeliveryOrderEvent',
    body: () => fixture('single-delivery-order-event'),
    callback: 'onOrder',
    event: { ...asOrder, lineForm: 'singleDelivery', eventName: 'OrderLinesConfirmedBySupplier', issues: [] },
    content: ['order', 'singleDeliveryOrderEvent'],
  },
  {
    what: 'simpleOrderEvent, the name of 2023',
    body: () => ({
      eventName: 'OrderIssuedByBuyer',
      simpleOrderEvent: fixture('single-delivery-order-event').singleDeliveryOrderEvent,
    }),
    callback: 'onOrder',
    event: { ...asOrder, lineForm: 'singleDelivery', eventName: 'OrderIssuedByBuyer' },
    content: ['order', 'simpleOrderEvent'],
  },
  {
    what: 'orderDocumentsEvent',
    body: () => fixture('order-documents-event'),
    callback: 'onOrderDocuments',
    event: {
      kind: 'orderDocuments',
      orderId,
      completeness: 'affected-lines',
      eventName: 'OrderDocumentsAttachedBySupplier',
      documents: [
        { party: 'supplier', document: expect.objectContaining({ code: 'CERT-1187' }) },
        { party: 'supplier', lineId: `${orderId}-0010`, document: expect.objectContaining({ code: 'DRW-40-1187' }) },
      ],
    },
    content: ['order', 'orderDocumentsEvent'],
  },
  {
    what: 'shipment',
    body: () => fixture('shipment-event'),
    callback: 'onShipment',
    event: {
      kind: 'shipment',
      shipmentId,
      completeness: 'all-lines',
      eventName: 'ShipmentReissuedBySupplier',
      issues: [],
    },
    content: ['shipment', 'shipment'],
  },
  {
    what: 'a bare order of 2019',
    body: bareOrder,
    callback: 'onOrder',
    event: { ...asOrder, eventName: undefined, affectedLines: order.lines, version: order.version },
  },
  {
    what: 'orderEvent with id, as in May 2020',
    body: () => ({ eventName: 'OrderIssuedByBuyer', orderEvent: bareOrder() }),
    callback: 'onOrder',
    event: { ...asOrder, eventName: 'OrderIssuedByBuyer' },
    content: ['order', 'orderEvent'],
  },
  {
    what: 'meta beside the event',
    body: () => ({
      eventName: 'OrderIssuedByBuyer',
      orderEvent: { orderId },
      meta: { messageId: 'beside', source: { traceId: 't' } },
    }),
    callback: 'onOrder',
    event: { ...asOrder, affectedLines: [], meta: { messageId: 'beside', source: { traceId: 't' } } },
  },
  {
    what: 'meta inside the event',
    body: () => ({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId, meta: { messageId: 'inside' } } }),
    callback: 'onOrder',
    event: { ...asOrder, meta: { messageId: 'inside' } },
  },
  {
    what: 'meta beside a shipment, whose own meta is another thing',
    body: () => ({
      eventName: 'ShipmentIssuedBySupplier',
      meta: { messageId: 'beside' },
      shipment: { id: shipmentId, meta: { lastUpdatedAt: '2026-01-02T03:04:05Z' } },
    }),
    callback: 'onShipment',
    event: { kind: 'shipment', shipmentId, meta: { messageId: 'beside' }, lastUpdatedAt: '2026-01-02T03:04:05Z' },
  },
  {
    what: 'an unknown event name of a known kind',
    body: () => ({ eventName: 'OrderFoldedByRobot', orderEvent: { orderId } }),
    callback: 'onOrder',
    event: { ...asOrder, eventName: 'OrderFoldedByRobot' },
  },
  {
    what: 'an event without a name',
    body: () => ({ shipment: { id: shipmentId } }),
    callback: 'onShipment',
    event: { kind: 'shipment', shipmentId, eventName: undefined },
  },
  {
    what: 'an unknown kind',
    body: () => ({ eventName: 'InvoiceIssuedBySupplier', invoice: { id: '1' } }),
    callback: 'onUnknown',
    event: {
      kind: 'unknown',
      eventName: 'InvoiceIssuedBySupplier',
      body: expect.objectContaining({ invoice: { id: '1' } }),
    },
  },
  {
    what: 'unknown fields and values',
    body: () => ({
      eventName: 'OrderIssuedByBuyer',
      surprise: true,
      orderEvent: { orderId, version: 3, status: { processStatus: 'Dreaming' }, lines: [{ novelty: [1] }] },
    }),
    callback: 'onOrder',
    event: { ...asOrder, version: 3, affectedLines: [{ novelty: [1] }] },
  },
]

function lastCall(rig: Rig): Call {
  const call = rig.calls.at(-1)
  if (!call) throw new Error('no callback was called')
  return call
}

describe.each(mountings)('mounted %s', (mounting) => {
  let rig: Rig
  let tradecloud: TradecloudSimulator
  const wholeOrder = fixture('order-fetched')
  const wholeShipment = fixture('shipment-fetched')

  beforeAll(async () => {
    tradecloud = await startTradecloud()
    tradecloud.api.setOrder(orderId, wholeOrder)
    tradecloud.api.setShipment(shipmentId, wholeShipment)
    rig = await startRig({ mounting, api: fastApiOf(tradecloud) })
  })

  describe.each(['POST', 'PUT'] as const)('%s', (method) => {
    test.each(bodyTriggers)('$what', async ({ body, callback, event, content }) => {
      // Which path it comes by does not matter for a body, nor an ID in the URL.
      for (const path of [
        '/order',
        '/shipment',
        '/',
        '',
        '/order/another-id',
        '/?shipmentId=another-id',
        '/order?x=1',
      ]) {
        const sent = fresh(body())
        const answer = await rig.send({ method, path, json: sent })
        expect({ path, status: answer.status, json: answer.json }).toEqual({
          path,
          status: 200,
          json: { outcome: 'delivered', deliveryId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
        })
        const call = lastCall(rig)
        expect(call.callback).toBe(callback)
        expect(call.event).toMatchObject({ ...event, method })
        if (content) expect(call.event[content[0]]).toEqual(content[1] === undefined ? sent : sent[content[1]])
        expect(call.context).toMatchObject({ deliveryId: answer.json.deliveryId, attempt: 1, replay: false })
        expect(JSON.parse(call.context.rawBody?.toString() ?? '')).toEqual(sent)
        expect(call.context.signal.aborted).toBe(false)
        expect(call.context.receivedAt.getTime()).toBeLessThanOrEqual(Date.now())
        expect(call.context.api).toBeDefined()
      }
    })

    // The docs of 2019 and 2020 had the ID in the URL whatever the method.
    test.each(['', 'chunked'])('an ID in the URL and no body %s', async (chunked) => {
      for (const path of [
        `/order/${orderId}`,
        `/?orderId=${orderId}`,
        `/shipment/${shipmentId}`,
        `/?shipmentId=${shipmentId}`,
      ]) {
        const answer = await rig.send({
          method,
          path,
          ...(chunked && { chunks: [], headers: { 'Content-Type': 'application/json' } }),
        })
        expect(answer).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
        const isOrder = path.includes('order')
        expect(lastCall(rig)).toMatchObject({
          callback: isOrder ? 'onOrder' : 'onShipment',
          event: {
            method,
            completeness: 'all-lines',
            ...(isOrder ? { orderId, order: wholeOrder } : { shipmentId, shipment: wholeShipment }),
          },
        })
      }
    })

    test('no body and no ID', async () => {
      for (const path of ['/order', '/']) {
        expect(await rig.send({ method, path })).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
        expect(
          await rig.send({ method, path, headers: { 'Content-Length': '0', 'Content-Type': 'application/json' } }),
        ).toMatchObject({ status: 400 })
      }
    })

    test('no body and a bad ID', async () => {
      expect(await rig.send({ method, path: '/order/%20' })).toMatchObject({
        status: 400,
        json: { code: 'invalid_id' },
      })
      expect(await rig.send({ method, path: '/order/%E0%A4%A' })).toMatchObject({
        status: 400,
        json: { code: 'invalid_id' },
      })
    })

    test('a bad ID in the URL does no harm beside a body', async () => {
      for (const path of ['/order/%E0%A4%A', '/order/%20', '/?orderId=a&orderId=b', '/?orderId=']) {
        const answer = await rig.send({ method, path, json: orderEvent() })
        expect({ path, status: answer.status }).toEqual({ path, status: 200 })
      }
    })

    test('the ID of the URL steps in where the body has none', async () => {
      const json = { eventName: 'OrderIssuedByBuyer', orderEvent: { lines: [], meta: { messageId: randomUUID() } } }
      expect(await rig.send({ method, path: '/order', json })).toMatchObject({
        status: 400,
        json: { code: 'invalid_body' },
      })
      expect(await rig.send({ method, path: '/shipment/only-a-shipment', json })).toMatchObject({
        status: 400,
        json: { code: 'invalid_body' },
      })
      expect(await rig.send({ method, path: `/order/${orderId}`, json })).toMatchObject({ status: 200 })
      expect(lastCall(rig).event.orderId).toBe(orderId)
    })
  })

  describe('GET', () => {
    test.each([
      ['order ID in the path', `/order/${encodeURIComponent(orderId)}`],
      ['order ID in the path, raw slash', `/order/${orderId}`],
      ['order ID in the query', `/?orderId=${encodeURIComponent(orderId)}`],
      ['order ID in the query, right behind the mount path', `?orderId=${orderId}`],
      ['order ID in the query of /order', `/order?orderId=${orderId}`],
      ['order ID in the query of /shipment: the parameter decides', `/shipment?orderId=${orderId}`],
      ['the same ID in path and query', `/order/${orderId}?orderId=${encodeURIComponent(orderId)}&x=y`],
      ['another spelling of the path', `/ORDER/${orderId}`],
    ])('%s', async (_what, path) => {
      const answer = await rig.get(path)
      expect(answer).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
      const { callback, event, context } = lastCall(rig)
      expect(callback).toBe('onOrder')
      expect(event).toMatchObject({
        kind: 'order',
        method: 'GET',
        completeness: 'all-lines',
        lineForm: 'deliverySchedule',
        orderId,
        version: wholeOrder.version,
        issues: [],
      })
      expect(event.order).toEqual(wholeOrder)
      expect(event).not.toHaveProperty('affectedLines', expect.anything())
      expect(event.eventName).toBeUndefined()
      expect(context.rawBody).toBeUndefined()
    })

    test.each([
      ['shipment ID in the path', `/shipment/${shipmentId}`],
      ['shipment ID in the query', `/?shipmentId=${shipmentId}`],
      ['shipment ID in the query of /order', `/order?shipmentId=${shipmentId}`],
    ])('%s', async (_what, path) => {
      expect(await rig.get(path)).toMatchObject({ status: 200 })
      const { callback, event } = lastCall(rig)
      expect(callback).toBe('onShipment')
      expect(event).toMatchObject({ kind: 'shipment', method: 'GET', completeness: 'all-lines', shipmentId })
      expect(event.shipment).toEqual(wholeShipment)
    })

    test('a body with a GET is nobody’s', async () => {
      expect(await rig.get(`/order/${orderId}`, { json: { eventName: 'X' } })).toMatchObject({ status: 200 })
      expect(lastCall(rig).event.completeness).toBe('all-lines')
    })

    test.each([
      'PO#1',
      'PO%1',
      'PO&1',
      'POø1',
      'PO/2026/1',
      'PO?1',
      'PO+1',
      'PO=1',
      "PO'1",
      'PO;1',
      'PO:1',
      'PO*(1)',
      '注文1',
      'PO%2F1',
      '...',
      '-',
      'a/',
      '/a',
      '🚢1',
    ])('ID %s', async (id) => {
      tradecloud.api.setOrder(id, { ...wholeOrder, id })
      tradecloud.api.setShipment(id, { ...wholeShipment, id })
      for (const kind of ['order', 'shipment']) {
        for (const path of [
          `/${kind}/${encodeURIComponent(id)}`,
          `/?${kind}Id=${encodeURIComponent(id)}`,
          `/?x=1&${kind}Id=${encodeURIComponent(id)}&y`,
        ]) {
          const answer = await rig.get(path)
          expect({ path, status: answer.status, text: answer.text }).toMatchObject({ status: 200 })
          expect(lastCall(rig).event).toMatchObject({ [`${kind}Id`]: id, kind, issues: [] })
        }
      }
    })

    test.each([
      ['/order/', ['PO#1', 'PO&1', 'PO/2026/1', 'PO+1', "PO'1", 'PO=1', 'a/', 'a//b', 'PO:1', 'PO;1', 'PO"<>^`{|}1']],
      ['/?orderId=', ['PO#1', 'PO/2026/1', 'PO+1', 'PO?1', "PO'1", 'PO=1', 'PO:1', 'PO"<>^`{|}1']],
    ])('IDs that come unescaped behind %s', async (prefix, ids) => {
      for (const id of ids) {
        tradecloud.api.setOrder(id, { ...wholeOrder, id })
        const answer = await rig.get(`${prefix}${id}`)
        expect({ id, status: answer.status, text: answer.text }).toMatchObject({ status: 200 })
        expect(lastCall(rig).event.orderId).toBe(id)
      }
    })

    test('a plus is no space', async () => {
      tradecloud.api.setOrder('A+B', { ...wholeOrder, id: 'A+B' })
      for (const path of ['/?orderId=A+B', '/?orderId=A%2BB', '/order/A+B', '/order/A%2BB']) {
        expect(await rig.get(path)).toMatchObject({ status: 200 })
        expect(lastCall(rig).event.orderId).toBe('A+B')
      }
    })

    test.each([
      ['no ID', '/order'],
      ['no ID in the root', '/'],
      ['nothing behind the mount path', ''],
      ['an empty ID in the path', '/order/'],
      ['an empty ID in the query', '/?orderId='],
      ['a parameter without a value', '/?orderId'],
      ['a slash', '/order//'],
      ['an escaped slash', '/order/%2F'],
      ['slashes alone', '/order/%2F/%2f'],
      ['a space', '/order/PO%201'],
      ['a space in the query', '/?orderId=PO%201'],
      ['a tab', '/order/PO%091'],
      ['a line break', '/shipment/PO%0A1'],
      ['a no-break space', '/order/PO%C2%A01'],
      ['a null character', '/order/PO%001'],
      ['a control character', '/?shipmentId=%1F'],
      ['a delete character', '/order/%7F'],
      ['a dot', '/order/.'],
      ['two dots', '/order/..'],
      ['escaped dots', '/order/%2E%2e'],
      ['a broken escape', '/order/PO%'],
      ['a broken escape in the query', '/?orderId=PO%zz'],
      ['not UTF-8', '/order/%E0%A4%A'],
      ['half of a surrogate pair', '/order/%ED%A0%80'],
      ['not UTF-8 in the query', '/?shipmentId=%FF'],
      ['too long', `/order/${'x'.repeat(257)}`],
      ['two different IDs', '/?orderId=a&orderId=b'],
      ['two different shipment IDs', '/shipment/a?shipmentId=b'],
      ['one ID in the path and another in the query', '/order/a?orderId=b'],
      ['one good and one bad', '/order/a?orderId='],
      ['an order ID and a shipment ID', '/?orderId=a&shipmentId=b'],
      ['an order ID in the path and a shipment ID in the query', '/order/a?shipmentId=b'],
      ['a list', '/?orderId[]=a'],
      ['an object', '/?orderId[x]=a'],
      ['an escaped object', '/?orderId%5B__proto__%5D=a'],
      ['an ID in other letters', '/?orderid=a'],
    ])('refuses %s', async (_what, path) => {
      const before = { calls: rig.calls.length, fetched: tradecloud.api.requests.length }
      const answer = await rig.get(path)
      expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_id', status: 400 } })
      expect(rig.records.at(-1)).toMatchObject({ outcome: 'invalid_id', givenUp: true })
      expect({ calls: rig.calls.length, fetched: tradecloud.api.requests.length }).toEqual(before)
      // Who does not know the password does not learn that much.
      expect(await rig.get(path, { auth: null })).toMatchObject({ status: 401, json: { code: 'unauthorized' } })
    })

    test('an ID of 256 characters is not too long', async () => {
      const id = 'x'.repeat(256)
      tradecloud.api.setOrder(id, { ...wholeOrder, id })
      expect(await rig.get(`/order/${id}`)).toMatchObject({ status: 200 })
    })
  })

  test.each(['/elsewhere', '/orders', '/order-x', '/x/order', '/orderId/1', '/elsewhere/%E0%A4%A'])(
    '%s is not ours',
    async (path) => {
      const records = rig.records.length
      for (const method of ['GET', 'POST']) {
        const answer = await rig.send({ method, path, auth: null })
        expect(answer.status).toBe(404)
        if (mounting !== 'as a listener') expect(answer.json).toEqual({ from: 'app' })
        else expect(answer.json).toMatchObject({ code: 'not_found' })
      }
      if (mounting !== 'as a listener') expect(rig.records.length).toBe(records)
    },
  )

  test('an absolute URL, as a proxy may send it', async () => {
    const connection = rig.open()
    connection.write(
      `GET http://localhost${rig.mount}/order/${orderId} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`,
    )
    expect(await connection.answer()).toMatchObject({ status: 200 })
    connection.write(
      `GET http://x${rig.mount}?shipmentId=${shipmentId} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`,
    )
    expect(await connection.answer()).toMatchObject({ status: 200 })
    connection.destroy()
  })

  test('HTTP/1.0', async () => {
    expect(await rig.get(`/order/${orderId}`, { version: 'HTTP/1.0' })).toMatchObject({ status: 200 })
    expect(await rig.post(orderEvent(), { version: 'HTTP/1.0' })).toMatchObject({ status: 200 })
  })

  test('many requests on one connection, written at once', async () => {
    const connection = rig.open()
    const body = (n: number) => JSON.stringify(orderEvent({ orderId: `pipelined-${n}` }))
    const head = `Host: localhost\r\nAuthorization: ${basic('tradecloud', 'hook:påss')}\r\n`
    const count = 20
    connection.write(
      Array.from(
        { length: count },
        (_, n) => `POST ${rig.mount}/order HTTP/1.1\r\n${head}Content-Length: ${body(n).length}\r\n\r\n${body(n)}`,
      ).join(''),
    )
    for (let n = 0; n < count; n++)
      expect(await connection.answer()).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    connection.destroy()
  })
})

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
    // An ID that the API could never know.
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

test('a path that is not ours keeps its body for the app', async () => {
  const rig = await startRig({ paths: { order: '/order', shipment: false, any: false } })
  // Behind the webhook, under the same mount path: put in front of the fallback of the harness.
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
  // The same event is new to the other one, and an older one is not outdated there.
  expect(await (await sendToSecond(body)).json()).toMatchObject({ outcome: 'delivered' })
  expect(await rig.post(orderEvent({ version: 6 }))).toMatchObject({ status: 200 })
  expect((await sendToSecond(orderEvent({ version: 5 }))).status).toBe(200)
  expect(second).toHaveLength(2)
  expect(second[1]?.context.outdated).toBe(false)
  expect(rig.calls).toHaveLength(2)
  // Credentials of one are nothing to the other.
  expect((await sendToSecond(body, basic('tradecloud', 'hook:påss'))).status).toBe(401)
  expect(await rig.post(body, { auth: 'Bearer another-token' })).toMatchObject({ status: 401 })
  await webhook.close()
  expect((await sendToSecond(orderEvent())).status).toBe(503)
  expect(await rig.post(orderEvent())).toMatchObject({ status: 200 })
})

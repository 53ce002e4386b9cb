/** Every kind of trigger, on every kind of mount: which callback is called, and with which event. */
import { randomUUID } from 'node:crypto'
import type { TradecloudSimulator } from 'tradecloud-webhook/testing'
import {
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
  startTradecloud,
  type Rig,
} from './harness'
import { bodyTriggers, fresh, lastCall } from './body-triggers'

afterAll(closeAll)

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
      // For these bodies, neither the path nor an ID in the URL matters.
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

    // Tradecloud's docs of 2019 and 2020 had the ID in the URL for every method.
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

    test('a body with a GET is ignored', async () => {
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
      // Without the password, the response must not reveal that the ID is invalid.
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

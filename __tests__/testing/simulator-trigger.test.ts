/** The bytes that the simulator sends for a trigger. Uses real sockets, without Express. */
import { createServer as createSocketServer, type AddressInfo } from 'node:net'
import { basic } from './simulator-receiver'
import { senderForEach, tradecloud, webhook } from './simulator-rig'

senderForEach()

describe('the request of a trigger', () => {
  const event = { eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'c-ü' } }

  it('is a POST of the event as JSON', async () => {
    await tradecloud.send({ url: `${webhook.url}/any/path?a=b`, event })
    const [request] = webhook.received
    expect(request).toMatchObject({ method: 'POST', url: '/any/path?a=b' })
    expect(request!.headers['content-type']).toBe('application/json')
    expect(request!.headers['content-length']).toBe(String(request!.body.length))
    expect(request!.headers.authorization).toBeUndefined()
    expect(JSON.parse(request!.body.toString())).toEqual(event)
  })

  it('can be a PUT of bytes as they are, of any content type, or of none', async () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0x3c, 0x61, 0x2f, 0x3e, 0xff])
    await tradecloud.send({ url: webhook.url, method: 'PUT', event: bytes, contentType: 'application/xml' })
    await tradecloud.send({ url: webhook.url, event: ' {"a" : 1} ', contentType: false, headers: { 'X-More': 'é' } })
    const [xml, text] = webhook.received
    expect(xml).toMatchObject({ method: 'PUT', url: '/', headers: { 'content-type': 'application/xml' } })
    expect(xml!.body.equals(bytes)).toBe(true)
    expect(text!.body.toString()).toBe(' {"a" : 1} ')
    expect(text!.headers).not.toHaveProperty('content-type')
    expect(text!.headers['x-more']).toBe('é')
  })

  it('carries Basic credentials or a bearer token', async () => {
    await tradecloud.send({ url: webhook.url, event, auth: { type: 'basic', username: 'ü', password: 'a:b' } })
    await tradecloud.send({ url: webhook.url, event, auth: { type: 'bearer', token: 'abc' } })
    expect(webhook.received.map(({ headers }) => headers.authorization)).toEqual([
      basic('ü', 'a:b').Authorization,
      'Bearer abc',
    ])
  })

  const ids = ['c-PO/1', 'c-#1', 'c-100%', 'c-%2F', 'c-a?b&c', 'c-{shipmentId}', 'c-$&', '../c', 'c-ü€']

  it.each(ids)('puts the ID %s percent-encoded into a path and a query', async (id) => {
    await tradecloud.send({ url: `${webhook.url}/order/{orderId}`, orderId: id })
    await tradecloud.send({ url: `${webhook.url}/any?shipmentId={shipmentId}`, shipmentId: id })
    const [order, shipment] = webhook.received
    expect(order).toMatchObject({ method: 'GET', body: Buffer.alloc(0) })
    expect(order!.headers).not.toHaveProperty('content-type')
    expect(order!.url).toMatch(/^\/order\/[^/?#]+$/)
    expect(decodeURIComponent(order!.url.slice('/order/'.length))).toBe(id)
    expect(new URL(shipment!.url, webhook.url).searchParams.get('shipmentId')).toBe(id)
  })

  it.each(ids)('puts the ID %s into a path byte for byte when asked to', async (id) => {
    // The test uses a bare socket, because Node's HTTP server refuses characters outside ASCII in a URL.
    let requestLine = ''
    const receiver = createSocketServer((socket) => {
      socket.once('data', (data) => {
        requestLine = data.toString().split('\r\n', 1)[0]!
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      })
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
    const report = await tradecloud.send({ url: `${url}/order/{orderId}`, orderId: id, idEncoding: 'raw' })
    await new Promise((resolve) => receiver.close(resolve))
    expect(requestLine).toBe(`GET /order/${id} HTTP/1.1`)
    expect(report).toMatchObject({ method: 'GET', url: `${url}/order/${id}`, orderId: id, result: 'delivered' })
  })

  it('puts an ID into the URL of a POST too', async () => {
    await tradecloud.send({ url: `${webhook.url}/order/{orderId}`, orderId: 'a/b', event })
    expect(webhook.received[0]).toMatchObject({ method: 'POST', url: '/order/a%2Fb' })
  })

  it.each([
    ['an ID without a place', { url: 'http://h/', orderId: '1' }, 'orderId'],
    ['a place without an ID', { url: 'http://h/{shipmentId}' }, 'shipmentId'],
    ['a GET with an event', { url: 'http://h/', method: 'GET' as const, event }, 'GET'],
    ['another scheme', { url: 'ftp://h/' }, 'ftp://h/'],
    ['credentials in the URL', { url: 'http://u:p@h/' }, 'auth'],
    ['white space in a raw ID', { url: 'http://h/{orderId}', orderId: 'a b', idEncoding: 'raw' as const }, 'a b'],
    ['a header that breaks the line', { url: 'http://h/', headers: { a: 'b\r\nc: d' } }, 'a'],
    ['a wait of no time', { url: 'http://h/', timeoutMs: 0 }, 'timeoutMs'],
    ['a back-off that shrinks', { url: 'http://h/', retry: { factor: 0.5 } }, '0.5'],
    ['no attempt', { url: 'http://h/', retry: { maxAttempts: 0 } }, 'maxAttempts'],
  ])('is refused with %s', async (_, trigger, named) => {
    const error = await tradecloud.send(trigger).catch((reason: unknown) => reason)
    expect((error as Error).name).toBe('TypeError')
    expect((error as Error).message).toContain(named)
    expect(tradecloud.report().stillRetrying).toEqual([])
  })
})

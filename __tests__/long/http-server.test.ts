/**
 * examples/http-server.ts: where Node alone would refuse a request with 4xx, this server responds 503 or accepts the
 * request. So Tradecloud does not give up on the event.
 */
import express from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { createHttpServer } from '../../examples/http-server'
import { authorization, credential } from '../integration/harness'
import { encodeRequest, RawConnection } from '../integration/raw-http'

const app = express()
const logger = { warn: () => undefined, error: () => undefined }
app.use(createTradecloudWebhook({ auth: credential, onOrder: () => undefined, logger }))
const ours = createHttpServer(app)
const plain = createServer(app)
let logged: jest.SpyInstance

beforeAll(() => Promise.all([ours, plain].map((server) => once(server.listen(0, '127.0.0.1'), 'listening'))))
beforeEach(() => (logged = jest.spyOn(console, 'error').mockImplementation(() => undefined)))
afterEach(() => logged.mockRestore())
afterAll(() => {
  for (const server of [ours, plain]) {
    server.close()
    server.closeAllConnections()
  }
})

async function statusOf(server: Server, bytes: Buffer): Promise<number> {
  const connection = new RawConnection((server.address() as AddressInfo).port)
  const answered = connection.answer()
  connection.write(bytes)
  return answered.then(({ status }) => status).finally(() => connection.destroy())
}

const get = (path: string, headers: Record<string, string> = {}): Buffer =>
  encodeRequest({ path, headers: { authorization, ...headers } }).whole

test.each([
  { what: 'raw letters beyond ASCII in the path', bytes: get('/order/A\u00e9'), byNode: 400, status: 503 },
  { what: 'a control character in a header', bytes: get('/order/1', { 'x-one': '\u0001' }), byNode: 400, status: 503 },
  { what: 'headers of 20 kB', bytes: get('/order/1', { 'x-one': 'x'.repeat(20_000) }), byNode: 431, status: 200 },
  { what: 'headers of 200 kB', bytes: get('/order/1', { 'x-one': 'x'.repeat(200_000) }), byNode: 431, status: 503 },
  { what: 'an unknown Expect', bytes: get('/order/1', { expect: 'nothing' }), byNode: 417, status: 200 },
  { what: 'no HTTP', bytes: Buffer.from('\u0016\u0003\u0001'), byNode: 400, status: 503 },
])('$what', async ({ bytes, byNode, status }) => {
  expect(await statusOf(plain, bytes)).toBe(byNode)
  expect(await statusOf(ours, bytes)).toBe(status)
  expect(logged).toHaveBeenCalledTimes(status === 503 ? 1 : 0)
})

test('a sender that resets its connection in the middle of the headers', async () => {
  const connection = new RawConnection((ours.address() as AddressInfo).port)
  const error = once(ours, 'clientError')
  connection.write('POST /order HTTP/1.1\r\nHost')
  await once(ours, 'connection')
  connection.destroy()
  await error
  expect(await statusOf(ours, get('/order/1'))).toBe(200)
})

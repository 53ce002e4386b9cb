/** Responses of the API: which bodies are accepted as an order or shipment, their maximum size, and IDs in paths. */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { checkEntityId } from '../../../lib/events/entity'
import { body, errorOf, setUp, status } from './fake-api'

const { api, client } = setUp({ realTime: true })

test.each([
  ['nothing', ''],
  ['HTML', '<html>canary-body</html>'],
  ['a list', '[{"id":"1"}]'],
  ['null', 'null'],
  ['text', '"canary-body"'],
  ['an object without an ID', '{"canary-body":1}'],
  ['an empty ID', '{"id":""}'],
  ['a number for an ID', '{"id":1}'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['too many levels', '['.repeat(200)],
])('takes %s for a failure, without a retry', async (_what, answer) => {
  api().next('order', body(answer))
  const error = await errorOf(client().getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 200, attempts: 2 })
  expect(error.message).not.toContain('canary-body')
})

test('takes bytes that do not decompress for a failure, without a retry', async () => {
  api().next('order', body('{"id":"1"}', { 'Content-Encoding': 'gzip' }))
  expect(await errorOf(client().getOrder('1'))).toMatchObject({ code: 'fetch_failed', attempts: 2 })
})

test('passes on what it does not know, and takes out what pollutes prototypes', async () => {
  const bytes = '{"orderId":"1","new":{"x":[1]},"__proto__":{"polluted":true}}'
  api().next('order', body(gzipSync(bytes), { 'Content-Encoding': 'gzip' }))
  const fetched = await client().fetchEntity('order', '1', {})
  expect(fetched).toEqual({
    entity: { orderId: '1', new: { x: [1] } },
    contentHash: createHash('sha256').update(bytes).digest('hex'),
    removedKeys: ['/__proto__'],
  })
})

test.each([
  ['plain', {}, (text: string) => text],
  ['compressed', { 'Content-Encoding': 'gzip' }, (text: string) => gzipSync(text)],
])('cuts a large %s answer', async (_how, headers, encode) => {
  const answer = encode(JSON.stringify({ id: '1', filler: 'x'.repeat(5_000_000) }))
  api().next('order', body(answer, headers))
  const error = await errorOf(client({ maxResponseBytes: 100_000 }).getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', attempts: 2 })
  expect(error.message).toContain('maxResponseBytes')
})

test('cuts 300 MB that come as 300 kB, within bounded memory', async () => {
  api().next('order', body(gzipSync(Buffer.alloc(300 * 1024 * 1024)), { 'Content-Encoding': 'gzip' }))
  const before = process.memoryUsage().rss
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5)
  const error = await errorOf(client({ maxResponseBytes: 8 * 1024 * 1024 }).getOrder('1')).finally(() =>
    clearInterval(watch),
  )
  expect(error).toMatchObject({ code: 'fetch_failed', attempts: 2 })
  expect(most - before).toBeLessThan(100 * 1024 * 1024)
})

test('does not follow a redirect, and the other host sees nothing', async () => {
  let requests = 0
  const other = await new Promise<Server>((resolve) => {
    const server: Server = createServer((_req, res) => {
      requests++
      res.end('{"id":"1"}')
    }).listen(0, '127.0.0.1', () => resolve(server))
  })
  api().next('order', status(302, { Location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` }))
  expect(await errorOf(client().getOrder('1'))).toMatchObject({ code: 'fetch_failed', apiStatus: 302 })
  await new Promise((resolve) => other.close(resolve))
  expect(requests).toBe(0)
})

test.each([
  ['cb0cef0b-6538-4828-b45e-5ad8ea69b5cd-PO2189', '/v2/order/cb0cef0b-6538-4828-b45e-5ad8ea69b5cd-PO2189'],
  ['a/b', '/v2/order/a%2Fb'],
  ['../shipment/1', '/v2/order/..%2Fshipment%2F1'],
  ['%2e%2e', '/v2/order/%252e%252e'],
  ['a#b', '/v2/order/a%23b'],
  ['a?b=c', '/v2/order/a%3Fb%3Dc'],
  ['a%b', '/v2/order/a%25b'],
  ['a+b&c;d', '/v2/order/a%2Bb%26c%3Bd'],
  ['a\\b', '/v2/order/a%5Cb'],
  ['Käfer-😀', '/v2/order/K%C3%A4fer-%F0%9F%98%80'],
  ['//evil.example/x', '/v2/order/%2F%2Fevil.example%2Fx'],
  ['...', '/v2/order/...'],
])('sends the ID %s as one path segment', async (id, url) => {
  expect(await client().getOrder(id)).toEqual({ id })
  expect(api().seen.at(-1)?.url).toBe(url)
})

const NOT_IDS = ['', '.', '..', 'a b', ' a', 'a\n', 'a\u00a0b', 'a\u0000b', 'a\u0085b', '\ud800', 'a\udc00b']
NOT_IDS.push('x'.repeat(257))

test.each(NOT_IDS)('refuses the ID %j and sends nothing', async (id) => {
  expect(checkEntityId(id)).toEqual(expect.any(String))
  expect(await errorOf(client().getOrder(id))).toMatchObject({ code: 'invalid_id', attempts: 0 })
  expect(await errorOf(client().getShipment(id))).toMatchObject({ code: 'invalid_id', attempts: 0 })
  expect(api().seen).toHaveLength(0)
})

test('refuses an ID that is not text', async () => {
  expect(await errorOf(client().getOrder(undefined as unknown as string))).toMatchObject({ code: 'invalid_id' })
})

test('takes an ID of 256 characters, and keeps messages short', async () => {
  const id = 'ü'.repeat(256)
  expect(checkEntityId(id)).toBeUndefined()
  api().next('order', status(400))
  expect((await errorOf(client().getOrder(id))).message.length).toBeLessThan(250)
})

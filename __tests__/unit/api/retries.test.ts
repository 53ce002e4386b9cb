/** What is retried and what is not, and the time limits of a request and of a call. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { drip, errorOf, hang, reset, setUp, status, until, withoutJitter, type Script } from './fake-api'

const { api, client } = setUp()

const half: Script = (_req, res) => {
  res.writeHead(200, { 'Content-Length': '100' })
  res.write('{"id":')
  setImmediate(() => res.destroy())
}

const stall: Script = (_req, res) => void res.writeHead(200).write('{"id":')

test.each([
  ['429', status(429)],
  ['500', status(500)],
  ['503', status(503, { 'Content-Encoding': 'gzip' }, 'not gzip')],
  ['a broken connection', reset],
  ['half an answer', half],
  ['no answer', hang],
  ['an answer that stalls', stall],
])('tries again after %s', async (_what, script) => {
  withoutJitter()
  api().next('order', script)
  expect(await client({ requestTimeoutMs: 100 }).getOrder('1')).toEqual({ id: '1' })
  expect(api().count('order')).toBe(2)
})

test.each([
  ['seconds', () => '1', 900],
  ['a date', () => new Date(Date.now() + 1_100).toUTCString(), 900],
])('waits for as long as Retry-After says in %s', async (_form, value, atLeastMs) => {
  let refusedAt = 0
  api().next('order', (req, res) => {
    refusedAt = performance.now()
    status(429, { 'Retry-After': value() })(req, res)
  })
  await client().getOrder('1')
  // Without `Retry-After`, the wait would be at most 250 ms.
  expect(performance.now() - refusedAt).toBeGreaterThan(atLeastMs)
})

test.each(['soon', '-1', new Date(0).toUTCString()])('does not stumble over Retry-After: %s', async (value) => {
  withoutJitter()
  api().next('order', status(429, { 'Retry-After': value }))
  expect(await client().getOrder('1')).toEqual({ id: '1' })
})

test('does not wait for a Retry-After beyond the deadline: the answer decides at once', async () => {
  api().next('order', status(429, { 'Retry-After': '3600' }))
  const error = await errorOf(client().getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 429, attempts: 2 })
  expect(error.message).toContain('GET /order/1')
  expect(error.message).toContain('429')
})

test('ends a call in total, with the last failure', async () => {
  // The client waits 125, 250, 500 and 1,000 ms. There is no time for the next wait of 2,000 ms.
  jest.spyOn(Math, 'random').mockReturnValue(0.5)
  api().always('order', status(502))
  const error = await errorOf(client({ fetchTimeoutMs: 3_500 }).getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 502 })
  expect(api().count('order')).toBeGreaterThan(1)
  expect(error.attempts).toBe(api().seen.length)
})

test('is a time-out when the last request got no answer', async () => {
  withoutJitter()
  api().next('order', status(503))
  api().always('order', hang)
  const tradecloud = client({ requestTimeoutMs: 80, fetchTimeoutMs: 300 })
  const error = await errorOf(tradecloud.getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_timeout', apiStatus: undefined })
  expect(api().count('order')).toBeGreaterThan(2)
})

test.each([
  ['hangs', hang],
  ['drips', drip],
])('ends a call in total when its only request %s', async (_what, script) => {
  api().always('order', script)
  const error = await errorOf(client({ fetchTimeoutMs: 150 }).getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_timeout' })
})

test('ends a call in total while it waits for the login', async () => {
  api().always('login', hang)
  const error = await errorOf(client({ requestTimeoutMs: 300, fetchTimeoutMs: 100 }).getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_timeout', attempts: 1 })
})

test('says what broke, without the objects of the HTTP client', async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.5)
  const port = await new Promise<number>((resolve) => {
    const server: Server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
  const error = await errorOf(client({ baseUrl: `http://127.0.0.1:${port}`, fetchTimeoutMs: 3_500 }).getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: undefined })
  expect(error.message).toContain('ECONNREFUSED')
  expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' })
  expect(Object.getOwnPropertyNames(error.cause).sort()).toEqual(['code', 'message', 'name', 'stack'])
})

test.each([300, 302, 304, 400, 403, 405, 418, 201, 202, 206])('does not try again after %d', async (code) => {
  api().next('order', status(code))
  const error = await errorOf(client().getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: code, attempts: 2 })
})

test.each(['order', 'shipment'] as const)(
  'asks again for a while for an %s that the API does not know yet',
  async (kind) => {
    api().next(kind, status(404), status(404))
    expect((await client().fetchEntity(kind, '1')).entity).toEqual({ id: '1' })
    const times = api()
      .seen.filter(({ endpoint }) => endpoint === kind)
      .map(({ at }) => at)
    expect(times).toHaveLength(3)
    expect(times[2]! - times[0]!).toBeGreaterThan(700)
  },
)

test('does not know an ID that the API does not learn of', async () => {
  api().always('order', status(404))
  const started = performance.now()
  const error = await errorOf(client({ notFoundRetryMs: 400 }).getOrder('1'))
  expect(error).toMatchObject({ code: 'not_found', apiStatus: 404, attempts: 4 })
  expect(performance.now() - started).toBeGreaterThan(390)
})

test('asks once with notFoundRetryMs: 0, and is still bounded by the deadline otherwise', async () => {
  api().always('order', status(404))
  expect(await errorOf(client({ notFoundRetryMs: 0 }).getOrder('1'))).toMatchObject({ code: 'not_found', attempts: 2 })
  expect(await errorOf(client({ fetchTimeoutMs: 200 }).getOrder('1'))).toMatchObject({ code: 'not_found', attempts: 2 })
})

test.each([
  ['before anything is sent', () => undefined],
  ['while it logs in', () => api().always('login', hang)],
  ['while it fetches', () => api().always('order', hang)],
  ['while it waits to try again', () => api().always('order', status(429, { 'Retry-After': '10' }))],
])('a signal ends a call %s', async (when, prepare) => {
  prepare()
  const controller = new AbortController()
  const reason = new Error('no longer needed')
  if (when.startsWith('before')) controller.abort(reason)
  const waiting = errorOf(client({ requestTimeoutMs: 300 }).getOrder('1', { signal: controller.signal }))
  if (when.startsWith('before')) expect(api().seen).toHaveLength(0)
  else await until(() => api().count(when.includes('log') ? 'login' : 'order') === 1)
  controller.abort(reason)
  const error = await waiting
  expect(error.code).toBe('unavailable')
  expect(error.cause).toBe(reason)
})

/** Closing a client: it logs out, ends waiting calls, refuses new calls, and leaves nothing open. */
import { TradecloudClient } from '../../../lib/api'
import { errorOf, FakeApi, hang, PASSWORD, reset, setUp, status, until, USERNAME } from './fake-api'

const { api, client } = setUp()

test('logs out with the refresh token, once', async () => {
  const tradecloud = client()
  await tradecloud.getOrder('1')
  const [refreshToken] = api().refreshTokens
  await Promise.all([tradecloud.close(), tradecloud.close()])
  await tradecloud.close()
  const logouts = api().seen.filter(({ endpoint }) => endpoint === 'logout')
  expect(logouts).toHaveLength(1)
  expect(logouts[0]?.headers).toMatchObject({ 'refresh-token': refreshToken, 'content-length': '0' })
  expect(logouts[0]?.headers.authorization).toBeUndefined()
  expect(logouts[0]?.headers['content-type']).toBeUndefined()
})

test('sends nothing when nothing was fetched', async () => {
  await client().close()
  expect(api().seen).toHaveLength(0)
})

test('refuses later calls', async () => {
  const tradecloud = client()
  await tradecloud.close()
  expect(await errorOf(tradecloud.getOrder('1'))).toMatchObject({ code: 'unavailable', attempts: 0 })
  expect(await errorOf(tradecloud.getShipment('1'))).toMatchObject({ code: 'unavailable' })
  expect(api().seen).toHaveLength(0)
})

test.each([
  ['is refused', status(401)],
  ['breaks', reset],
  ['hangs', hang],
])('does not reject when the logout %s', async (_what, script) => {
  const tradecloud = client({ requestTimeoutMs: 100 })
  await tradecloud.getOrder('1')
  api().always('logout', script)
  await expect(tradecloud.close()).resolves.toBeUndefined()
})

test('lets a request that runs finish', async () => {
  const held: Array<() => void> = []
  api().next('order', (req, res) => void held.push(() => api().serve('order', req, res)))
  const tradecloud = client()
  const order = tradecloud.getOrder('1')
  await until(() => held.length === 1)
  const closed = tradecloud.close()
  await until(() => api().count('logout') === 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  held[0]?.()
  expect(await order).toEqual({ id: '1' })
  await closed
})

test('tells how a request that ran failed, and does not send it again', async () => {
  const held: Array<() => void> = []
  api().next('order', (_req, res) => void held.push(() => res.writeHead(503).end()))
  const tradecloud = client()
  const call = errorOf(tradecloud.getOrder('1'))
  await until(() => held.length === 1)
  const closed = tradecloud.close()
  held[0]?.()
  expect(await call).toMatchObject({ code: 'fetch_failed', apiStatus: 503 })
  await closed
  expect(api().count('order')).toBe(1)
})

test('ends a request that hangs, within requestTimeoutMs', async () => {
  api().always('order', hang)
  const tradecloud = client({ requestTimeoutMs: 200 })
  const order = errorOf(tradecloud.getOrder('1'))
  await until(() => api().count('order') === 1)
  await tradecloud.close()
  expect(['unavailable', 'fetch_timeout']).toContain((await order).code)
  expect(api().count('order')).toBe(1)
})

test.each([
  ['a retry', 'order', 'unavailable'],
  ['the retry of a login', 'login', 'unavailable'],
] as const)('ends a call that waits for %s', async (_what, endpoint, code) => {
  api().always(endpoint, status(503, { 'Retry-After': '10' }))
  // If `close()` did not end the wait, the test would time out.
  const tradecloud = client({ requestTimeoutMs: 60_000, fetchTimeoutMs: 60_000 })
  const call = errorOf(tradecloud.getOrder('1'))
  await until(() => api().count(endpoint) === 1)
  // The server has the request; this pause gives the client time to receive the response.
  await new Promise((resolve) => setTimeout(resolve, 50))
  await tradecloud.close()
  expect(await call).toMatchObject({ code })
  expect(api().count(endpoint)).toBe(1)
})

test('ends a call that waits for a login, and logs out with what the login brings', async () => {
  const held: Array<() => void> = []
  api().next('login', (req, res) => void held.push(() => api().serve('login', req, res)))
  const tradecloud = client()
  const call = errorOf(tradecloud.getOrder('1'))
  await until(() => held.length === 1)
  const closed = tradecloud.close()
  expect(await call).toMatchObject({ code: 'unavailable' })
  held[0]?.()
  await closed
  expect(api().count('logout')).toBe(1)
  expect(api().count('order')).toBe(0)
})

test('leaves no socket and no timer open', async () => {
  const open = () =>
    process
      .getActiveResourcesInfo()
      .filter((type) => /TCP|Timeout/.test(type))
      .sort()
  jest.useRealTimers()
  const before = open()
  const own = await new FakeApi().start()
  own.next('order', status(503))
  const tradecloud = new TradecloudClient({ baseUrl: own.baseUrl, username: USERNAME, password: PASSWORD })
  await tradecloud.getOrder('1')
  expect(await own.connections()).toBeGreaterThan(0)
  await tradecloud.close()
  await until(async () => (await own.connections()) === 0)
  await own.stop()
  await until(() => open().length <= before.length)
})

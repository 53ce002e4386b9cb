/** Tokens: one request for any number of callers, refresh before expiry, and what happens after a 401. */
import { errorOf, hang, reset, setUp, status, until, withoutJitter } from './fake-api'

const { api, client } = setUp()

test('logs in once for many calls at once, and keeps the token', async () => {
  const tradecloud = client()
  const orders = await Promise.all(Array.from({ length: 30 }, (_, i) => tradecloud.getOrder(`PO-${i}`)))
  expect(orders.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, i) => `PO-${i}`))
  await tradecloud.getShipment('S-1')
  expect(api().count('login')).toBe(1)
  expect(api().count('shipment')).toBe(1)
  expect(api().count('refresh')).toBe(0)
})

test('refreshes before the end, with a refresh token that is used once and no Authorization', async () => {
  api().tokenLifetimeMs = 100
  const tradecloud = client()
  await tradecloud.getOrder('1')
  await new Promise((resolve) => setTimeout(resolve, 90))
  api().tokenLifetimeMs = 3_600_000
  await Promise.all(Array.from({ length: 10 }, () => tradecloud.getOrder('2')))
  expect(api().count('login')).toBe(1)
  expect(api().count('refresh')).toBe(1)
  const refresh = api().seen.find(({ endpoint }) => endpoint === 'refresh')
  expect(refresh?.headers.authorization).toBeUndefined()
})

test.each([
  ['60 s before the end of a long token', 3_600_000, 3_539_000, 3_541_000],
  ['a fifth before the end of a short token', 10_000, 7_500, 8_500],
  ['9 minutes after it came, where the token does not tell', undefined, 539_000, 541_000],
  ['9 minutes after it came, where it ended before it came', -60_000, 539_000, 541_000],
])('refreshes %s', async (_when, lifetimeMs, stillGoodMs, refreshedMs) => {
  api().tokenLifetimeMs = lifetimeMs
  const tradecloud = client()
  const start = Date.now()
  await tradecloud.getOrder('1')
  const now = jest.spyOn(Date, 'now').mockReturnValue(start + stillGoodMs)
  await tradecloud.getOrder('2')
  expect(api().count('refresh')).toBe(0)
  now.mockReturnValue(start + refreshedMs)
  await tradecloud.getOrder('3')
  expect(api().count('refresh')).toBe(1)
  expect(api().count('login')).toBe(1)
})

test.each([
  ['is refused', status(401)],
  ['brings no token', status(200)],
  ['loses its answer', reset],
  ['gets no answer', hang],
  ['fails', status(500)],
])('logs in anew, once, when the refresh %s', async (_what, script) => {
  withoutJitter()
  const tradecloud = client({ requestTimeoutMs: 100 })
  await tradecloud.getOrder('1')
  api().accessTokens.clear()
  api().next('refresh', script)
  await Promise.all(Array.from({ length: 5 }, () => tradecloud.getOrder('2')))
  expect(api().count('refresh')).toBe(1)
  expect(api().count('login')).toBe(2)
})

test('keeps the refresh token when the refresh was only turned away', async () => {
  withoutJitter()
  const tradecloud = client()
  await tradecloud.getOrder('1')
  api().accessTokens.clear()
  api().next('refresh', status(429))
  await tradecloud.getOrder('2')
  expect(api().count('refresh')).toBe(2)
  expect(api().count('login')).toBe(1)
})

test('gets another token after a 401 and sends once again', async () => {
  const tradecloud = client()
  await tradecloud.getOrder('1')
  api().accessTokens.clear()
  const orders = await Promise.all(Array.from({ length: 10 }, () => tradecloud.getOrder('2')))
  expect(orders).toHaveLength(10)
  expect(api().count('refresh')).toBe(1)
  expect(api().count('login')).toBe(1)
})

test('uses the newer token after a 401 for an old one', async () => {
  const tradecloud = client()
  await tradecloud.getOrder('1')
  // Two requests with the same token are refused, one after the other.
  const late: Array<() => void> = []
  api().next('order', (_req, res) => void late.push(() => res.writeHead(401).end()), status(401))
  const first = tradecloud.getOrder('2')
  await until(() => late.length === 1)
  await tradecloud.getOrder('3')
  late[0]?.()
  expect(await first).toEqual({ id: '2' })
  expect(api().count('refresh') + api().count('login')).toBe(2)
})

test('gets another token when the newer one is refused as well', async () => {
  const tradecloud = client()
  const late: Array<() => void> = []
  api().next('order', (_req, res) => void late.push(() => res.writeHead(401).end()), status(401))
  const first = tradecloud.getOrder('1')
  await until(() => late.length === 1)
  await tradecloud.getOrder('2')
  api().next('order', status(401))
  late[0]?.()
  expect(await first).toEqual({ id: '1' })
  expect(api().count('refresh')).toBe(2)
})

test('fails when the new token is refused too, and begins with a login next time', async () => {
  const tradecloud = client()
  api().next('order', status(401), status(401))
  const error = await errorOf(tradecloud.getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 401, attempts: 4 })
  expect(api().count('order')).toBe(2)
  expect(await tradecloud.getOrder('1')).toEqual({ id: '1' })
  expect(api().count('login')).toBe(2)
})

test('does not try refused credentials again within a call', async () => {
  const tradecloud = client({ password: 'wrong' })
  const errors = await Promise.all(Array.from({ length: 5 }, () => errorOf(tradecloud.getOrder('1'))))
  for (const error of errors) expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 401, attempts: 1 })
  expect(errors[0]?.message).toContain('the credentials of this client')
  expect(api().seen.map(({ endpoint }) => endpoint)).toEqual(['login'])
})

test.each([302, 400, 403, 404, 201])('takes a login answered %d for a failure, not for an unknown ID', async (code) => {
  api().always('login', status(code, { 'Set-Authorization': 'canary' }))
  const error = await errorOf(client().getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: code, attempts: 1 })
})

test('takes a login without a token for a failure', async () => {
  api().next('login', status(200))
  expect(await errorOf(client().getOrder('1'))).toMatchObject({ code: 'fetch_failed', apiStatus: 200 })
})

test('tries a login again for all who wait', async () => {
  withoutJitter()
  api().next('login', status(503), reset, status(429))
  const tradecloud = client()
  await Promise.all(Array.from({ length: 5 }, () => tradecloud.getOrder('1')))
  expect(api().count('login')).toBe(4)
})

test('a caller that gives up does not take the login from the others', async () => {
  const held: Array<() => void> = []
  api().next('login', (req, res) => void held.push(() => api().serve('login', req, res)))
  const tradecloud = client()
  const controller = new AbortController()
  const aborted = errorOf(tradecloud.getOrder('1', { signal: controller.signal }))
  const short = errorOf(tradecloud.fetchEntity('order', '2', { timeoutMs: 20 }))
  const patient = tradecloud.getOrder('3')
  await until(() => held.length === 1)
  controller.abort(new Error('enough'))
  expect(await aborted).toMatchObject({ code: 'unavailable', cause: new Error('enough'), attempts: 1 })
  expect(await short).toMatchObject({ code: 'fetch_timeout' })
  held[0]?.()
  expect(await patient).toEqual({ id: '3' })
  expect(api().count('login')).toBe(1)
})

test('stops to log in when no one waits any more', async () => {
  api().always('login', status(503, { 'Retry-After': '10' }))
  const controller = new AbortController()
  const waiting = errorOf(client().getOrder('1', { signal: controller.signal }))
  await until(() => api().count('login') === 1)
  controller.abort()
  await waiting
  await new Promise((resolve) => setTimeout(resolve, 15_000))
  expect(api().count('login')).toBe(1)
})

test('the last failure of a login decides when there is no time for another', async () => {
  api().next('login', status(503, { 'Retry-After': '60' }))
  const error = await errorOf(client().getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 503 })
  expect(error.message).toContain('/authentication/login')
})

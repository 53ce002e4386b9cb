/** The simulated API behaves as the documentation of the real one says, over real sockets. */
import { createTradecloudSimulator, type TradecloudSimulator } from '../../lib/testing/simulator'
import { basic } from './simulator-receiver'

let tradecloud: TradecloudSimulator

beforeEach(async () => {
  tradecloud = await createTradecloudSimulator({ username: 'me@example.com', password: 'p:w' })
})

afterEach(() => tradecloud.close())

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

async function call(path: string, headers: Record<string, string> = {}, method = 'GET', from = tradecloud) {
  const response = await fetch(from.baseUrl + path, { method, headers })
  const text = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    access: response.headers.get('set-authorization') ?? '',
    refresh: response.headers.get('set-refresh-token') ?? '',
    body: text === '' ? undefined : JSON.parse(text),
  }
}

const login = (from = tradecloud) => call('/authentication/login', basic('me@example.com', 'p:w'), 'GET', from)
const refresh = (token: string) => call('/authentication/refresh', { 'Refresh-Token': token })

describe('login', () => {
  it('answers bare tokens in headers and a JSON body, below the base path', async () => {
    expect(tradecloud.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v2$/)
    const answer = await login()
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ username: 'me@example.com', status: 'authenticated' })
    expect(answer.access).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(answer.refresh).toMatch(/^[\w-]+$/)
    const { exp } = JSON.parse(Buffer.from(answer.access.split('.')[1]!, 'base64url').toString())
    const secondsLeft = exp - Date.now() / 1000
    expect(secondsLeft).toBeGreaterThan(3590)
    expect(secondsLeft).toBeLessThanOrEqual(3600)
  })

  it.each([
    ['a wrong password', basic('me@example.com', 'p')],
    ['a wrong user', basic('you@example.com', 'p:w')],
    ['no credentials', {}],
    ['a bearer token', bearer('abc')],
  ])('answers 401 and no tokens to %s', async (_, headers) => {
    expect(await call('/authentication/login', headers as Record<string, string>)).toMatchObject({
      status: 401,
      access: '',
      refresh: '',
    })
  })

  it('has a user of its own, and names it', async () => {
    const own = await createTradecloudSimulator({ username: undefined })
    const answer = await call('/authentication/login', basic(own.username, own.password), 'GET', own)
    await own.close()
    expect(answer.status).toBe(200)
  })
})

describe('refresh', () => {
  it('answers two new tokens, of which the access token works', async () => {
    const first = await login()
    const second = await refresh(first.refresh)
    expect(second.status).toBe(200)
    expect(new Set([first.access, second.access, first.refresh, second.refresh, '']).size).toBe(5)
    expect((await call('/order/1', bearer(second.access))).status).toBe(404)
    expect((await refresh(second.refresh)).status).toBe(200)
  })

  it('takes a refresh token once', async () => {
    const { refresh: token } = await login()
    expect((await refresh(token)).status).toBe(200)
    expect(await refresh(token)).toMatchObject({ status: 401, access: '', refresh: '' })
  })

  it('lets one of two refreshes at once win', async () => {
    const { refresh: token } = await login()
    const answers = await Promise.all([refresh(token), refresh(token)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
  })

  it('answers 401 to an unknown token, to none, and to an expired one', async () => {
    const { refresh: token } = await login()
    expect((await refresh('unknown')).status).toBe(401)
    expect((await call('/authentication/refresh')).status).toBe(401)
    tradecloud.api.expireRefreshTokens()
    expect((await refresh(token)).status).toBe(401)
  })

  it('refuses an Authorization header, and leaves the token alone', async () => {
    const { access, refresh: token } = await login()
    const headers = { 'Refresh-Token': token, ...bearer(access) }
    expect(await call('/authentication/refresh', headers)).toMatchObject({ status: 400, access: '', refresh: '' })
    expect((await refresh(token)).status).toBe(200)
  })
})

describe('logout', () => {
  it('ends the refresh token at once, while the access token lives on for a time', async () => {
    const { access, refresh: token } = await login()
    const other = await login()
    expect((await call('/authentication/logout', { 'Refresh-Token': token }, 'POST')).status).toBe(200)
    expect((await refresh(token)).status).toBe(401)
    expect((await call('/order/1', bearer(access))).status).toBe(404)
    expect((await refresh(other.refresh)).status).toBe(200)
  })

  it('ends the access token within 10 minutes', async () => {
    const { access, refresh: token } = await login()
    const other = await login()
    await call('/authentication/logout', { 'Refresh-Token': token }, 'POST')
    tradecloud.clock.advance(600_000)
    expect((await call('/order/1', bearer(access))).status).toBe(401)
    expect((await call('/order/1', bearer(other.access))).status).toBe(404)
  })
})

describe('orders and shipments', () => {
  it.each(['order', 'shipment'] as const)('serves the %s that was set, until it is deleted', async (kind) => {
    const { access } = await login()
    const { api } = tradecloud
    const entity = { id: 'c-1', lines: [{ id: 'c-1-1' }] }
    if (kind === 'order') api.setOrder('c-1', entity)
    else api.setShipment('c-1', entity)
    const expected = structuredClone(entity)
    entity.lines.length = 0 // later changes of the object have no effect
    expect(await call(`/${kind}/c-1`, bearer(access))).toMatchObject({
      status: 200,
      type: 'application/json',
      body: expected,
    })
    expect((await call(`/${kind === 'order' ? 'shipment' : 'order'}/c-1`, bearer(access))).status).toBe(404)
    if (kind === 'order') api.deleteOrder('c-1')
    else api.deleteShipment('c-1')
    expect((await call(`/${kind}/c-1`, bearer(access))).status).toBe(404)
  })

  it.each([
    ['no token', {}],
    ['a token that was never given out', bearer('a.b.c')],
    ['Basic credentials', basic('me@example.com', 'p:w')],
  ])('answers 401 to %s, also for an unknown ID', async (_, headers) => {
    tradecloud.api.setOrder('1', { id: '1' })
    expect((await call('/order/1', headers as Record<string, string>)).status).toBe(401)
    expect((await call('/order/2', headers as Record<string, string>)).status).toBe(401)
  })

  it('answers 401 to an access token that the test expired, and takes the next', async () => {
    const { access, refresh: token } = await login()
    tradecloud.api.setOrder('1', { id: '1' })
    tradecloud.api.expireTokens()
    expect((await call('/order/1', bearer(access))).status).toBe(401)
    const next = await refresh(token)
    expect((await call('/order/1', bearer(next.access))).status).toBe(200)
  })

  it('answers 401 when the lifetime of a token is over', async () => {
    const own = await createTradecloudSimulator({
      username: 'me@example.com',
      password: 'p:w',
      accessTokenMs: 300_000,
      refreshTokenMs: 600_000,
    })
    try {
      const { access, refresh: token } = await login(own)
      const after = async (ms: number) => {
        own.clock.advance(ms)
        return (await call('/order/1', bearer(access), 'GET', own)).status
      }
      expect(await after(290_000)).toBe(404)
      expect(await after(10_000)).toBe(401)
      own.clock.advance(300_000)
      expect((await call('/authentication/refresh', { 'Refresh-Token': token }, 'GET', own)).status).toBe(401)
    } finally {
      await own.close()
    }
  })

  it.each(['c-PO/1', 'c-#1', 'c-100%', 'c-%2F', 'c-a?b=c', 'c-ü€'])('finds the ID %s, decoded once', async (id) => {
    const { access } = await login()
    tradecloud.api.setOrder(id, { id })
    expect((await call(`/order/${encodeURIComponent(id)}`, bearer(access))).body).toEqual({ id })
    expect(tradecloud.api.requests.at(-1)).toMatchObject({ endpoint: 'order', id, status: 200 })
  })

  it.each(['/order/a/b', '/order/%zz', '/order/', '/order', '/orders/1', '/', '/authentication/logout'])(
    'answers 404 to GET %s',
    async (path) => {
      const { access } = await login()
      tradecloud.api.setOrder('a', {})
      expect((await call(path, bearer(access))).status).toBe(404)
    },
  )
})

describe('controls of the API', () => {
  it('fails as many requests as asked for, and then none', async () => {
    const { access } = await login()
    tradecloud.api.setOrder('1', { id: '1' })
    tradecloud.api.failNext(2, 503)
    tradecloud.api.failNext(1, 429)
    const statuses: number[] = []
    for (let n = 0; n < 4; n++) statuses.push((await call('/order/1', bearer(access))).status)
    expect(statuses).toEqual([503, 503, 429, 200])
  })

  it('fails only the endpoint that was named, and does nothing for a failed request', async () => {
    tradecloud.api.failNext(1, 500, 'refresh')
    const { access, refresh: token } = await login()
    expect((await call('/order/1', bearer(access))).status).toBe(404)
    expect((await refresh(token)).status).toBe(500)
    expect((await refresh(token)).status).toBe(200)
  })

  it('refuses a status that cannot be answered', () => {
    expect(() => tradecloud.api.failNext(1, 42)).toThrow('42')
  })

  it('counts and lists the requests', async () => {
    const { access, refresh: token } = await login()
    const second = await refresh(token)
    await call('/order/1', bearer(access))
    await call('/order/2', bearer(access))
    await call('/shipment/1?x=1', bearer(access))
    await call('/authentication/logout', { 'Refresh-Token': second.refresh }, 'POST')
    expect(tradecloud.api.counts).toEqual({
      logins: 1,
      refreshes: 1,
      logouts: 1,
      orderRequests: 2,
      shipmentRequests: 1,
      polls: 0,
      documentMetadataRequests: 0,
      documentContentRequests: 0,
      downloads: 0,
    })
    expect(tradecloud.api.requests.map(({ endpoint, method, status }) => [endpoint, method, status])).toEqual([
      ['login', 'GET', 200],
      ['refresh', 'GET', 200],
      ['order', 'GET', 404],
      ['order', 'GET', 404],
      ['shipment', 'GET', 404],
      ['logout', 'POST', 200],
    ])
    expect(tradecloud.api.requests[1]!.headers).toMatchObject({ 'refresh-token': token })
    expect(tradecloud.api.requests[4]!.url).toBe('/v2/shipment/1?x=1')
  })
})

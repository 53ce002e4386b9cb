/**
 * Source addresses of real requests: `allow` is checked after the credentials, proxies are trusted by the app or by
 * `trustProxy`, and a warning is logged if everyone is trusted.
 */
import express from 'express'
import { once } from 'node:events'
import { createServer, request, type RequestListener } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TrustProxyOption } from 'tradecloud-webhook'
import {
  authorization,
  basic,
  closeAll,
  credential,
  deferred,
  orderEvent,
  startRig,
  temporaryFolder,
  temporaryInbox,
  until,
  type Rig,
  type RigOptions,
} from './harness'

const servers: Array<{ close: () => void }> = []

afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await closeAll()
})

const TRADECLOUD = '35.204.224.107'
const STRANGER = '203.0.113.9'
const WRONG = basic('tradecloud', 'wrong')

/** Starts a webhook. `trustProxy` is a setting of the app or, with `as a listener`, an option of the webhook. */
function startBehind(trustProxy: TrustProxyOption | undefined, options: RigOptions = {}): Promise<Rig> {
  if (options.mounting === 'as a listener') return startRig({ allow: ['production'], trustProxy, ...options })
  const before = (app: express.Express) => trustProxy !== undefined && app.set('trust proxy', trustProxy)
  return startRig({ allow: ['production'], before, ...options })
}

const forwarded = (...addresses: string[]) => ({ headers: { 'X-Forwarded-For': addresses } })

/** Sends a GET trigger to an address or a socket file, and reads the status. */
async function statusOf(target: object, headers: Record<string, string> = {}): Promise<number> {
  const sent = request({ path: '/order/1', headers: { Authorization: authorization, ...headers }, ...target }).end()
  const [answer] = (await once(sent, 'response')) as [{ statusCode: number; resume: () => void }]
  answer.resume()
  return answer.statusCode
}

async function listenAt(listener: RequestListener, ...where: [string] | [number, string]): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  await once(server.listen(...(where as [number, string])), 'listening')
  const address = server.address()
  return typeof address === 'object' ? address!.port : 0
}

describe.each(['in a nested router', 'as a listener'] as const)('%s', (mounting) => {
  test('without allow, anyone may send', async () => {
    const rig = await startRig({ mounting })
    expect(await rig.post(orderEvent(), forwarded(STRANGER))).toMatchObject({ status: 200 })
    expect(rig.records[0]?.address).toBeUndefined()
  })

  test('an address that is allowed comes in', async () => {
    const rig = await startRig({ mounting, allow: ['production', '127.0.0.0/8'] })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 200 })
    expect(rig.records).toMatchObject([{ outcome: 'delivered', address: '127.0.0.1' }])
    expect(rig.log).toEqual([])
  })

  test.each<[string, RigOptions['auth'], string | null]>([
    ['right credentials', credential, authorization],
    ['a custom function', () => true, null],
    ['an asynchronous function', async () => true, null],
    ['one of several credentials', [{ type: 'bearer', token: 'a-token' }], 'Bearer a-token'],
  ])('any other, with %s: 503', async (_what, auth, header) => {
    const rig = await startRig({ mounting, allow: ['production'], auth })
    const answer = await rig.post(orderEvent(), { auth: header })
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '10' },
      json: { code: 'address_not_allowed', status: 503 },
    })
    expect(answer.text).not.toContain('127.0.0.1')
    expect(rig.calls).toEqual([])
    expect(rig.records).toMatchObject([
      { outcome: 'address_not_allowed', status: 503, givenUp: false, address: '127.0.0.1', bodyBytes: 0 },
    ])
    expect(rig.errors[0]?.error).toMatchObject({
      code: 'address_not_allowed',
      status: 503,
      cause: { message: '127.0.0.1 is not in the option `allow`' },
    })
    expect(rig.errors[0]?.context).toMatchObject({ address: '127.0.0.1', rawBody: undefined })
    expect(rig.log).toMatchObject([{ level: 'warn', line: expect.stringContaining('127.0.0.1 is not in the option') }])
  })

  test("any other, with auth: 'none': 403", async () => {
    for (const refusals of ['final', 'retry'] as const) {
      const rig = await startRig({ mounting, allow: ['acceptance'], auth: 'none', refusals })
      const answer = await rig.post(orderEvent())
      expect(answer).toMatchObject({ status: 403, json: { code: 'address_not_allowed', status: 403 } })
      expect(answer.headers).not.toHaveProperty('retry-after')
      expect(answer.headers.connection).toBe('close')
      expect(rig.calls).toEqual([])
      expect(rig.records).toMatchObject([{ outcome: 'address_not_allowed', givenUp: true, address: '127.0.0.1' }])
      expect(rig.log).toMatchObject([
        { level: 'error', line: expect.stringMatching(/Answered 403 address_not_allowed.*127\.0\.0\.1/) },
      ])
    }
  })

  test.each([WRONG, null])('credentials come first: %p gets 401 and learns nothing of addresses', async (auth) => {
    const rig = await startRig({ mounting, allow: ['production'] })
    const allowing = await startRig({ mounting, allow: ['127.0.0.1'] })
    const told = [await rig.post(orderEvent(), { auth }), await allowing.post(orderEvent(), { auth })].map(
      (answer) => ({
        ...answer,
        text: answer.text.replace(/"requestId":"[^"]*"/, ''),
        json: { ...answer.json, requestId: '' },
        headers: { ...answer.headers, date: '' },
      }),
    )
    expect(told[0]).toMatchObject({ status: 401, json: { code: 'unauthorized' } })
    expect(told[0]).toEqual(told[1])
    expect(JSON.stringify(rig.errors.map(({ error }) => [error.message, error.cause]))).not.toContain('127.0.0.1')
    // The delivery record contains the address; the response and the errors of `onError` do not.
    expect(rig.records).toMatchObject([{ outcome: 'unauthorized', address: '127.0.0.1' }])
  })

  test('X-Forwarded-For does not count by itself', async () => {
    for (const trustProxy of [undefined, false, 0, STRANGER, 'uniquelocal']) {
      const rig = await startBehind(trustProxy, { mounting })
      expect(await rig.get('/order/1', forwarded(TRADECLOUD))).toMatchObject({ status: 503 })
      expect(rig.records).toMatchObject([{ outcome: 'address_not_allowed', address: '127.0.0.1' }])
      expect(rig.log[0]?.line).toContain('its X-Forwarded-For is ignored')
    }
  })

  test.each<[string, TrustProxyOption]>([
    ['the number of proxies', 1],
    ['an address', '127.0.0.1'],
    ['a range', '127.0.0.0/8'],
    ['a name', 'loopback'],
    ['names', 'linklocal, loopback'],
    ['a list', ['192.0.2.1', '127.0.0.1']],
    ['a function', (address) => address === '127.0.0.1'],
    ['a function of hops', (_address, hop) => hop < 1],
  ])('behind one proxy that is trusted by %s', async (_what, trustProxy) => {
    const rig = await startBehind(trustProxy, { mounting })
    expect(await rig.get('/order/1', forwarded(TRADECLOUD))).toMatchObject({ status: 200 })
    expect(await rig.get('/order/1', forwarded(`::ffff:${TRADECLOUD}`))).toMatchObject({ status: 200 })
    expect(await rig.get('/order/1', forwarded(`${TRADECLOUD}:50123`))).toMatchObject({ status: 200 })
    expect(await rig.get('/order/1', forwarded(`[::ffff:${TRADECLOUD}]:50123`))).toMatchObject({ status: 200 })
    // The sender may write an address in front of the one that the proxy adds, in the same header or in another header.
    expect(await rig.get('/order/1', forwarded(`${TRADECLOUD}, ${STRANGER}`))).toMatchObject({ status: 503 })
    expect(await rig.get('/order/1', forwarded(TRADECLOUD, STRANGER))).toMatchObject({ status: 503 })
    expect(await rig.get('/order/1', forwarded(`${TRADECLOUD}, ${STRANGER}:443`))).toMatchObject({ status: 503 })
    // The proxy itself sends a request, such as a health check.
    expect(await rig.get('/order/1')).toMatchObject({ status: 503 })
    expect(rig.records.map(({ address }) => address)).toEqual([
      ...[TRADECLOUD, TRADECLOUD, TRADECLOUD, TRADECLOUD],
      ...[STRANGER, STRANGER, STRANGER, '127.0.0.1'],
    ])
    expect(rig.log.filter(({ line }) => line.includes('trusts everyone'))).toEqual([])
  })

  test('behind two proxies, both trusted or one', async () => {
    const chain = forwarded(`${STRANGER}, ${TRADECLOUD}, 10.0.0.7:443`)
    for (const trustProxy of [2, 'loopback, uniquelocal']) {
      const rig = await startBehind(trustProxy, { mounting })
      expect(await rig.get('/order/1', chain)).toMatchObject({ status: 200 })
    }
    for (const trustProxy of [1, 'loopback', 3]) {
      const rig = await startBehind(trustProxy, { mounting })
      expect(await rig.get('/order/1', chain)).toMatchObject({ status: 503 })
      expect(rig.records[0]?.address).toBe(trustProxy === 3 ? STRANGER : '10.0.0.7')
    }
  })

  test.each([
    'unknown',
    '010.0.0.1',
    `${TRADECLOUD}x`,
    `${TRADECLOUD}:99999999`,
    `for=${TRADECLOUD}`,
    `"${TRADECLOUD}"`,
    '\u0085forged\u009b2J',
    `${TRADECLOUD}%0a`,
    'x'.repeat(5000),
  ])('a proxy that passes on %j: not allowed, and nothing is forged', async (garbage) => {
    const rig = await startBehind(1, { mounting, allow: ['0.0.0.0/0', '::/0'] })
    expect(await rig.get('/order/1', forwarded(garbage))).toMatchObject({ status: 503 })
    expect(rig.records).toMatchObject([{ outcome: 'address_not_allowed' }])
    expect(rig.records[0]?.address).toBeUndefined()
    expect(rig.log).toHaveLength(1)
    expect(rig.log[0]?.line).toContain('is not an address')
    expect(rig.log[0]?.line).not.toContain('is ignored')
    expect(rig.log[0]?.line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
    expect(rig.log[0]!.line.length).toBeLessThan(600)
    expect((rig.errors[0]?.error.cause as Error).message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })

  test('where everyone is trusted, the first request warns, once', async () => {
    for (const trustProxy of [true, () => true, ['0.0.0.0/1', '128.0.0.0/1']]) {
      const rig = await startBehind(trustProxy, { mounting })
      expect(rig.log).toEqual([])
      // The warning is logged for any request, because the setting itself is wrong.
      expect(await rig.get('/order/1', { auth: null })).toMatchObject({ status: 401 })
      const setting = mounting === 'as a listener' ? 'the option `trustProxy`' : "Express's setting `trust proxy`"
      expect(rig.log[0]).toMatchObject({
        level: 'warn',
        line: expect.stringContaining(`${setting} trusts everyone: anyone can claim any address`),
      })
      expect(rig.log[0]?.line).toContain('the number of proxies')
      for (let i = 0; i < 3; i++) await rig.get('/order/1', forwarded(TRADECLOUD))
      expect(rig.records.map(({ outcome }) => outcome).slice(1)).toEqual(['delivered', 'delivered', 'delivered'])
      expect(rig.log.filter(({ line }) => line.includes('trusts everyone'))).toHaveLength(1)
    }
  })

  test('without allow, whom one trusts does not matter', async () => {
    if (mounting === 'as a listener') {
      await expect(startBehind(true, { mounting, allow: undefined })).rejects.toThrow(
        '`trustProxy` is set without `allow`',
      )
      return
    }
    const rig = await startBehind(true, { mounting, allow: undefined })
    expect(await rig.get('/order/1')).toMatchObject({ status: 200 })
    expect(rig.log).toEqual([])
  })

  test('a trust function that throws: 503, and 401 for a stranger', async () => {
    const trustProxy = (): boolean => {
      throw new Error('no list of proxies yet')
    }
    const rig = await startBehind(trustProxy, { mounting })
    expect(await rig.get('/order/1', { auth: WRONG })).toMatchObject({ status: 401 })
    const answer = await rig.get('/order/1', forwarded(TRADECLOUD))
    expect(answer).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(rig.errors.at(-1)?.error).toMatchObject({ cause: { message: 'no list of proxies yet' } })
    expect(rig.log.at(-1)?.line).toContain('no list of proxies yet')
  })
})

describe('the order of the checks', () => {
  test('address before closed, method, ID, media type and body', async () => {
    const rig = await startRig({ allow: ['production'], bodyLimit: 10 })
    const wrongInAll = { path: '/order/%FF', headers: { 'Content-Type': 'text/plain' }, body: 'x'.repeat(100) }
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])
      expect(await rig.send({ ...wrongInAll, method })).toMatchObject({ status: 503 })
    await rig.webhook.close()
    expect(await rig.get('/order/1')).toMatchObject({ status: 503, json: { code: 'address_not_allowed' } })
    expect(await rig.get('/order/1', { auth: WRONG })).toMatchObject({ status: 401 })
    expect(new Set(rig.records.slice(0, -1).map(({ outcome }) => outcome))).toEqual(new Set(['address_not_allowed']))
  })

  test('nothing of a refused request reaches the inbox', async () => {
    const inbox = temporaryInbox()
    const rig = await startRig({ allow: ['production'], inbox })
    expect(await rig.post('no event')).toMatchObject({ status: 503, json: { code: 'address_not_allowed' } })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503, json: { code: 'address_not_allowed' } })
    expect(await inbox.stats()).toMatchObject({ waiting: 0, quarantined: 0 })
  })

  test('whoever hangs up while the credentials are checked is still known by its address', async () => {
    const verdict = deferred<boolean>()
    const asked = deferred()
    const gone = deferred()
    const rig = await startRig({
      allow: ['127.0.0.1'],
      auth: async (req) => {
        req.socket.once('close', () => gone.resolve())
        asked.resolve()
        return verdict.promise
      },
    })
    const connection = rig.open()
    connection.write('GET /tradecloud/order/1 HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await asked.promise
    connection.destroy()
    await gone.promise
    verdict.resolve(true)
    await until(() => rig.records.length === 1)
    expect(rig.calls).toHaveLength(1)
    expect(rig.records).toMatchObject([{ outcome: 'delivered', answered: false, address: '127.0.0.1' }])
  })
})

describe('under Express', () => {
  test('the option trustProxy does not count', async () => {
    const rig = await startRig({ allow: ['production'], trustProxy: true })
    expect(await rig.get('/order/1', forwarded(TRADECLOUD))).toMatchObject({ status: 503 })
    expect(rig.records).toMatchObject([{ address: '127.0.0.1' }])
    expect(rig.log.filter(({ line }) => line.includes('trusts everyone'))).toEqual([])
  })

  test('the app that has the request counts, and it inherits', async () => {
    for (const [outer, inner, expected] of [
      [true, false, '127.0.0.1'],
      [false, 1, TRADECLOUD],
      [1, undefined, TRADECLOUD],
      [undefined, undefined, '127.0.0.1'],
    ] as const) {
      const rig = await startRig({ allow: ['production'] })
      const apps = [express(), express()] as const
      if (outer !== undefined) apps[0].set('trust proxy', outer)
      if (inner !== undefined) apps[1].set('trust proxy', inner)
      let ip: string | undefined
      apps[1].use((req, _res, next) => {
        ip = req.ip
        next()
      })
      apps[1].use('/hook', express.Router().use(rig.webhook))
      apps[0].use('/inner', apps[1])
      const port = await listenAt(apps[0], 0, '127.0.0.1')
      const target = { port, host: '127.0.0.1', path: '/inner/hook/order/1' }
      expect(await statusOf(target, { 'X-Forwarded-For': TRADECLOUD })).toBe(expected === TRADECLOUD ? 200 : 503)
      expect(rig.records).toMatchObject([{ address: expected }])
      expect(ip).toBe(expected)
      expect(rig.log.filter(({ line }) => line.includes('trusts everyone'))).toEqual([])
    }
  })

  test('in two apps, each by its own setting; one warning for both', async () => {
    const rig = await startBehind(1)
    const everyone = [express(), express()] as const
    const ports = []
    for (const app of everyone) {
      app.set('trust proxy', true).use(rig.webhook)
      ports.push(await listenAt(app, 0, '127.0.0.1'))
    }
    const chain = `${TRADECLOUD}, ${STRANGER}`
    expect(await rig.get('/order/1', forwarded(chain))).toMatchObject({ status: 503 })
    expect(rig.log.filter(({ line }) => line.includes('trusts everyone'))).toEqual([])
    for (const port of [...ports, ...ports])
      expect(await statusOf({ port, host: '127.0.0.1' }, { 'X-Forwarded-For': chain })).toBe(200)
    expect(rig.log.filter(({ line }) => line.includes('trusts everyone'))).toHaveLength(1)
  })

  test('a router without an app goes by trustProxy', async () => {
    const rig = await startRig({ allow: ['production'], trustProxy: 1 })
    const port = await listenAt((req, res) => rig.webhook(req as never, res as never, () => res.end()), 0, '127.0.0.1')
    expect(await statusOf({ port, host: '127.0.0.1' }, { 'X-Forwarded-For': TRADECLOUD })).toBe(200)
    expect(rig.records).toMatchObject([{ address: TRADECLOUD }])
  })
})

describe('sockets', () => {
  test('IPv4 on a socket for both is IPv4', async () => {
    const rig = await startRig({ mounting: 'as a listener', allow: ['127.0.0.1'] })
    const port = await listenAt(rig.webhook.listener, 0, '::')
    expect(await statusOf({ port, host: '127.0.0.1' })).toBe(200)
    expect(await statusOf({ port, host: '::1' })).toBe(503)
    expect(rig.records.map(({ address }) => address)).toEqual(['127.0.0.1', '::1'])
  })

  test('IPv6', async () => {
    const rig = await startRig({ mounting: 'as a listener', allow: ['::1'], trustProxy: 'loopback' })
    const port = await listenAt(rig.webhook.listener, 0, '::1')
    expect(await statusOf({ port, host: '::1' })).toBe(200)
    expect(await statusOf({ port, host: '::1' }, { 'X-Forwarded-For': '2001:DB8:0::1' })).toBe(503)
    expect(rig.records.map(({ address }) => address)).toEqual(['::1', '2001:db8::1'])
  })

  test.each<[TrustProxyOption, number, string | undefined]>([
    [false, 503, undefined],
    ['loopback', 503, undefined],
    [1, 200, TRADECLOUD],
  ])('a Unix socket has no address: trustProxy %p', async (trustProxy, status, address) => {
    const rig = await startRig({ mounting: 'as a listener', allow: ['production', '0.0.0.0/0', '::/0'], trustProxy })
    const socketPath = join(temporaryFolder(), 'web.sock')
    await listenAt(rig.webhook.listener, socketPath)
    expect(await statusOf({ socketPath }, { 'X-Forwarded-For': TRADECLOUD })).toBe(status)
    expect(rig.records).toMatchObject([{ status }])
    expect(rig.records[0]?.address).toBe(address)
    if (status === 503) expect(rig.log[0]?.line).toContain('the connection has no address, as on a Unix socket')
  })

  test('HTTP/2', async () => {
    const rig = await startRig({ mounting: 'as a listener', allow: ['production'], trustProxy: 1 })
    const server = createHttp2Server((req, res) => rig.webhook.listener(req as never, res as never))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    servers.push(server, session)
    const ask = async (forwardedFor: string | string[]) => {
      const stream = session.request({ ':path': '/order/1', authorization, 'x-forwarded-for': forwardedFor })
      const [headers] = (await once(stream, 'response')) as [{ ':status': number }]
      stream.resume()
      return headers[':status']
    }
    expect(await ask(TRADECLOUD)).toBe(200)
    expect(await ask([TRADECLOUD, STRANGER])).toBe(503)
    expect(rig.records.map(({ address }) => address)).toEqual([TRADECLOUD, STRANGER])
  })
})

test('refusals of addresses do not flood the log', async () => {
  const rig = await startRig({ allow: ['production'] })
  for (let i = 0; i < 15; i++) await rig.get('/order/1')
  expect(rig.records).toHaveLength(15)
  expect(rig.log).toHaveLength(10)
})

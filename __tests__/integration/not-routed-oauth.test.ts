/** OAuth on a path that matches no pattern: a token is checked only with keys that are already known. */
import { AUDIENCE, ISSUER, KeyServer, makeKey, sign } from '../unit/receive/sender/oauth/issuer'
import { closeAll, credential, until, type RigOptions } from './harness'
import { mounted, notRouted, start } from './not-routed-rig'

afterEach(closeAll)

describe('OAuth', () => {
  const key = makeKey('first')
  let server: KeyServer

  beforeEach(async () => {
    server = await new KeyServer().start()
    server.keys = [key.publicJwk]
  })
  afterEach(() => server.stop())

  const oauth = (more: object = {}): RigOptions => ({
    auth: [credential, { type: 'oauth', issuer: ISSUER, jwksUri: server.uri, audience: AUDIENCE, ...more }],
  })
  const bearer = async (claims = {}, signer = key): Promise<string> => `Bearer ${await sign(signer, claims)}`

  test('a token whose key is known is recognised, and no key is fetched', async () => {
    const app = await start(mounted(), oauth())
    expect(await app.ask({ path: '/tradecloud/order', auth: await bearer() })).toMatchObject({ status: 200 })
    await server.stop()
    for (const jti of ['1', '2'])
      expect(await app.ask({ path: '/tradecloud/orders', auth: await bearer({ jti }) })).toMatchObject(notRouted)
    expect(await app.ask('/tradecloud/orders')).toMatchObject(notRouted)
    expect(server.fetches).toBe(1)
  })

  test('a token whose key is not known is only logged', async () => {
    const app = await start(mounted(), oauth())
    expect(await app.ask({ path: '/tradecloud/orders', auth: await bearer() })).toMatchObject({ status: 404 })
    await until(() => app.log.length > 0)
    expect(app.log).toEqual([{ level: 'warn', line: expect.stringContaining('"/tradecloud/orders"') }])
    expect(await app.ask({ path: '/tradecloud/order', auth: await bearer() })).toMatchObject({ status: 200 })
    const unknown = await bearer({}, makeKey('other'))
    expect(await app.ask({ path: '/tradecloud/other', auth: unknown })).toMatchObject({ status: 404 })
    await until(() => app.log.length > 1)
    expect(app.records.map(({ outcome }) => outcome)).toEqual(['delivered'])
    expect(server.fetches).toBe(1)
  })

  test.each<[string, object, typeof key]>([
    ['for another audience', { aud: 'x' }, key],
    ['that has expired', { exp: 1 }, key],
    ['with a wrong signature', {}, { ...makeKey('forged'), kid: 'first' }],
  ])('a token %s is not recognised', async (_what, claims, signer) => {
    const app = await start(mounted(), oauth())
    expect(await app.ask({ path: '/tradecloud/order', auth: await bearer() })).toMatchObject({ status: 200 })
    const auth = await bearer(claims, signer)
    expect(await app.ask({ path: '/tradecloud/orders', auth })).toMatchObject({ status: 404 })
    expect(app.log).toEqual([])
  })

  test.each([
    ['says no', () => false, 404],
    ['says yes', () => Promise.resolve(true), 503],
    ['fails', () => Promise.reject(new Error('directory is down')), 404],
  ] as Array<[string, () => unknown, number]>)('checkClaims that %s', async (_what, then, status) => {
    const verdicts = [() => true, then]
    const app = await start(mounted(), oauth({ checkClaims: () => verdicts.shift()?.() }))
    expect(await app.ask({ path: '/tradecloud/order', auth: await bearer() })).toMatchObject({ status: 200 })
    expect((await app.ask({ path: '/tradecloud/orders', auth: await bearer() })).status).toBe(status)
  })

  test('an app that throws while the token was being checked is not held up', async () => {
    const app = await start(
      mounted((app) =>
        app.use(() => {
          throw Object.assign(new Error('x'), { status: 418 })
        }),
      ),
      oauth(),
    )
    expect(await app.ask({ path: '/tradecloud/order', auth: await bearer() })).toMatchObject({ status: 200 })
    expect(await app.ask({ path: '/tradecloud/orders', auth: await bearer() })).toMatchObject({ status: 418 })
  })
})

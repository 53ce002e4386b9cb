/** `webhook.health()` and the health router: `ready` is false exactly while events cannot be accepted. */
import { join } from 'node:path'
import { createHealthRouter, createTradecloudWorker, MemoryStore, type Store } from 'tradecloud-webhook'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { AUDIENCE, ISSUER, KeyServer, makeKey } from '../unit/receive/sender/oauth/issuer'
import { closeAll, closeLater, deferred, orderEvent, startRig, startServer, startUnvalidated } from './harness'
import { temporaryFolder, temporaryInbox, until } from './harness'
import { startInboxRig } from './inbox-rig'

afterEach(async () => {
  jest.restoreAllMocks()
  await closeAll()
})

const get = async (port: number, path: string, method = 'GET') => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

describe('the router', () => {
  it.each([
    ['in an app', true],
    ['as a listener', false],
  ])('%s: serves /live and /ready, and nothing else', async (_how, isMounted) => {
    const rig = await startRig({
      ...(isMounted && { before: (app) => app.use('/health', (req, res, next) => router(req, res, next)) }),
    })
    const router = createHealthRouter(rig.webhook)
    const { port } = isMounted ? rig : await startServer(router.listener)
    const at = isMounted ? '/health' : ''
    const live = await get(port, `${at}/live?x=1`)
    expect(live).toMatchObject({ status: 200, text: '{"live":true}' })
    expect(live.headers.get('cache-control')).toBe('no-store')
    const ready = await get(port, `${at}/ready`)
    expect(ready).toMatchObject({ status: 200, text: '{"ready":true,"checks":{"open":true,"load":true}}' })
    expect(await get(port, `${at}/ready`, 'HEAD')).toMatchObject({ status: 200, text: '' })
    for (const [path, method] of [
      [`${at}/`, 'GET'],
      [`${at}/live/`, 'GET'],
      [`${at}/ready`, 'POST'],
    ] as const)
      expect((await get(port, path, method)).status).toBe(404)
  })

  it('/live asks nothing, also while the inbox does not respond; many requests for /ready share one question', async () => {
    const inbox = temporaryInbox()
    const rig = await startInboxRig({ inbox })
    const asked = deferred()
    const check = jest.spyOn(inbox, 'check').mockReturnValue(asked.promise)
    const { port } = await startServer(createHealthRouter(rig.webhook).listener)
    const ready = Array.from({ length: 5 }, () => get(port, '/ready'))
    await until(() => check.mock.calls.length > 0)
    expect((await get(port, '/live')).status).toBe(200)
    asked.resolve()
    expect((await Promise.all(ready)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(check).toHaveBeenCalledTimes(1)
  })

  it('of several, all have to be ready; the response does not say why', async () => {
    const [one, other] = [await startRig(), await startRig()]
    const { port } = await startServer(createHealthRouter(one.webhook, other.webhook).listener)
    await other.webhook.close()
    const response = await get(port, '/ready')
    expect(response).toMatchObject({ status: 503, text: '{"ready":false,"checks":{"open":false,"load":true}}' })
    expect(await get(port, '/live')).toMatchObject({ status: 200 })
  })
})

describe('not ready', () => {
  it('while the inbox is full, and names the cause', async () => {
    const gate = deferred()
    const rig = await startInboxRig({
      inbox: temporaryInbox({ maxBytes: JSON.stringify(orderEvent()).length }),
      onOrder: () => gate.promise,
    })
    expect(await rig.webhook.health()).toEqual({
      ...{ live: true, ready: true },
      checks: { open: { ok: true }, load: { ok: true }, inbox: { ok: true } },
    })
    expect((await rig.post(orderEvent())).status).toBe(202)
    await until(async () => !(await rig.webhook.health()).ready)
    const { checks } = await rig.webhook.health()
    expect(checks.inbox?.detail).toContain('full')
    expect((await rig.post(orderEvent())).status).toBe(503)
    gate.resolve()
    await until(async () => (await rig.webhook.health()).ready)
    expect((await rig.post(orderEvent())).status).toBe(202)
  })

  it('while bodies in flight reach the limit', async () => {
    const gate = deferred()
    const size = Buffer.byteLength(JSON.stringify(orderEvent()))
    const rig = await startUnvalidated({
      ...{ bodyLimit: size, limits: { maxBytesInFlight: size } },
      onOrder: () => gate.promise,
    })
    const answer = rig.post(orderEvent())
    await until(async () => !(await rig.webhook.health()).ready)
    expect((await rig.webhook.health()).checks).toMatchObject({ load: { ok: false }, open: { ok: true } })
    gate.resolve()
    expect((await answer).status).toBe(200)
  })

  it('while the store of dedupe is away', async () => {
    const memory: Store = new MemoryStore()
    let isAway = true
    const claims: string[] = []
    const store: Store = {
      claim: (key, leaseMs) => {
        if (isAway) throw new Error('connect ECONNREFUSED')
        claims.push(key)
        return memory.claim(key, leaseMs)
      },
      renew: (...args) => memory.renew(...args),
      complete: (...args) => memory.complete(...args),
      release: (...args) => memory.release(...args),
    }
    const rig = await startRig({ dedupe: { store } })
    expect((await rig.webhook.health()).checks.store).toEqual({
      ok: false,
      detail: expect.stringContaining('ECONNREFUSED') as string,
    })
    isAway = false
    await until(async () => (await rig.webhook.health()).ready)
    // The health check has released its test claim.
    expect(memory.claim(claims[0] ?? '', 1_000)).toMatchObject({ status: 'claimed' })
  })

  it('while no key of OAuth is known, unless there are other credentials', async () => {
    const server = await new KeyServer().start()
    closeLater(() => server.stop())
    server.keys = [makeKey('first').publicJwk]
    const { uri } = server
    await server.stop()
    const oauth = { type: 'oauth', issuer: ISSUER, jwksUri: uri, audience: AUDIENCE } as const
    const rig = await startRig({ auth: oauth })
    expect((await rig.webhook.health()).checks.credentials).toMatchObject({ ok: false })
    const both = await startRig({ auth: [oauth, { type: 'bearer', token: 'x' }] })
    expect(await both.webhook.health()).toMatchObject({ ready: true })
    await server.start()
    await until(async () => (await rig.webhook.health()).ready)
  })

  it('once closed', async () => {
    const rig = await startInboxRig()
    await rig.webhook.close()
    const health = await rig.webhook.health()
    expect(health).toMatchObject({ live: true, ready: false, checks: { open: { ok: false }, inbox: { ok: false } } })
  })
})

it('a worker is ready while its inbox works, and until it is closed', async () => {
  const file = join(temporaryFolder(), 'inbox.db')
  const logger = { warn: () => undefined, error: () => undefined }
  const worker = createTradecloudWorker({ inbox: sqliteInbox({ file }), onOrder: () => undefined, logger })
  closeLater(() => worker.close())
  expect(await worker.health()).toEqual({
    live: true,
    ready: true,
    checks: { open: { ok: true }, inbox: { ok: true } },
  })
  await worker.close()
  await until(async () => !(await worker.health()).ready)
})

/** The app's responses to requests that match no pattern stay unchanged. */
import express from 'express'
import type { ServerResponse } from 'node:http'
import { RejectEvent } from 'tradecloud-webhook'
import { closeAll, apiOf, emptyCollection, startTradecloud, until, type RigOptions } from './harness'
import { create, mounted, notRouted, start } from './not-routed-rig'

afterEach(closeAll)

describe('what the app handles is not affected', () => {
  test.each(['HEAD', 'OPTIONS', 'DELETE', 'PATCH'])('%s', async (method) => {
    const app = await start(mounted((app) => app.use((_req, res) => void res.status(404).json({ from: 'app' }))))
    expect(await app.ask({ method, path: '/tradecloud/orders' })).toMatchObject({ status: 404 })
    expect(app.records).toEqual([])
    expect(app.log).toEqual([])
  })

  test('any other response', async () => {
    const app = await start(
      mounted((app) => {
        app.all(
          '/tradecloud/status/:status',
          (req, res) => void res.status(Number(req.params.status)).set('X-A', 'b').send('text'),
        )
        app.get('/tradecloud/file', (_req, res) => res.sendFile(__filename))
        app.get('/tradecloud/stream', (_req, res) => {
          res.writeHead(200, { 'X-A': 'b' })
          res.write('one ')
          setTimeout(() => res.end('two'), 5)
        })
        app.get('/tradecloud/redirect', (_req, res) => res.redirect('/x'))
        app.get('/tradecloud/error', () => {
          throw Object.assign(new Error('x'), { status: 418 })
        })
        app.post('/tradecloud/body', express.json(), (req, res) => void res.json(req.body))
        app.get('/tradecloud/early', (_req, res) =>
          res.writeEarlyHints({ link: '</a>; rel=preload' }, () => void res.send('a')),
        )
      }),
    )
    for (const status of [200, 204, 301, 400, 401, 403, 405, 410, 422, 500, 503])
      expect(await app.ask(`/tradecloud/status/${status}`)).toMatchObject({ status, headers: { 'x-a': 'b' } })
    const file = await app.ask({ method: 'GET', path: '/tradecloud/file' })
    expect(file).toMatchObject({ status: 200, headers: { etag: expect.any(String), 'accept-ranges': 'bytes' } })
    expect(file.text).toContain('/tradecloud/file')
    const range = await app.ask({ method: 'GET', path: '/tradecloud/file', headers: { Range: 'bytes=0-2' } })
    expect(range).toMatchObject({ status: 206, text: '/**' })
    const fresh = { 'If-None-Match': file.headers.etag! }
    expect(await app.ask({ method: 'GET', path: '/tradecloud/file', headers: fresh })).toMatchObject({ status: 304 })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/stream' })).toMatchObject({ status: 200, text: 'one two' })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/redirect' })).toMatchObject({ status: 302 })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/error' })).toMatchObject({ status: 418 })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/early' })).toMatchObject({ status: 200, text: 'a' })
    expect(await app.ask({ path: '/tradecloud/body', body: '{"a":1}' })).toMatchObject({ status: 200, json: { a: 1 } })
    expect(app.records).toEqual([])
    expect(app.log).toEqual([])
  })

  test('routes that users add to the webhook itself', async () => {
    const app = await start((app, webhook) => {
      webhook.get('/health', (_req, res) => void res.json({ ok: true }))
      app.use('/tradecloud', webhook)
    })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/health' })).toMatchObject({
      status: 200,
      json: { ok: true },
    })
  })

  test('a second webhook on the same mount, also where it means its 404', async () => {
    const second = emptyCollection()
    const tradecloud = await startTradecloud()
    const options: RigOptions = {
      paths: { order: ['/po', '/po/:orderId'], shipment: false, any: false },
      api: { ...apiOf(tradecloud), notFoundRetryMs: 0 },
      notFoundGraceMs: 0,
      onOrder: () => {
        throw new RejectEvent('no', { status: 404 })
      },
    }
    const app = await start((app, webhook) => {
      app.use('/tradecloud', webhook)
      app.use('/tradecloud', create(second, options))
    })
    expect(await app.ask('/tradecloud/order')).toMatchObject({ status: 200 })
    expect(await app.ask('/tradecloud/po')).toMatchObject({ status: 404, json: { code: 'rejected' } })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/po/unknown' })).toMatchObject({
      status: 404,
      json: { code: 'not_found' },
    })
    expect([...app.records, ...second.records].map(({ outcome }) => outcome)).toEqual([
      'delivered',
      'rejected',
      'not_found',
    ])
    second.log.length = 0
    expect(await app.ask('/tradecloud/orders')).toMatchObject(notRouted)
    expect([...app.records, ...second.records].filter(({ outcome }) => outcome === 'not_routed')).toHaveLength(1)
    expect([...app.log, ...second.log].filter(({ line }) => line.includes('not_routed'))).toHaveLength(1)
  })

  test('a second webhook with other credentials keeps its own events', async () => {
    const second = emptyCollection()
    const other = { type: 'bearer', token: 'other' } as const
    const app = await start((app, webhook) => {
      app.use('/tradecloud', webhook)
      app.use('/tradecloud', create(second, { auth: other }))
    })
    expect(await app.ask({ path: '/tradecloud/orders', auth: 'Bearer other' })).toMatchObject(notRouted)
    expect(app.records).toEqual([])
    expect(second.records).toMatchObject([{ outcome: 'not_routed' }])
  })

  test("unmatched: 'next' leaves everything to the app", async () => {
    const app = await start(mounted(), { unmatched: 'next' })
    expect(await app.ask('/tradecloud/orders')).toMatchObject({ status: 404 })
    expect(app.records).toEqual([])
    expect(app.log).toEqual([])
  })

  test.each([
    ["auth: 'none'", 'none'],
    ['a function', () => Promise.reject(new Error('not to be called'))],
  ] as const)('with %s the path is only logged, once', async (_what, auth) => {
    const app = await start(
      mounted((app) => app.get('/tradecloud/found', (_req, res) => void res.send('found'))),
      { auth },
    )
    app.log.length = 0
    for (let i = 0; i < 3; i++)
      expect(await app.ask('/tradecloud/orders')).toMatchObject({ status: 404, json: undefined })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/found', auth: null })).toMatchObject({ text: 'found' })
    await until(() => app.log.length > 0)
    expect(app.log).toEqual([{ level: 'warn', line: expect.stringContaining('POST "/tradecloud/orders"') }])
    expect(app.records).toEqual([])
  })

  test.each(['onDelivery', 'onError', 'logger'] as const)('%s that throws', async (what) => {
    const fail = (): never => {
      throw new Error('x')
    }
    const app = await start(mounted(), what === 'logger' ? { logger: { warn: fail, error: fail } } : { [what]: fail })
    expect(await app.ask('/tradecloud/orders')).toMatchObject(notRouted)
  })

  test.each(['setHeader', 'getHeaderNames', 'removeHeader'] as const)(
    'where %s of the response throws, the response of the app is sent',
    async (method) => {
      const app = await start(
        mounted((app) =>
          app.use((_req, res: ServerResponse) => {
            res.statusCode = 404
            res.setHeader('Content-Type', 'text/plain')
            res[method] = () => {
              throw new Error('x')
            }
            res.end('from the app')
          }),
        ),
      )
      expect(await app.ask('/tradecloud/orders')).toMatchObject({ status: 404, text: 'from the app' })
      expect(app.records).toMatchObject([{ outcome: 'not_routed', answered: false }])
    },
  )

  test('an app that freezes the response', async () => {
    const app = await start((app, webhook) => {
      app.use((_req, res, next) => {
        Object.defineProperty(res, 'end', { value: res.end.bind(res), writable: false })
        next()
      })
      app.use('/tradecloud', webhook)
      app.use((_req, res) => void res.status(404).send('from the app'))
    })
    expect([404, 503]).toContain((await app.ask('/tradecloud/orders')).status)
  })
})

/** `doctor` without proxies: apps that lose events, and endpoints that are not a webhook. */
import express from 'express'
import type { RequestListener } from 'node:http'
import type { LookupFunction } from 'node:net'
import type { TradecloudWebhookOptions } from '../../lib'
import { cleanUp, newSqlite } from './cli'
import { ask, auth, codesOf, create, evidenceOf, listen, listenAndNote, listenTcp, lookup } from './doctor-rig'

afterEach(cleanUp)

describe('the app', () => {
  test('nothing to find, nothing booked, and one line for the wrong credentials', async () => {
    const { open } = await newSqlite()
    const inbox = await open()
    for (const options of [{}, { inbox, onUnknown: undefined }]) {
      const { webhook, seen, records } = create(options)
      const app = express().use('/tradecloud', webhook)
      const report = await ask(`${await listen(app)}/tradecloud/order`)
      expect(report.findings).toEqual([])
      expect(report.checks.filter(({ result }) => result !== 'ok')).toEqual([])
      expect(seen).toEqual([])
      expect(records).toMatchObject([{ outcome: 'unauthorized' }])
    }
    const stats = await inbox.stats()
    expect([stats.waiting, stats.delivered, stats.quarantined]).toEqual([0, 0, 0])
  })

  type Mount = (app: express.Express, webhook: ReturnType<typeof create>['webhook']) => void
  const cases: Array<[string, Mount, Partial<TradecloudWebhookOptions>, string[], RegExp]> = [
    [
      'a JSON parser before the webhook',
      (app, webhook) => app.use(express.json()).use('/tradecloud', webhook),
      {},
      ['body_read', 'body_limit'],
      /1\.1 MB: 413 by Express/,
    ],
    [
      'a small bodyLimit',
      (app, webhook) => app.use('/tradecloud', webhook),
      { bodyLimit: 1_000_000 },
      ['body_option'],
      /1\.1 MB: 413 body_too_large by the webhook/,
    ],
    [
      'another path',
      (app, webhook) => app.use('/hooks', webhook),
      {},
      ['not_found'],
      /POST \/tradecloud\/order: 404 by Express/,
    ],
    [
      'a path that the patterns do not match',
      (app, webhook) => app.use('/tradecloud/order', webhook),
      { paths: { any: false } },
      ['path_unmatched'],
      /arrives as \/tradecloud\/order/,
    ],
    [
      'app.post, which leaves the path in the URL and takes no GET',
      (app, webhook) => app.post('/tradecloud/order', webhook),
      {},
      ['path_unmatched', 'not_found'],
      /GET \/tradecloud\/order: 404 by Express/,
    ],
    [
      'a mount that hides the path',
      (app, webhook) => app.use(/^\/tradecloud\/.*/, webhook),
      {},
      ['path_unmatched'],
      /hides the ID in the URL/,
    ],
    [
      'middleware that removes the header of probes',
      (app, webhook) =>
        app
          .use((req, _res, next) => {
            delete req.headers['tradecloud-webhook-probe']
            next()
          })
          .use('/tradecloud', webhook),
      {},
      ['probe_unknown'],
      /400 malformed_body by the webhook/,
    ],
    [
      'an address that may not send',
      (app, webhook) => app.use('/tradecloud', webhook),
      { allow: ['192.0.2.1'] },
      ['address'],
      /503 address_not_allowed/,
    ],
    [
      'a key server that is away',
      (app, webhook) => app.use('/tradecloud', webhook),
      { auth: () => Promise.reject(new Error('away')) },
      ['unavailable'],
      /503 unavailable/,
    ],
    [
      'a login page',
      (app) => app.use((_req, res) => res.redirect('/login')),
      {},
      ['redirect'],
      /302 to \/login by Express/,
    ],
  ]
  test.each(cases)('%s', async (_what, mount, options, codes, evidence) => {
    const { webhook, seen } = create(options)
    const app = express().set('env', 'test')
    mount(app, webhook)
    const { origin, heard } = await listenAndNote(app)
    const report = await ask(`${origin}/tradecloud/order`)
    expect(codesOf(report)).toEqual(codes)
    expect(evidenceOf(report)).toMatch(evidence)
    expect(report.findings.flatMap(({ remedies }) => remedies.app ?? remedies.nginx)).not.toContain(undefined)
    expect(seen).toEqual([])
    // Without a response that looks like the webhook's, `doctor` sends only harmless probes: they have no ID and no
    // body.
    if (!report.checks.some(({ result }) => result === 'ok')) {
      expect(heard.map(({ url, bytes }) => [url, bytes])).toEqual(heard.map(() => ['/tradecloud/order', 0]))
    }
  })

  test('a webhook that is closing', async () => {
    const { webhook } = create()
    await webhook.close()
    expect(codesOf(await ask(`${await listen(express().use(webhook))}/order`))).toEqual(['unavailable'])
  })

  test('wrong credentials are refused, and none are needed where anyone is accepted', async () => {
    const { webhook } = create()
    const url = `${await listen(express().use(webhook))}/order`
    expect(codesOf(await ask(url, { auth: { ...auth, password: 'wrong' } }))).toEqual(['credentials_refused'])
    expect(codesOf(await ask(url, { auth: { type: 'bearer', token: 'wrong' } }))).toEqual(['credentials_refused'])
    await expect(ask(url, { auth: 'none' })).rejects.toThrow('use --basic USER or --bearer')
    const open = await listen(express().use(create({ auth: 'none' }).webhook))
    expect(codesOf(await ask(`${open}/order`, { auth: 'none' }))).toEqual([])
    expect(codesOf(await ask(`${open}/order`))).toEqual(['accepts_anyone'])
  })
})

describe('something else entirely', () => {
  const anything: Array<[string, RequestListener, string[]]> = [
    ['a plain Express app', plainApp(), ['swallowed', 'not_found']],
    ['a server that answers 200 to anything', (_req, res) => res.end('ok'), ['swallowed']],
    ['one that always fails', (_req, res) => res.writeHead(500).end(), ['server_error']],
    ['one that forbids', (_req, res) => res.writeHead(403).end(), ['blocked']],
    [
      'one that repeats the word',
      (req, res) => res.end(`{"probe":"${String(req.headers['tradecloud-webhook-probe'])}"}`),
      ['swallowed'],
    ],
    ['a teapot', (_req, res) => res.writeHead(418).end(), ['not_webhook']],
    ['one that hangs up', (req) => req.socket.destroy(), ['closed']],
    ['one that never answers', () => undefined, ['no_answer']],
  ]
  test.each(anything)('%s: gets neither a body nor an ID', async (_what, listener, codes) => {
    const { origin, heard } = await listenAndNote(listener)
    for (const path of ['/tradecloud/order', '/tradecloud/order/{orderId}', '/tradecloud/order?orderId={orderId}']) {
      const report = await ask(`${origin}${path}`, { idleMs: codes.includes('no_answer') ? 200 : 60_000 })
      expect(codesOf(report)).toEqual(codes)
      expect(report.ok).toBe(false)
    }
    expect(heard.map(({ method }) => method).sort()).toEqual(['GET', 'GET', 'GET', 'POST', 'POST', 'POST'])
    expect(heard.map(({ url, bytes }) => [url, bytes])).toEqual(heard.map(() => ['/tradecloud/order', 0]))
    expect(heard.every(({ headers }) => headers['transfer-encoding'] === undefined)).toBe(true)
  })

  /** An app without the webhook: it responds 200 to a POST of an order, and has no other route. */
  function plainApp(): express.Express {
    const app = express().use(express.json())
    app.post('/tradecloud/order', (_req, res) => void res.sendStatus(200))
    return app
  }

  test('a closed port, an unknown host, and a server that speaks no TLS', async () => {
    expect(codesOf(await ask('http://127.0.0.1:1/'))).toEqual(['unreachable'])
    expect(codesOf(await ask('https://127.0.0.1:1/'))).toEqual(['unreachable'])
    const unknown: LookupFunction = (name, _options, callback) =>
      callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }), '')
    expect(codesOf(await ask('https://nowhere.example/', { lookup: unknown }))).toEqual(['unknown_host'])
    expect(codesOf(await ask(`https://${await listenTcp((socket) => socket.end('HTTP/1.1 400\r\n\r\n'))}/`))).toEqual([
      'tls_failed',
    ])
    const silent = await listenTcp(() => undefined)
    for (const scheme of ['http', 'https'])
      expect(codesOf(await ask(`${scheme}://${silent}/`, { idleMs: 100 }))).toEqual(['no_answer'])
  })

  test('without TLS, another machine gets no credentials', async () => {
    const { origin, heard } = await listenAndNote((_req, res) => res.writeHead(301, { Location: 'https://x/' }).end())
    const url = origin.replace('127.0.0.1', 'your-host.example')
    const report = await ask(`${url}/tradecloud/order`, { lookup })
    expect(codesOf(report)).toEqual(['redirect', 'not_https'])
    expect(heard.map(({ method, headers }) => [method, headers.authorization])).toEqual([['GET', undefined]])
  })
})

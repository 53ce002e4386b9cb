/**
 * Requests that lead nowhere: a path without a pattern, a mount that hides the path, a variable that the portal left in the
 * URL. With valid credentials Tradecloud must keep the event, and everything that the app handles must pass unchanged.
 */
import express from 'express'
import { request as httpRequest, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, gunzipSync } from 'node:zlib'
import { createTradecloudWebhook, RejectEvent, type TradecloudWebhook } from 'tradecloud-webhook'
import { AUDIENCE, ISSUER, KeyServer, makeKey, sign } from '../unit/receive/sender/oauth/issuer'
import {
  apiOf,
  authorization,
  basic,
  closeAll,
  credential,
  emptyCollection,
  isExpress4,
  orderEvent,
  startRig,
  startServer,
  startTradecloud,
  until,
  type Collected,
  type Loose,
  type RigOptions,
} from './harness'
import { RawConnection } from './raw-http'

const webhooks: TradecloudWebhook[] = []

afterEach(async () => {
  for (const webhook of webhooks.splice(0)) await webhook.close({ timeoutMs: 500 })
  await closeAll()
})

interface Answer {
  status: number
  message: string
  headers: IncomingHttpHeaders
  bytes: Buffer
  text: string
  json: Loose
}

interface Ask {
  method?: string
  path: string
  auth?: string | null
  body?: string | Buffer
  headers?: Record<string, string>
}

/** Reads any response: chunked, compressed, or without a body. */
function ask(port: number, { method = 'POST', path, auth = authorization, body, headers }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const hasBody = method === 'POST' || method === 'PUT'
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      agent: false,
      method,
      path,
      headers: {
        ...(auth !== null && { Authorization: auth }),
        ...(hasBody && { 'Content-Type': 'application/json' }),
        ...headers,
      },
    })
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = []
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () => {
          const bytes = Buffer.concat(chunks)
          const text = bytes.toString()
          const isJson = (response.headers['content-type'] ?? '').includes('json') && text.startsWith('{')
          resolve({
            status: response.statusCode ?? 0,
            message: response.statusMessage ?? '',
            headers: response.headers,
            bytes,
            text,
            json: isJson ? JSON.parse(text) : undefined,
          })
        })
    })
    request.end(hasBody ? (body ?? JSON.stringify(orderEvent())) : undefined)
  })
}

interface Started extends Collected {
  ask: (request: Ask | string) => Promise<Answer>
  port: number
  webhook: TradecloudWebhook
}

/** An app with the webhook where `mount` puts it. */
async function start(
  mount: (app: express.Express, webhook: TradecloudWebhook) => void,
  options: RigOptions = {},
): Promise<Started> {
  const collected = emptyCollection()
  const webhook = create(collected, options)
  collected.log.length = 0
  const app = express()
  // Express writes errors of the app to the console otherwise.
  app.set('env', 'test')
  mount(app, webhook)
  const { port } = await startServer(app)
  return {
    ...collected,
    webhook,
    port,
    ask: (request) => ask(port, typeof request === 'string' ? { path: request } : request),
  }
}

function create(collected: Collected, options: RigOptions = {}): TradecloudWebhook {
  const note = (callback: string) => (event: unknown, context: Loose) =>
    void collected.calls.push({ callback, event, context })
  const webhook = createTradecloudWebhook({
    auth: credential,
    onOrder: note('onOrder'),
    onOrderDocuments: note('onOrderDocuments'),
    onShipment: note('onShipment'),
    onDelivery: (record) => void collected.records.push(record),
    onError: (error, context) => void collected.errors.push({ error, context }),
    logger: {
      warn: (line) => void collected.log.push({ level: 'warn', line }),
      error: (line) => void collected.log.push({ level: 'error', line }),
    },
    ...options,
  })
  webhooks.push(webhook)
  return webhook
}

const mounted = (after: (app: express.Express) => void = () => undefined) =>
  ((app, webhook) => {
    app.use('/tradecloud', webhook)
    after(app)
  }) satisfies Parameters<typeof start>[0]

const notRouted = { status: 503, message: 'Service Unavailable', json: { code: 'not_routed', status: 503 } }

function expectNotRouted(answer: Answer, started: Started): void {
  expect(answer).toMatchObject(notRouted)
  expect(answer.headers).toMatchObject({
    'retry-after': '10',
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
  for (const name of ['etag', 'content-encoding', 'content-disposition', 'last-modified'])
    expect(answer.headers[name]).toBeUndefined()
  expect(started.records.at(-1)).toMatchObject({
    outcome: 'not_routed',
    status: 503,
    givenUp: false,
    answered: true,
    requestId: answer.json.requestId,
  })
}

type Responder = (req: express.Request, res: express.Response, next: express.NextFunction) => void

const page = '<h1>Page not found, but it is a long page</h1>'
/** Ways in which an app says 404. */
const responders: Array<[string, Responder]> = [
  ['Express itself', (_req, _res, next) => next()],
  ['res.sendStatus', (_req, res) => void res.sendStatus(404)],
  ['res.status().json', (_req, res) => void res.status(404).json({ from: 'app' })],
  ['res.status().send', (_req, res) => void res.status(404).send(page)],
  ['res.status().end', (_req, res) => void res.status(404).end()],
  ['a status code alone', (_req, res) => void ((res.statusCode = 404), res.end())],
  ['writeHead', (_req, res) => void res.writeHead(404).end()],
  ['writeHead with headers', (_req, res) => void res.writeHead(404, { 'Content-Length': '3', ETag: '"1"' }).end('404')],
  ['writeHead with a message', (_req, res) => void res.writeHead(404, 'Nothing', { 'Content-Type': 'a/b' }).end(page)],
  ['writeHead with a list', (_req, res) => void res.writeHead(404, ['Content-Length', '3'] as never).end('404')],
  ['writeHead, then write', (_req, res) => void (res.writeHead(404), res.write('a'), res.end('b'))],
  ['write before end', (_req, res) => void (res.status(404), res.write('a'), res.write('b'), res.end())],
  ['flushHeaders', (_req, res) => void (res.status(404), res.flushHeaders(), res.end(page))],
  ['another encoding', (_req, res) => void res.status(404).end('bm90aGluZw==', 'base64')],
  ['a Buffer', (_req, res) => void res.status(404).end(Buffer.from(page))],
  [
    'headers of a page',
    (_req, res) => {
      res.status(404).set({ 'Content-Length': '5', ETag: '"1"', 'Set-Cookie': 'a=b', 'Content-Encoding': 'identity' })
      res.set({ 'Content-Disposition': 'inline', 'Last-Modified': new Date(0).toUTCString() })
      res.end('hello')
    },
  ],
  ['a later moment', (_req, res) => void setTimeout(() => res.status(404).json({ from: 'app' }), 5)],
  ['a stream', (_req, res) => void Readable.from(['a', 'b'.repeat(100_000), 'c']).pipe(res.status(404))],
  ['a pipeline', (_req, res) => void pipeline(Readable.from(['a', 'b']), res.status(404))],
  ['an error with a status', (_req, _res, next) => next(Object.assign(new Error('no'), { status: 404 }))],
  ['a file that is not there', (_req, res, next) => res.sendFile('/nowhere/at/all', next)],
  ['express.static', express.static('/nowhere')],
  [
    'a body parser before it',
    (req, res, next) => {
      const parse = express.json() as Responder
      parse(req, res, () => (req.method === 'GET' ? next() : res.status(404).json(req.body)))
    },
  ],
]

describe('a path that matches no pattern', () => {
  test.each([
    '/orders',
    '/order-events',
    '/order.json',
    '/orders/PO1',
    '/elsewhere/%E0%A4%A',
    ...(isExpress4 ? [] : ['//order']),
  ])('%s is 503 with valid credentials, and logged once', async (path) => {
    const app = await start(mounted())
    for (const method of ['POST', 'PUT', 'GET', 'POST']) {
      const answer = await app.ask({ method, path: `/tradecloud${path}?a=secret` })
      expectNotRouted(answer, app)
      expect(answer.headers['content-length']).toBe(String(answer.bytes.length))
      expect(app.records.at(-1)).toMatchObject({ method })
    }
    expect(app.records).toHaveLength(4)
    expect(app.errors.map(({ error }) => error.code)).toEqual(Array(4).fill('not_routed'))
    expect(app.log).toEqual([
      { level: 'error', line: expect.stringContaining(`POST ${JSON.stringify(`/tradecloud${path}`)}`) },
    ])
    const [{ line } = { line: '' }] = app.log
    for (const pattern of ['/order', '/order/:orderId', '/shipment', '/shipment/:shipmentId', '/'])
      expect(line).toContain(JSON.stringify(pattern))
    expect(line).not.toContain('secret')
    expect(line).not.toContain('app.use')
    expect(app.calls).toEqual([])
  })

  test.each(responders)('a 404 by %s', async (_how, respond) => {
    const app = await start(mounted((app) => app.use(respond)))
    for (const method of ['POST', 'GET']) expectNotRouted(await app.ask({ method, path: '/tradecloud/orders' }), app)
    // Without credentials, the response of the app is unchanged.
    for (const auth of [null, basic('tradecloud', 'wrong'), 'Bearer x', 'nonsense'])
      expect((await app.ask({ path: '/tradecloud/orders', auth })).status).toBe(404)
    expect(app.records).toHaveLength(2)
    expect(app.log).toHaveLength(1)
  })

  test('a 404 by an error handler of the app, for an error that is thrown', async () => {
    const fail: Responder = () => {
      throw new Error('no such route')
    }
    const app = await start(
      mounted((app) => {
        app.use(fail)
        app.use((error: unknown, _req: express.Request, res: express.Response, next: express.NextFunction) => {
          if (error instanceof TypeError) next(error)
          else res.status(404).json({ from: 'app' })
        })
      }),
    )
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
  })

  test('callbacks of the app are called, and its events come', async () => {
    const seen: string[] = []
    const app = await start(
      mounted((app) =>
        app.use((_req, res) => {
          res.on('finish', () => seen.push('finish'))
          res.status(404)
          expect(res.write('a', () => seen.push('write'))).toBe(true)
          expect(res.write('a', 'utf8', () => seen.push('write with encoding'))).toBe(true)
          expect(res.end('b', 'latin1', () => seen.push('end'))).toBe(res)
        }),
      ),
    )
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
    await until(() => seen.length === 4)
    expect(seen).toEqual(expect.arrayContaining(['write', 'write with encoding', 'end', 'finish']))
    // end(callback) has no chunk.
    let ended = false
    const other = await start(mounted((app) => app.use((_req, res) => void res.status(404).end(() => (ended = true)))))
    expectNotRouted(await other.ask('/tradecloud/orders'), other)
    await until(() => ended)
  })

  test('headers that do not describe the body stay', async () => {
    const app = await start((app, webhook) => {
      app.use((_req, res, next) => {
        res.set({ 'X-Request-Id': '7', 'Content-Security-Policy': 'sandbox', Vary: 'Origin' })
        next()
      })
      app.use('/tradecloud', webhook)
    })
    const answer = await app.ask('/tradecloud/orders')
    expectNotRouted(answer, app)
    expect(answer.headers).toMatchObject({ 'x-request-id': '7', vary: 'Origin' })
  })

  test.each(['before', 'after'])('middleware that wraps the response %s the webhook', async (where) => {
    // As `compression` does it: the body goes through a stream into the methods that were there before.
    const compress: Responder = (_req, res, next) => {
      const { writeHead, write, end } = res as unknown as Record<string, (...args: unknown[]) => unknown>
      const gzip = createGzip()
      let encodes = false
      gzip.on('data', (chunk) => write?.call(res, chunk)).on('end', () => end?.call(res))
      const own: object = {
        writeHead: (status: number) => {
          encodes = true
          res.removeHeader('Content-Length')
          res.setHeader('Content-Encoding', 'gzip')
          return writeHead?.call(res, status)
        },
        write: (chunk: Buffer) => {
          if (!res.headersSent) (res as unknown as { _implicitHeader: () => void })._implicitHeader()
          return gzip.write(chunk)
        },
        end: (chunk?: string, encoding?: 'utf8') => {
          if (!res.headersSent) (res as unknown as { _implicitHeader: () => void })._implicitHeader()
          expect(encodes).toBe(true)
          gzip.end(chunk ?? '', encoding ?? 'utf8')
          return res
        },
      }
      Object.assign(res, own)
      next()
    }
    const app = await start((app, webhook) => {
      if (where === 'before') app.use(compress)
      app.use('/tradecloud', webhook)
      if (where === 'after') app.use(compress)
      app.get('/tradecloud/found', (_req, res) => void res.send('found'))
      app.use((_req, res) => void res.status(404).send(page))
    })
    const answer = await app.ask('/tradecloud/orders')
    expect(answer).toMatchObject({ status: 503, headers: { 'content-type': 'application/problem+json' } })
    const text = where === 'before' ? gunzipSync(answer.bytes).toString() : answer.text
    expect(JSON.parse(text)).toMatchObject({ code: 'not_routed' })
    expect(answer.headers['content-encoding']).toBe(where === 'before' ? 'gzip' : undefined)
    const found = await app.ask({ method: 'GET', path: '/tradecloud/found' })
    expect(found.status).toBe(200)
    expect(gunzipSync(found.bytes).toString()).toBe('found')
  })

  test('middleware that keeps a method of the response from before the webhook', async () => {
    // The body cannot be replaced then, but the status can: no event is lost.
    const app = await start((app, webhook) => {
      app.use((_req, res, next) => {
        res.locals.end = res.end.bind(res)
        next()
      })
      app.use('/tradecloud', webhook)
      app.use((_req, res) => {
        res.status(404)
        const end = res.locals.end as (text: string) => void
        end(page)
      })
    })
    const answer = await app.ask('/tradecloud/orders')
    expect(answer).toMatchObject({ status: 503, text: page })
    expect((await app.ask('/tradecloud/orders')).status).toBe(503)
  })

  test('a session that is saved before the end', async () => {
    const app = await start((app, webhook) => {
      app.use((_req, res, next) => {
        const { write, end } = res as unknown as Record<string, (...args: unknown[]) => unknown>
        // As `express-session` does it: all but the last byte at once, the rest once it is saved.
        const own: object = {
          end: (chunk: string) => {
            const bytes = Buffer.from(chunk)
            write?.call(res, bytes.subarray(0, -1))
            setTimeout(() => end?.call(res, bytes.subarray(-1)), 5)
            return res
          },
        }
        Object.assign(res, own)
        next()
      })
      app.use('/tradecloud', webhook)
      app.use((_req, res) => void res.status(404).send(page))
    })
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
  })

  test('middleware before the webhook whose end calls write', async () => {
    const app = await start((app, webhook) => {
      app.use((_req, res, next) => {
        const end = res.end.bind(res)
        const own: object = {
          end: (chunk: string) => {
            res.write(chunk)
            return end()
          },
        }
        Object.assign(res, own)
        next()
      })
      app.use('/tradecloud', webhook)
      app.use((_req, res) => void res.status(404).send(page))
    })
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
  })

  test('an app that ends its response twice', async () => {
    const errors: unknown[] = []
    const app = await start(
      mounted((app) =>
        app.use((_req, res) => {
          res.on('error', (error) => errors.push(error))
          res.status(404).end('a')
          res.end()
        }),
      ),
    )
    for (let i = 0; i < 2; i++) expectNotRouted(await app.ask('/tradecloud/orders'), app)
    expect(errors).toEqual([])
  })

  test('the connection stays open, also where the app does not read the body', async () => {
    const app = await start(mounted((app) => app.use('/tradecloud/unread', (_req, res) => void res.sendStatus(404))))
    const connection = new RawConnection(app.port)
    try {
      const body = 'x'.repeat(1_000_000)
      const post = (path: string): string =>
        `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      for (const path of ['/tradecloud/unread', '/tradecloud/orders', '/tradecloud/unread']) {
        connection.write(Buffer.from(post(path), 'latin1'))
        expect(await connection.answer()).toMatchObject({ status: 503, json: { code: 'not_routed' } })
      }
      expect(connection.closed).toBe(false)
    } finally {
      connection.destroy()
    }
  })

  test('HTTP/1.0, an absolute URL and Expect', async () => {
    const app = await start(mounted())
    for (const head of [
      'POST /tradecloud/orders HTTP/1.0\r\nContent-Length: 2',
      'POST http://a/tradecloud/orders HTTP/1.1\r\nContent-Length: 2',
      'POST /tradecloud/orders HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2',
    ]) {
      const connection = new RawConnection(app.port)
      connection.write(`${head}\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n{}`)
      const answer = await connection.answer()
      connection.destroy()
      expect(answer).toMatchObject({ status: 503, json: { code: 'not_routed' } })
    }
    expect(app.log).toHaveLength(1)
  })

  test('a client that hangs up before the app responds', async () => {
    let respond = (): void => undefined
    const app = await start(
      mounted((app) => app.use((_req, res) => void (respond = () => void res.status(404).json({ from: 'app' })))),
    )
    const initial = respond
    const connection = new RawConnection(app.port)
    connection.write(`GET /tradecloud/orders HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`)
    await until(() => respond !== initial)
    connection.destroy()
    respond()
    expect(app.records).toMatchObject([{ outcome: 'not_routed' }])
    expect((await app.ask('/tradecloud/order')).status).toBe(200)
  })
})

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
    expect(file.text).toContain('function expectNotRouted')
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
      api: apiOf(tradecloud),
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
    // One record and one line where neither knows the path.
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

describe('the log', () => {
  test.each<[string, (app: express.Express, webhook: TradecloudWebhook) => void, RegExp]>([
    [
      'app.post',
      (app, webhook) => app.post('/tradecloud/order', webhook),
      /app\.post.*app\.use\("\/tradecloud", webhook\)/,
    ],
    [
      'app.all',
      (app, webhook) => app.all('/tradecloud/order', webhook),
      /app\.all.*app\.use\("\/tradecloud", webhook\)/,
    ],
    ['app.use without a path', (app, webhook) => app.use(webhook), /app\.use\("\/tradecloud", webhook\)/],
    ['a route of a router', (app, webhook) => app.use('/tradecloud', express.Router().post('/order', webhook)), /$/],
    [
      'a wildcard route',
      (app, webhook) => app.all(isExpress4 ? '/tradecloud/*' : '/tradecloud/*splat', webhook),
      /app\.use\("\/tradecloud", webhook\)/,
    ],
  ])('says how to mount what is mounted with %s', async (how, mount, hint) => {
    const app = await start(mount)
    const answer = await app.ask('/tradecloud/order')
    if (how === 'a route of a router') {
      // Express has taken the path of the router away: this is right as it is.
      expect(answer).toMatchObject({ status: 200 })
      return
    }
    expectNotRouted(answer, app)
    expect(app.log).toEqual([{ level: 'error', line: expect.stringMatching(hint) }])
  })

  test('of another route that came before says nothing about the mount', async () => {
    const app = await start((app, webhook) => {
      app.all(/.*/, (_req, _res, next) => next())
      app.use('/tradecloud', webhook)
    })
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
    expect(app.log[0]?.line).not.toMatch(/app\.(?:use|post)/)
  })

  test('a route that no pattern fits at all', async () => {
    const app = await start((app, webhook) => app.post('/hook', webhook))
    expectNotRouted(await app.ask('/hook'), app)
    expect(app.log[0]?.line).toContain('app.use("/hook", webhook)')
  })

  test('hostile paths are quoted and cut, and memory is bounded', async () => {
    const app = await start(mounted())
    const nasty = `/tradecloud/"\\${'/'.repeat(5_000)}${'x'.repeat(5_000)}`
    expectNotRouted(await app.ask(nasty), app)
    expect(app.log[0]?.line).toContain('\\"')
    expect(app.log[0]?.line.length).toBeLessThan(1_000)
    // More than are kept: the first is forgotten, and nothing else changes.
    for (let i = 0; i < 1_100; i += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, j) => app.ask({ method: 'GET', path: `/tradecloud/x${i + j}` })),
      )
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
    expect(app.records).toHaveLength(1_102)
  })
})

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

describe('the listener', () => {
  test('503 at once for who may be Tradecloud, 404 for anyone else', async () => {
    const rig = await startRig({ mounting: 'as a listener' })
    for (const method of ['POST', 'PUT', 'GET'])
      expect(await rig.send({ method, path: '/orders' })).toMatchObject({ status: 503, json: { code: 'not_routed' } })
    expect(rig.log).toEqual([{ level: 'error', line: expect.stringContaining('POST "/orders"') }])
    expect(rig.records).toMatchObject(Array(3).fill({ outcome: 'not_routed', givenUp: false }))
    expect(await rig.send({ method: 'POST', path: '/orders', auth: null })).toMatchObject({
      status: 404,
      json: { code: 'not_found' },
    })
    expect(await rig.send({ method: 'HEAD', path: '/orders' })).toMatchObject({ status: 404 })
  })

  test.each([
    ["auth: 'none'", 'none'],
    ['a function', () => false],
  ] as const)('503 with %s', async (_what, auth) => {
    const rig = await startRig({ mounting: 'as a listener', auth })
    expect(await rig.send({ method: 'POST', path: '/orders', auth: null, json: orderEvent() })).toMatchObject({
      status: 503,
      json: { code: 'not_routed' },
    })
  })

  test("unmatched: 'next' has no app to leave it to", async () => {
    const rig = await startRig({ mounting: 'as a listener', unmatched: 'next' })
    expect(await rig.send({ method: 'POST', path: '/orders' })).toMatchObject({ status: 404 })
  })

  test('a path with the mount path still in it', async () => {
    const rig = await startRig({ mounting: 'as a listener' })
    expect(await rig.post(orderEvent(), { path: '/tradecloud/order' })).toMatchObject({ status: 503 })
    expect(rig.records).toMatchObject([{ outcome: 'not_routed' }])
    // There is no app to mount anything in.
    expect(rig.log[0]?.line).not.toContain('app.use')
  })
})

describe('a mount that hides the path', () => {
  const wildcards: Array<[string, string]> = isExpress4
    ? [
        ['a wildcard', '/tradecloud/*'],
        ['a wildcard for everything', '*'],
        ['a parameter for the ID', '/tradecloud/order/:id'],
      ]
    : [
        ['a wildcard', '/tradecloud/*splat'],
        ['an optional wildcard, as NestJS makes it', '/tradecloud{/*splat}'],
        ['a wildcard for everything', '/*splat'],
        ['a parameter for the ID', '/tradecloud/order/:id'],
      ]

  describe.each(wildcards)('%s: %s', (_what, wildcard) => {
    const hidden: Parameters<typeof start>[0] = (app, webhook) => app.use(wildcard, webhook)

    test('a GET with the ID in its path is 503, and the log says how to mount the webhook', async () => {
      const app = await start(hidden)
      for (let i = 0; i < 2; i++)
        expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO%2F1' })).toMatchObject(notRouted)
      expect(app.records).toMatchObject(Array(2).fill({ outcome: 'not_routed', status: 503, givenUp: false }))
      expect(app.calls).toEqual([])
      expect(app.log).toEqual([
        {
          level: 'error',
          line: expect.stringMatching(/"\/tradecloud\/order\/PO%2F1".*app\.use\("\/tradecloud", webhook\)/),
        },
      ])
    })

    test('so are a POST without a body, and one whose body has no ID', async () => {
      const app = await start(hidden)
      expect(await app.ask({ path: '/tradecloud/order/PO1', body: '' })).toMatchObject(notRouted)
      const { orderEvent: content, eventName } = orderEvent()
      delete content.orderId
      const body = JSON.stringify({ eventName, orderEvent: content })
      expect(await app.ask({ path: '/tradecloud/order/PO1', body })).toMatchObject(notRouted)
      expect(app.calls).toEqual([])
    })

    test('what has its ID elsewhere is delivered as usual', async () => {
      const app = await start(hidden)
      expect(await app.ask('/tradecloud/order/PO1')).toMatchObject({ status: 200 })
      expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1?orderId=PO2' })).toMatchObject({ status: 200 })
      expect(app.calls.map(({ event }) => event.orderId)).toEqual([orderEvent().orderEvent.orderId, 'PO2'])
      expect(app.log).toEqual([])
    })

    test('credentials come first, and a wrong ID stays wrong', async () => {
      const app = await start(hidden)
      expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1', auth: null })).toMatchObject({ status: 401 })
      expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1?orderId=' })).toMatchObject({ status: 400 })
    })
  })

  test('so does middleware that replaces the URL', async () => {
    const app = await start((app, webhook) => {
      app.use((req, _res, next) => {
        req.url = '/?x=1'
        next()
      })
      app.use(webhook)
    })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1?x=1' })).toMatchObject(notRouted)
    expect(app.log).toMatchObject([{ level: 'error' }])
    expect(await app.ask({ method: 'GET', path: '/tradecloud/order' })).toMatchObject({ status: 400 })
  })

  test.each(['/tradecloud', '/tradecloud/', '/tradecloud/order', '/tradecloud?x=1'])(
    'without an ID in the path, GET %s stays invalid_id',
    async (path) => {
      for (const mount of ['/tradecloud', isExpress4 ? '/*' : '/*splat']) {
        const app = await start((app, webhook) => app.use(mount, webhook))
        expect(await app.ask({ method: 'GET', path })).toMatchObject({ status: 400, json: { code: 'invalid_id' } })
      }
    },
  )

  test('a mount path that looks like a path with an ID hides nothing from a request below it', async () => {
    const app = await start((app, webhook) => app.use('/order/:tenant', webhook))
    expect(await app.ask({ method: 'GET', path: '/order/acme/order' })).toMatchObject({ status: 400 })
    expect(await app.ask({ method: 'GET', path: '/order/acme/order/PO1' })).toMatchObject({ status: 200 })
  })

  test('without a pattern for the root the path matches nothing', async () => {
    const app = await start((app, webhook) => app.use(isExpress4 ? '/tradecloud/*' : '/tradecloud/*splat', webhook), {
      paths: { any: false },
    })
    expectNotRouted(await app.ask('/tradecloud/order'), app)
    expect(app.log[0]?.line).toContain('app.use("/tradecloud", webhook)')
  })

  test('a mount path that is too long', async () => {
    const app = await start((app, webhook) => app.use('/tradecloud/order', webhook))
    expectNotRouted(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1' }), app)
    expect(app.log[0]?.line).toContain('app.use("/tradecloud", webhook)')
    expect(await app.ask('/tradecloud/order')).toMatchObject({ status: 200 })
  })
})

describe("a variable that Tradecloud's portal left in the URL", () => {
  const urls = [
    '{orderId}',
    '%7BorderId%7D',
    '%257BorderId%257D',
    ':orderId',
    '%3AorderId',
    '{legacyOrderId}',
    '{orderId}/',
  ].map((variable): [string, string] => [`/order/${variable}`, 'order'])
  test.each([
    ...urls,
    ['/?orderId={orderId}', 'order'],
    ['/?orderId=%7borderId%7d', 'order'],
    ['/order?orderId=:orderId', 'order'],
    ['/order/PO1?orderId={orderId}', 'order'],
    ['/?orderId=&shipmentId={shipmentId}', 'shipment'],
    ['/shipment/{shipmentId}', 'shipment'],
    ['/shipment/:shipmentId', 'shipment'],
    ['/?shipmentId=%7BshipmentId%7D', 'shipment'],
  ])('%s', async (path) => {
    const app = await start(mounted())
    for (let i = 0; i < 2; i++)
      expect(await app.ask({ method: 'GET', path: `/tradecloud${path}` })).toMatchObject(notRouted)
    expect(await app.ask({ path: `/tradecloud${path}`, body: '' })).toMatchObject(notRouted)
    expect(app.records).toMatchObject(Array(3).fill({ outcome: 'not_routed', givenUp: false }))
    expect(app.calls).toEqual([])
    expect(app.log).toEqual([{ level: 'error', line: expect.stringContaining('instead of an ID') }])
    expect(app.log[0]?.line).not.toContain('app.use')
    // A body with its own ID is delivered as usual.
    expect(await app.ask(`/tradecloud${path}`)).toMatchObject({ status: 200 })
    const { orderEvent: content, eventName } = orderEvent()
    delete content.orderId
    const body = JSON.stringify({ eventName, orderEvent: content })
    expect(await app.ask({ path: `/tradecloud${path}`, body })).toMatchObject(notRouted)
    expect(await app.ask({ method: 'GET', path: `/tradecloud${path}`, auth: null })).toMatchObject({ status: 401 })
  })

  test.each(['PO{orderId}', 'orderId', '{orderId}1', '{id}', ':order'])('%s may be an ID', async (id) => {
    const app = await start(mounted())
    expect(await app.ask({ method: 'GET', path: `/tradecloud/order/${id}` })).toMatchObject({ status: 200 })
    expect(app.calls[0]?.event.orderId).toBe(id)
  })
})

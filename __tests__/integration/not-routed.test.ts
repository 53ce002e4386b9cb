/**
 * A path that matches no pattern: with valid credentials, a 404 of the app becomes 503, and Tradecloud sends the event
 * again.
 */
import express from 'express'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, gunzipSync } from 'node:zlib'
import { closeAll, authorization, basic, isExpress4, until } from './harness'
import { RawConnection } from './raw-http'
import { expectNotRouted, mounted, page, type Responder, start } from './not-routed-rig'

afterEach(closeAll)

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
    // Without valid credentials, the response of the app is unchanged.
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
    // The next app calls `end` with a callback only.
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
    // Like `compression`: the body is piped through a stream into the original methods.
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
    // The body can no longer be replaced, but the status can, so no event is lost.
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
        // `express-session` does this: it sends the last byte of the response only after the session is saved.
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

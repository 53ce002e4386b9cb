/**
 * Requests that Node's HTTP parser has not created: requests of serverless platforms, web-standard adapters and request
 * injection in tests. Their Content-Length may be missing or a number, and their body may be a value, not a stream.
 */
import express from 'express'
import { IncomingMessage, ServerResponse, type RequestListener } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { authorization, closeAll, credential, emptyCollection, orderEvent, startRig, type Loose } from './harness'

afterEach(() => {
  jest.useRealTimers()
  return closeAll()
})

interface Injected {
  method?: string
  url?: string
  headers?: Record<string, unknown>
  body?: string | Buffer | undefined
}

const authorized = { authorization, 'content-type': 'application/json' }

function setUp() {
  const { calls, log, records } = emptyCollection()
  const webhook = createTradecloudWebhook({
    auth: credential,
    validation: 'off',
    onDelivery: (record) => void records.push(record),
    onOrder: (event, context) => void calls.push({ callback: 'onOrder', event, context }),
    logger: {
      warn: (line) => log.push({ level: 'warn', line }),
      error: (line) => log.push({ level: 'error', line }),
    },
  })
  log.length = 0
  const app = express()
  app.use(webhook)
  return { webhook, app, calls, log, records }
}

/** A request as `serverless-http` and similar packages create it: `complete` is true although nothing was read. */
function serverless({ method = 'POST', url = '/order', headers = authorized, body }: Injected): IncomingMessage {
  const req = new IncomingMessage({ encrypted: true, readable: false, remoteAddress: '1.2.3.4' } as unknown as Socket)
  Object.assign(req, { method, url, headers, complete: true, httpVersion: '1.1', httpVersionMajor: '1' })
  req._read = () => {
    if (body !== undefined && body.length > 0) req.push(body)
    req.push(null)
  }
  return req
}

/** A request as `light-my-request` and similar packages create it: a stream with the properties of a request. */
function injected({ method = 'POST', url = '/order', headers = authorized, body }: Injected): IncomingMessage {
  let sent = false
  const stream = new Readable({
    autoDestroy: false,
    read() {
      if (!sent && body !== undefined && body.length > 0) this.push(body)
      sent = true
      this.push(null)
    },
  })
  return Object.assign(stream, { method, url, headers, httpVersionMajor: 1 }) as unknown as IncomingMessage
}

/** A request as mocks create it: no stream, and a body parsed by the platform. */
function mocked(body: unknown, more: Injected = {}): IncomingMessage {
  const { method = 'POST', url = '/order', headers = authorized } = more
  return { method, url, headers, httpVersionMajor: 1, body } as unknown as IncomingMessage
}

async function answerTo(handler: unknown, req: IncomingMessage): Promise<{ status: number; json: Loose }> {
  const res = new ServerResponse(req)
  const socket = new PassThrough()
  res.assignSocket(socket as unknown as Socket)
  const finished = new Promise((resolve) => res.once('finish', resolve))
  ;(handler as RequestListener)(req, res)
  await finished
  const text = String(socket.read())
  return { status: res.statusCode, json: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) }
}

const text = (): string => JSON.stringify(orderEvent())
const delivered = { status: 200, json: { outcome: 'delivered' } }

describe.each([
  ['serverless', serverless],
  ['injected', injected],
])('a request that is %s', (_how, make) => {
  const lengths: Array<[string, (body: Buffer) => Record<string, unknown>]> = [
    ['no Content-Length', () => ({})],
    ['a numeric Content-Length', (body) => ({ 'content-length': body.length })],
    ['a Content-Length', (body) => ({ 'content-length': String(body.length) })],
    ['a numeric Content-Length of 0', () => ({ 'content-length': 0 })],
    ['a Content-Length of 0', () => ({ 'content-length': '0' })],
  ]
  test.each(lengths)('and has %s: the body is read', async (_what, lengthOf) => {
    const { webhook, calls } = setUp()
    const body = Buffer.from(text())
    const req = make({ headers: { ...authorized, ...lengthOf(body) }, body })
    expect(await answerTo(webhook.listener, req)).toMatchObject(delivered)
    expect(calls[0]?.context.rawBody).toEqual(body)
  })

  test('and is compressed', async () => {
    const { webhook } = setUp()
    const headers = { ...authorized, 'content-encoding': 'gzip' }
    expect(await answerTo(webhook.listener, make({ headers, body: gzipSync(text()) }))).toMatchObject(delivered)
  })

  test.each([{}, { 'content-length': 0 }, { 'content-length': '0' }])(
    'and has no body (%j): its ID counts, and without one it is refused',
    async (more) => {
      const { webhook, calls } = setUp()
      const headers = { ...authorized, ...more }
      expect(await answerTo(webhook.listener, make({ url: '/order/7', headers }))).toMatchObject(delivered)
      expect(calls[0]?.event).toMatchObject({ orderId: '7', completeness: 'id-only' })
      expect(await answerTo(webhook.listener, make({ headers }))).toMatchObject({
        status: 400,
        json: { code: 'malformed_body' },
      })
      expect(await answerTo(webhook.listener, make({ method: 'GET', url: '/order/8', headers }))).toMatchObject(
        delivered,
      )
    },
  )

  test('and says that it is of another type', async () => {
    const { webhook, calls } = setUp()
    const headers = { ...authorized, 'content-type': 'text/plain' }
    expect(await answerTo(webhook.listener, make({ headers, body: text() }))).toMatchObject({
      status: 415,
      json: { code: 'unsupported_media_type' },
    })
    // Without a body, the Content-Type is ignored.
    expect(await answerTo(webhook.listener, make({ url: '/order/7', headers }))).toMatchObject(delivered)
    expect(calls).toHaveLength(1)
  })

  test('and has an empty stream beside the body that the platform parsed', async () => {
    const { webhook, calls, log } = setUp()
    const withBody = (body: unknown) => Object.assign(make({}), { body })
    for (const body of [orderEvent(), text(), Buffer.from(text())])
      expect(await answerTo(webhook.listener, withBody(body))).toMatchObject(delivered)
    expect(calls).toHaveLength(3)
    expect(await answerTo(webhook.listener, withBody({ data: orderEvent() }))).toMatchObject({ status: 503 })
    expect(log).toMatchObject([{ level: 'warn' }])
  })

  test('and needs no timer to be answered', async () => {
    jest.useFakeTimers({ legacyFakeTimers: true })
    const { webhook } = setUp()
    expect(await answerTo(webhook.listener, make({ body: text() }))).toMatchObject(delivered)
    expect(await answerTo(webhook.listener, make({ method: 'GET', url: '/order/8' }))).toMatchObject(delivered)
  })

  test('and has both the stream and its bytes: the stream counts', async () => {
    const { webhook, calls } = setUp()
    const body = text()
    const req = Object.assign(make({ body }), { body: Buffer.from('{}') })
    expect(await answerTo(webhook.listener, req)).toMatchObject(delivered)
    expect(calls[0]?.context.rawBody?.toString()).toBe(body)
  })
})

test('a serverless request through an Express app', async () => {
  const { app } = setUp()
  expect(await answerTo(app, serverless({ body: text() }))).toMatchObject(delivered)
  expect(await answerTo(app, serverless({ headers: { ...authorized, 'content-length': 0 } }))).toMatchObject({
    status: 400,
  })
})

test('a serverless request behind express.json()', async () => {
  const { webhook } = setUp()
  const app = express().use(express.json()).use(webhook)
  const body = text()
  for (const headers of [authorized, { ...authorized, 'content-length': String(body.length) }])
    expect((await answerTo(app, serverless({ headers, body }))).status).toBe(200)
})

/** A request as an adapter creates it from any stream. */
const streamed = (stream: Readable, headers: Record<string, unknown> = {}): IncomingMessage =>
  Object.assign(stream, {
    method: 'POST',
    url: '/order',
    headers: { ...authorized, ...headers },
    httpVersionMajor: 1,
  }) as unknown as IncomingMessage

describe('a request made from a stream of any kind', () => {
  const event = (): Buffer => Buffer.from(JSON.stringify(orderEvent({ text: 'Größe '.repeat(500) })))
  const halves = <T>(make: (part: Buffer) => T): T[] => {
    const bytes = event()
    return [make(bytes.subarray(0, 1500)), make(bytes.subarray(1500))]
  }

  test.each<[string, () => Readable]>([
    ['Buffers', () => Readable.from(halves((part) => part))],
    ['Uint8Arrays', () => Readable.from(halves((part) => new Uint8Array(part)))],
    ['a small Uint8Array', () => Readable.from([new Uint8Array(Buffer.from(text()))])],
    ['ArrayBuffers', () => Readable.from(halves((part) => new Uint8Array(part).buffer))],
    ['text', () => Readable.from([event().toString()])],
    ['a web stream', () => Readable.fromWeb(new Response(event()).body as never)],
    ['what a web stream gives', () => Readable.from(new Response(event()).body as never)],
  ])('of %s: the body is read', async (_what, make) => {
    const { webhook, log } = setUp()
    expect(await answerTo(webhook.listener, streamed(make()))).toMatchObject(delivered)
    expect(log).toEqual([])
  })

  test('of objects: kept, and logged', async () => {
    const { webhook, log } = setUp()
    expect(await answerTo(webhook.listener, streamed(Readable.from([orderEvent()])))).toMatchObject({ status: 503 })
    expect(log).toMatchObject([{ level: 'warn', line: expect.stringContaining('chunk of type object') }])
  })

  test('with a Content-Length that is no number', async () => {
    const { webhook } = setUp()
    const req = streamed(Readable.from([text()]), { 'content-length': 'unknown' })
    expect(await answerTo(webhook.listener, req)).toMatchObject(delivered)
  })

  test.each<[string, (stream: Readable) => void]>([
    ['is destroyed', (stream) => void stream.destroy(new Error('connection lost'))],
    ['emits an error', (stream) => void stream.emit('error', new Error('connection lost'))],
  ])('that %s during the upload: kept at once, logged, and the process goes on', async (_what, fail) => {
    const { webhook, log } = setUp()
    const stream = new Readable({ autoDestroy: false, read: () => undefined })
    stream.push('{"eventName":')
    setImmediate(() => fail(stream))
    expect(await answerTo(webhook.listener, streamed(stream))).toMatchObject({
      status: 503,
      json: { code: 'unavailable', detail: 'The upload failed.' },
    })
    expect(log).toMatchObject([{ level: 'warn', line: expect.stringContaining('connection lost') }])
  })

  test('that fails while the callback runs, or without being read: the process goes on', async () => {
    const streams: Readable[] = []
    const failAll = (): void => streams.forEach((stream) => void stream.emit('error', new Error('connection lost')))
    const logger = { warn: () => undefined, error: () => undefined }
    const webhook = createTradecloudWebhook({ auth: credential, validation: 'off', onOrder: failAll, logger })
    for (const stream of [Readable.from([text()]), new Readable({ read: () => undefined })]) {
      streams.push(stream)
      const req = streamed(stream)
      if (streams.length === 2) Object.assign(req, { method: 'GET', url: '/order/7' })
      expect(await answerTo(webhook.listener, req)).toMatchObject(delivered)
    }
  })
})

describe('a request that is no stream', () => {
  test.each<[string, () => unknown]>([
    ['a promise', () => Promise.resolve(orderEvent())],
    ['a web stream', () => new Response(text()).body],
    ['a Map', () => new Map(Object.entries(orderEvent()))],
  ])('has %s for its body: kept, and logged', async (_what, body) => {
    const { webhook, log } = setUp()
    expect(await answerTo(webhook.listener, mocked(body()))).toMatchObject({ status: 503 })
    expect(log).toMatchObject([{ level: 'warn', line: expect.stringContaining('The body that the app left') }])
  })

  test.each<[string, () => unknown]>([
    ['an object', () => orderEvent()],
    ['text', text],
    ['a Buffer', () => Buffer.from(text())],
  ])('has its body as %s', async (_what, body) => {
    const { webhook } = setUp()
    expect(await answerTo(webhook.listener, mocked(body()))).toMatchObject(delivered)
  })

  test.each([[undefined], [null], [''], [{}]])('has no body: %j', async (body) => {
    const { webhook } = setUp()
    expect(await answerTo(webhook.listener, mocked(body, { url: '/order/7' }))).toMatchObject(delivered)
    expect(await answerTo(webhook.listener, mocked(body))).toMatchObject({ status: 400 })
  })

  test('has lost the body that its headers announce', async () => {
    const { webhook } = setUp()
    const headers = { ...authorized, 'content-length': '900' }
    expect(await answerTo(webhook.listener, mocked({}, { headers }))).toMatchObject({ status: 503 })
  })
})

describe('HTTP/2, without Content-Length', () => {
  const start = async () => {
    const { webhook, calls, log, records } = setUp()
    const server = http2.createServer((req, res) =>
      webhook.listener(req as unknown as IncomingMessage, res as unknown as ServerResponse),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const send = async (path: string, body?: string, more = {}): Promise<{ status: unknown; json: Loose }> => {
      const stream = session.request(
        { ':method': 'POST', ':path': path, ...authorized, ...more },
        { endStream: body === undefined },
      )
      const head = new Promise<http2.IncomingHttpHeaders>((resolve) => stream.once('response', resolve))
      if (body !== undefined) stream.end(body)
      let answer = ''
      for await (const chunk of stream.setEncoding('utf8')) answer += chunk as string
      return { status: (await head)[':status'], json: JSON.parse(answer) }
    }
    const close = async (): Promise<void> => {
      session.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
    return { send, close, calls, log, records, session }
  }

  test('a body, none, and a type that is not received', async () => {
    const { send, close, calls } = await start()
    try {
      expect(await send('/order', text())).toMatchObject(delivered)
      expect(await send('/order/7')).toMatchObject(delivered)
      expect(await send('/order/7', '')).toMatchObject(delivered)
      expect(await send('/order')).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
      expect(await send('/order', text(), { 'content-type': 'text/plain' })).toMatchObject({ status: 415 })
      expect(calls).toHaveLength(3)
    } finally {
      await close()
    }
  })

  const ends: Array<[string, (stream: http2.ClientHttp2Stream) => void]> = [
    // With `NGHTTP2_CANCEL`, Node's client first ends the body, then resets the stream.
    ['cancelled', (stream) => stream.close(http2.constants.NGHTTP2_CANCEL)],
    ['reset', (stream) => stream.destroy()],
    ['ended with its connection', (stream) => stream.session?.destroy()],
  ]
  const parts: Array<[string, Buffer, object]> = [
    ['JSON', Buffer.from(text().slice(0, -1)), {}],
    ['tXML', Buffer.from('<WebhookBody><eventName>'), { 'content-type': 'application/xml' }],
    ['which nothing has come', Buffer.alloc(0), {}],
    ['gzip', gzipSync(text()).subarray(0, 20), { 'content-encoding': 'gzip' }],
  ]
  const cases = ends.flatMap(([how, end]) => parts.map(([what, part, more]) => ({ how, end, what, part, more })))
  test.each(cases)('an upload of $what that is $how is no loss', async ({ end, part, more }) => {
    const { close, log, records, session } = await start()
    try {
      const stream = session.request({ ':method': 'POST', ':path': '/order', ...authorized, ...more })
      stream.on('error', () => undefined)
      session.on('error', () => undefined)
      await new Promise((resolve) => stream.write(part, resolve))
      // When a later request on the same connection is answered, the server has read this part.
      await new Promise((resolve) => session.request({ ':path': '/' }).once('response', resolve).resume())
      records.length = 0
      log.length = 0
      end(stream)
      while (records.length === 0) await new Promise(setImmediate)
      expect(records).toMatchObject([{ outcome: 'unavailable', givenUp: false }])
      expect(log).toEqual([])
    } finally {
      await close()
    }
  })
})

test('a request of Node itself without a body, whatever the app did to its stream', async () => {
  const rig = await startRig({
    before: (app) =>
      app.use((req, _res, next) => {
        req.on('readable', () => undefined)
        req.setEncoding('utf8')
        req.pause()
        next()
      }),
  })
  expect(await rig.send({ method: 'POST', path: '/order/7' })).toMatchObject(delivered)
  expect(await rig.send({ method: 'POST', path: '/order' })).toMatchObject({ status: 400 })
})

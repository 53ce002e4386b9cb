/**
 * Bodies that the app in front of the webhook has changed: parsed as another type, wrapped, stripped, buffered, paused
 * or partly read. This is not the sender's fault, so an event that is still readable is delivered, and a body that the
 * app has damaged gets 503.
 */
import express from 'express'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import {
  authorization,
  closeAll,
  fixture,
  orderEvent,
  startRig,
  until,
  type Loose,
  type RawAnswer,
  type Rig,
} from './harness'
import { encodeRequest } from './raw-http'

afterEach(closeAll)

const json = { 'Content-Type': 'application/json' }
const all = { type: '*/*', limit: '100mb' }
const kept = { status: 503, json: { code: 'unavailable' } }
const delivered = { status: 200, json: { outcome: 'delivered' } }

const startBehind = (...handlers: express.RequestHandler[]): Promise<Rig> =>
  startRig({ validation: 'off', before: (app) => handlers.forEach((handler) => app.use(handler)) })
const change =
  (changed: (body: Loose) => unknown): express.RequestHandler =>
  (req, _res, next) => {
    req.body = changed(req.body)
    next()
  }
const otherRealm = (text: string): unknown =>
  runInNewContext('Uint8Array.from(codes)', { codes: [...Buffer.from(text)] })

/** Sends a body in pieces of 64 bytes, 5 ms apart. */
async function sendInPieces(
  rig: Rig,
  body: string | Buffer,
  headers: Record<string, string> = json,
): Promise<RawAnswer> {
  const connection = rig.open()
  const answer = connection.answer()
  const { head, whole } = encodeRequest({
    method: 'POST',
    path: `${rig.mount}/order`,
    headers: { ...headers, Authorization: authorization },
    body,
  })
  connection.write(head)
  for (let at = head.length; at < whole.length; at += 64) {
    await sleep(5)
    connection.write(whole.subarray(at, at + 64))
  }
  return answer.finally(() => connection.destroy())
}

describe('a body that is no event any more: 503, and a line in the log', () => {
  test.each<[string, express.RequestHandler[]]>([
    ['parsed as a form', [express.urlencoded({ type: '*/*', extended: false })]],
    ['parsed as a nested form', [express.urlencoded({ type: '*/*', extended: true })]],
    ['wrapped in { data }', [express.json(), change((body) => ({ data: body }))]],
    ['wrapped in a list', [express.json(), change((body) => [body])]],
    ['replaced by a stream', [express.json(), change(() => new PassThrough())]],
    ['a Buffer that was made JSON', [express.raw(all), change((body) => JSON.parse(JSON.stringify(body)))]],
    ['a Map', [express.json(), change((body) => new Map(Object.entries(body)))]],
    ['stripped to its name', [express.json(), change(({ eventName }) => ({ eventName }))]],
    ['stripped to an unknown name', [express.json(), change(() => ({ eventName: 'NotYetKnown' }))]],
    ['without its event', [express.json(), change(({ eventName }) => ({ eventName, orderEvent: null }))]],
    ['with an empty event', [express.json(), change(({ eventName }) => ({ eventName, orderEvent: {} }))]],
    ['with its event as text', [express.json(), change(({ orderEvent: e }) => ({ orderEvent: JSON.stringify(e) }))]],
    ['stripped to nothing', [express.json(), change(() => ({}))]],
    ['an empty text', [express.text(all), change(() => '')]],
    ['an empty Buffer', [express.raw(all), change(() => Buffer.alloc(0))]],
    ['a part of its text', [express.text(all), change((body: string) => body.slice(0, 40))]],
    ['a part of its bytes', [express.raw(all), change((body: Buffer) => body.subarray(0, 40))]],
    ['encoded once more', [express.text(all), change((body: string) => JSON.stringify(body))]],
  ])('%s', async (_what, handlers) => {
    for (const onUnknown of [undefined, () => undefined]) {
      const rig = await startRig({
        validation: 'off',
        before: (app) => handlers.forEach((handler) => app.use(handler)),
        onUnknown,
      })
      expect(await rig.post(orderEvent())).toMatchObject(kept)
      expect(rig.log).toMatchObject([{ level: 'warn', line: expect.stringContaining('Mount the webhook before') }])
      expect(rig.calls).toEqual([])
      expect(rig.records).toMatchObject([{ outcome: 'unavailable', givenUp: false }])
    }
  })

  test('parsed, and refused by a schema: the app may have stripped it', async () => {
    const schemas = { order: { type: 'object', required: ['buyerOrder'] } }
    for (const options of [{ schemas }, { validation: 'strict' }] as const) {
      const before = (app: express.Express): void =>
        void app.use(
          express.json(),
          change(({ eventName }) => ({ eventName, orderEvent: { orderId: '1', lines: 5 } })),
        )
      const rig = await startRig({ before, ...options })
      expect(await rig.post(fixture('order-event'))).toMatchObject(kept)
    }
  })

  test('parsed, of an unknown kind: nothing was lost, so it is ignored', async () => {
    const rig = await startRig({ onUnknown: undefined, before: (app) => app.use(express.json()) })
    expect(await rig.post({ eventName: 'InvoiceIssued', invoice: { id: '1' } })).toMatchObject({
      status: 200,
      json: { outcome: 'ignored' },
    })
  })

  test('parsed, and wrong as it was sent: that cannot be told', async () => {
    const rig = await startBehind(express.json())
    expect(await rig.post({ hello: 1 })).toMatchObject(kept)
  })

  test('bytes and text of the length that was sent: the sender is at fault', async () => {
    for (const parser of [express.raw(all), express.text(all)]) {
      const rig = await startBehind(parser)
      expect(await rig.post({ hello: 1 })).toMatchObject({ status: 400, json: { code: 'invalid_body' } })
      const broken = { method: 'POST', path: '/order', headers: json, body: '{"eventName":' }
      expect(await rig.send(broken)).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
      // Whether the app has changed a chunked body is unknown, because there is no Content-Length to compare.
      expect(await rig.send({ ...broken, body: undefined, chunks: ['{"eventName":'] })).toMatchObject(kept)
    }
  })

  test('text of a body that was taken for another encoding', async () => {
    const event = orderEvent({ text: 'Größe 🚢' })
    const body = JSON.stringify(event)
    const headers = { 'Content-Type': 'application/json; charset=iso-8859-1' }
    const rig = await startBehind(express.text({ type: '*/*', verify: () => undefined }))
    for (const more of [{ body }, { chunks: [body] }])
      expect(await rig.send({ method: 'POST', path: '/order', headers, ...more })).toMatchObject(kept)
    expect(rig.calls).toEqual([])
    // ASCII has the same bytes in ISO-8859-1 and in UTF-8.
    expect(
      await rig.send({ method: 'POST', path: '/order', headers, body: JSON.stringify(orderEvent()) }),
    ).toMatchObject(delivered)
  })
})

describe('a body that can still be read: delivered', () => {
  test.each<[string, express.RequestHandler[], boolean]>([
    ['a Uint8Array of another realm', [express.text(all), change(otherRealm)], true],
    ['an ArrayBuffer', [express.raw(all), change((body: Buffer) => new Uint8Array(body).buffer)], true],
    ['a DataView', [express.raw(all), change((body: Buffer) => new DataView(new Uint8Array(body).buffer))], true],
    ['text without its byte order mark', [express.text(all)], true],
    ['an object', [express.json()], false],
    [
      'an object of another realm',
      [express.text(all), change((body) => runInNewContext(`(${body})`) as unknown)],
      false,
    ],
  ])('%s', async (_what, handlers, keepsBytes) => {
    const rig = await startBehind(...handlers)
    const event = orderEvent({ text: 'Größe 🚢' })
    const text = JSON.stringify(event)
    expect(await rig.send({ method: 'POST', path: '/order', headers: json, body: text })).toMatchObject(delivered)
    expect(rig.calls[0]?.event.order).toEqual(event.orderEvent)
    expect(rig.calls[0]?.context.rawBody?.toString()).toBe(keepsBytes ? text : undefined)
    const marked = JSON.stringify(orderEvent({ text: 'Größe 🚢' }))
    expect(await rig.send({ method: 'POST', path: '/order', headers: json, body: `\uFEFF${marked}` })).toMatchObject(
      delivered,
    )
  })

  const verify =
    (keep: (bytes: Buffer) => unknown) =>
    (req: unknown, _res: unknown, bytes: Buffer): void =>
      void ((req as Loose).rawBody = keep(bytes))
  test.each<[string, (bytes: Buffer) => unknown]>([
    ['Buffer', (bytes) => bytes],
    ['text', (bytes) => bytes.toString()],
    ['Uint8Array of another realm', (bytes) => otherRealm(bytes.toString())],
  ])('`rawBody` as %s, whatever became of `body`', async (_what, keep) => {
    for (const changed of [(body: Loose) => ({ data: body }), () => undefined, () => ({})]) {
      const rig = await startBehind(express.json({ verify: verify(keep) }), change(changed))
      const text = JSON.stringify(orderEvent({ text: 'Größe 🚢' }))
      const request = { method: 'POST', path: '/order', headers: json }
      expect(await rig.send({ ...request, body: text })).toMatchObject(delivered)
      expect(rig.calls[0]?.context.rawBody?.toString()).toBe(text)
      const other = JSON.stringify(orderEvent())
      const headers = { ...json, 'Content-Encoding': 'gzip' }
      expect(await rig.send({ ...request, headers, body: gzipSync(other) })).toMatchObject(delivered)
      expect(rig.calls[1]?.context.rawBody?.toString()).toBe(other)
      // The bytes are unchanged, so an error in them is the sender's fault.
      expect(await rig.send({ ...request, body: '{"hello":1}' })).toMatchObject({ status: 400 })
    }
  })

  test('`rawBody` that is nothing of the kind', async () => {
    for (const keep of [() => ({}), () => 5, () => '', () => null]) {
      const rig = await startBehind(express.json({ verify: verify(keep) }))
      expect(await rig.post(orderEvent())).toMatchObject(delivered)
    }
  })

  test.each<[string, (bytes: Buffer) => string]>([
    ['base64', (bytes) => bytes.toString('base64')],
    ['hex', (bytes) => bytes.toString('hex')],
    ['a digest', (bytes) => createHash('sha256').update(bytes).digest('hex')],
  ])('`rawBody` as %s: what the parser made of the body counts', async (_what, keep) => {
    const rig = await startBehind(express.json({ verify: verify(keep) }))
    const request = { method: 'POST', path: '/order', headers: json }
    const bodyOf = () => JSON.stringify(orderEvent({ text: 'Größe 🚢' }))
    expect(await rig.send({ ...request, body: bodyOf() })).toMatchObject(delivered)
    expect(await rig.send({ ...request, chunks: [bodyOf()] })).toMatchObject(delivered)
    const headers = { ...json, 'Content-Encoding': 'gzip' }
    expect(await rig.send({ ...request, headers, body: gzipSync(bodyOf()) })).toMatchObject(delivered)
    expect(rig.calls.map(({ event }) => event.order.text)).toEqual(Array(3).fill('Größe 🚢'))
  })

  test('`rawBody` beside a stream that nothing has read: the stream counts', async () => {
    const rig = await startBehind((req, _res, next) => {
      Object.assign(req, { rawBody: '{"eventName":"Stale","orderEvent":{"orderId":"stale"}}' })
      next()
    })
    const text = JSON.stringify(orderEvent())
    expect(await rig.send({ method: 'POST', path: '/order', headers: json, body: text })).toMatchObject(delivered)
    expect(rig.calls[0]?.context.rawBody?.toString()).toBe(text)
  })

  /** Middleware that collects the chunks of the body, but calls `next` before the end of the body. */
  const collect =
    (encoding?: BufferEncoding): express.RequestHandler =>
    (req, _res, next) => {
      const chunks: Array<Buffer | string> = []
      if (encoding) req.setEncoding(encoding)
      req.on('data', (chunk: Buffer | string) => chunks.push(chunk))
      req.on('end', () => {
        const rawBody = encoding ? chunks.join('') : Buffer.concat(chunks as Buffer[])
        Object.assign(req, { rawBody })
      })
      next()
    }
  test.each([undefined, 'utf8'] as const)('`rawBody` that the app still collects (%s)', async (encoding) => {
    const text = JSON.stringify(orderEvent({ text: 'Größe 🚢'.repeat(40) }))
    // The second `auth` takes 30 ms. Meanwhile, the app reads the beginning of the body.
    for (const auth of [() => true, () => sleep(30, true)]) {
      const rig = await startRig({ before: (app) => app.use(collect(encoding)), auth, dedupe: false })
      expect(await sendInPieces(rig, text)).toMatchObject(delivered)
      expect(rig.calls[0]?.context.rawBody?.toString()).toBe(text)
      const zipped = gzipSync(JSON.stringify(orderEvent()))
      const answer = await sendInPieces(rig, zipped, { ...json, 'Content-Encoding': 'gzip' })
      // UTF-8 text cannot represent the bytes of gzip.
      expect(answer).toMatchObject(encoding ? kept : delivered)
    }
  })

  test('a stream that was told to give text of another encoding', async () => {
    for (const encoding of ['latin1', 'hex', 'base64'] as const) {
      const rig = await startBehind((req, _res, next) => {
        req.setEncoding(encoding)
        next()
      })
      const text = JSON.stringify(orderEvent({ text: 'Größe 🚢' }))
      expect(await sendInPieces(rig, text)).toMatchObject(delivered)
      expect(rig.calls[0]?.context.rawBody?.toString()).toBe(text)
    }
  })

  test('a stream of text that was no UTF-8', async () => {
    const rig = await startBehind((req, _res, next) => {
      req.setEncoding('utf8')
      next()
    })
    const body = Buffer.from('{"eventName":"X","orderEvent":{"orderId":"Gr\xf6\xdfe"}}', 'latin1')
    expect(await rig.send({ method: 'POST', path: '/order', headers: json, body })).toMatchObject(kept)
    expect(await rig.send({ method: 'POST', path: '/order', headers: json, chunks: [body] })).toMatchObject(kept)
    expect(rig.calls).toEqual([])
  })
})

describe('a stream that does not flow', () => {
  test.each<[string, express.RequestHandler]>([
    [
      'was paused',
      (req, _res, next) => {
        req.pause()
        next()
      },
    ],
    [
      'was paused while it was read elsewhere',
      (req, _res, next) => {
        req.on('data', () => undefined).pause()
        next()
      },
    ],
    [
      'is paused with each chunk',
      (req, _res, next) => {
        req.on('data', () => req.pause())
        next()
      },
    ],
    [
      'has a `readable` listener that does nothing',
      (req, _res, next) => {
        req.on('readable', () => undefined)
        next()
      },
    ],
    [
      'has a `readable` listener that reads',
      (req, _res, next) => {
        req.on('readable', () => {
          while (req.read() !== null);
        })
        next()
      },
    ],
    [
      'has a `readable` listener that reads in part, and was paused',
      (req, _res, next) => {
        req.on('readable', () => void req.read(3))
        req.pause()
        next()
      },
    ],
    [
      'was piped into something that is full',
      (req, _res, next) => {
        req.pipe(new PassThrough({ highWaterMark: 1 }))
        next()
      },
    ],
    [
      'is read by an iterator',
      (req, _res, next) => {
        text(req).catch(() => undefined)
        next()
      },
    ],
  ])('because it %s: delivered', async (_what, handler) => {
    const rig = await startBehind(handler)
    const text = JSON.stringify(orderEvent({ text: 'x'.repeat(500) }))
    expect(await sendInPieces(rig, text)).toMatchObject(delivered)
    expect(rig.calls[0]?.context.rawBody?.toString()).toBe(text)
    const zipped = gzipSync(JSON.stringify(orderEvent()))
    expect(await sendInPieces(rig, zipped, { ...json, 'Content-Encoding': 'gzip' })).toMatchObject(delivered)
  })

  test('and has lost its beginning: kept, and a line in the log', async () => {
    const rig = await startBehind((req, _res, next) => {
      void once(req, 'readable').then(() => {
        req.read(3)
        next()
      })
    })
    expect(await sendInPieces(rig, JSON.stringify(orderEvent()))).toMatchObject(kept)
    expect(rig.log).toMatchObject([{ level: 'warn', line: expect.stringContaining('Mount the webhook before') }])
  })

  test('because the app pauses it later: a line in the log', async () => {
    const requests: express.Request[] = []
    const rig = await startRig({
      limits: { uploadIdleTimeoutMs: 100 },
      before: (app) =>
        app.use((req, _res, next) => {
          requests.push(req)
          next()
        }),
    })
    const connection = rig.open()
    const answer = connection.answer()
    const body = JSON.stringify(orderEvent())
    const { head, whole } = encodeRequest({
      method: 'POST',
      path: `${rig.mount}/order`,
      headers: { ...json, Authorization: authorization },
      body,
    })
    connection.write(whole.subarray(0, head.length + 20))
    await until(() => requests.length === 1)
    requests[0]?.pause()
    expect(await answer).toMatchObject({ status: 503, json: { detail: 'The upload stalled.' } })
    expect(rig.log).toMatchObject([
      { level: 'warn', line: expect.stringMatching(/No byte arrived.*paused the request/) },
    ])
    connection.destroy()
  })
})

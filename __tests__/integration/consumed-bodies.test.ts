/** Bodies that the app has read or parsed before the webhook sees the request. */
import express from 'express'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import {
  authorization,
  closeAll,
  fixture,
  isExpress4,
  orderEvent,
  orderId,
  pause,
  startRig,
  startUnvalidated,
  type RawAnswer,
  type Rig,
} from './harness'
import { json } from './sent-bodies'

afterEach(closeAll)

describe('read by something before us', () => {
  const all = { type: '*/*', limit: '100mb' }

  test.each<[string, () => express.RequestHandler, boolean]>([
    ['express.json()', () => express.json(all), false],
    ['express.text()', () => express.text(all), true],
    ['express.raw()', () => express.raw(all), true],
  ])('%s: taken as it is', async (_what, parser, keepsBytes) => {
    const rig = await startRig({ before: (app) => app.use(parser()) })
    for (const name of ['order-event', 'shipment-event']) {
      const event = fixture(name)
      expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
      expect(rig.calls.at(-1)?.event[name === 'order-event' ? 'order' : 'shipment']).toEqual(
        event.orderEvent ?? event.shipment,
      )
      expect(rig.calls.at(-1)?.context.rawBody?.toString()).toBe(keepsBytes ? JSON.stringify(event) : undefined)
      expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    }
    expect(
      await rig.send({
        method: 'POST',
        path: '/order',
        headers: { ...json, 'Content-Encoding': 'gzip' },
        body: gzipSync(JSON.stringify(orderEvent())),
      }),
    ).toMatchObject({ status: 200 })
    expect(
      await rig.send({ method: 'POST', path: '/order', headers: json, chunks: [JSON.stringify(orderEvent())] }),
    ).toMatchObject({ status: 200 })
    expect(await rig.post({ hello: 1 })).toMatchObject({ status: keepsBytes ? 400 : 503 })
    expect(await rig.post(orderEvent(), { auth: null })).toMatchObject({ status: 401 })
    expect(await rig.post(orderEvent(), { headers: { 'Content-Type': 'text/plain' } })).toMatchObject({
      status: 415,
    })
    // A request with an ID but without a body is still accepted.
    for (const method of ['GET', 'POST'])
      expect(await rig.send({ method, path: `/order/${orderId}` })).toMatchObject({ status: 200 })
    expect(rig.calls.at(-1)?.event).toMatchObject({ completeness: 'id-only', method: 'POST' })
    expect(
      await rig.send({ method: 'POST', path: '/order', headers: { ...json, 'Content-Length': '0' } }),
    ).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
  })

  test('a parser that takes other types only leaves the stream to us', async () => {
    // Express 4 sets `req.body = {}` in this case, although the stream is unread.
    const rig = await startRig({
      before: (app) => app.use(express.json({ type: 'application/other' }), express.urlencoded({ extended: true })),
    })
    const event = orderEvent()
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    expect(rig.calls[0]?.context.rawBody?.toString()).toBe(JSON.stringify(event))
    const empty = await rig.send({ method: 'POST', path: '/order', body: '{}', headers: json })
    expect(empty).toMatchObject({ status: 400, json: { code: 'invalid_body' } })
    let seen: unknown = 'nothing'
    const probe = await startRig({
      before: (app) =>
        app.use(express.json({ type: 'application/other' }), (req, _res, next) => {
          seen = req.body
          next()
        }),
    })
    await probe.post(orderEvent())
    expect(seen).toEqual(isExpress4 ? {} : undefined)
  })

  test.each<[string, (app: express.Express) => void]>([
    [
      'swallowed',
      (app) =>
        app.use((req, _res, next) => {
          req.resume().on('end', () => next())
        }),
    ],
    [
      'swallowed, and {} left',
      (app) =>
        app.use((req, _res, next) => {
          req.resume().on('end', () => {
            req.body = {}
            next()
          })
        }),
    ],
    [
      'swallowed, and null left',
      (app) =>
        app.use((req, _res, next) => {
          req.resume().on('end', () => {
            req.body = null
            next()
          })
        }),
    ],
    [
      'swallowed, and a number left',
      (app) =>
        app.use((req, _res, next) => {
          req.resume().on('end', () => {
            req.body = 5
            next()
          })
        }),
    ],
    [
      'made into something cyclic',
      (app) =>
        app.use(express.json(), (req, _res, next) => {
          req.body.self = req.body
          next()
        }),
    ],
    [
      'made into something with a BigInt',
      (app) =>
        app.use(express.json(), (req, _res, next) => {
          req.body.big = 1n
          next()
        }),
    ],
    [
      'made into something that throws',
      (app) =>
        app.use(express.json(), (req, _res, next) => {
          req.body = {
            toJSON: () => {
              throw new Error('no')
            },
          }
          next()
        }),
    ],
  ])('%s: 503, and the log names the mistake', async (_what, before) => {
    const rig = await startUnvalidated({ before })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(rig.log).toMatchObject([
      { level: 'warn', line: expect.stringContaining('Mount the webhook before express.json()') },
    ])
    expect(rig.calls).toEqual([])
  })

  test('what a parser made deep or polluting is kept back or cleaned', async () => {
    const rig = await startUnvalidated({ before: (app) => app.use(express.json({ limit: '10mb' })) })
    expect(
      await rig.send({
        method: 'POST',
        path: '/order',
        headers: json,
        body: `{"eventName":"X","a":${'['.repeat(200)}${']'.repeat(200)}}`,
      }),
    ).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(
      await rig.send({
        method: 'POST',
        path: '/order',
        headers: json,
        body: '{"eventName":"X","orderEvent":{"orderId":"1","__proto__":{"polluted":1}}}',
      }),
    ).toMatchObject({ status: 200 })
    expect(rig.calls.at(-1)?.event.order).toEqual({ orderId: '1' })
  })

  // A common snippet of apps that keep the raw body.
  const keepsRawBody = (app: express.Express): void =>
    void app.use((req, _res, next) => {
      const kept = req as unknown as { rawBody: string }
      kept.rawBody = ''
      req.setEncoding('utf8')
      req.on('data', (chunk: string) => (kept.rawBody += chunk))
      next()
    })

  const sendInPieces = async (
    rig: Rig,
    body: string | Buffer,
    headers: Record<string, string> = json,
  ): Promise<RawAnswer> => {
    const bytes = Buffer.from(body as string)
    const { connection, answer } = rig.sendHead({
      ...headers,
      Authorization: authorization,
      'Content-Length': String(bytes.length),
    })
    for (let at = 0; at < bytes.length; at += 64) {
      connection.write(bytes.subarray(at, at + 64))
      await pause(5)
    }
    return answer.finally(() => connection.destroy())
  }

  test('an app that has set an encoding on the request: delivered, or tried again', async () => {
    const rig = await startUnvalidated({ before: keepsRawBody, limits: { uploadIdleTimeoutMs: 500 } })
    const text = JSON.stringify(orderEvent({ text: 'øøø🚢'.repeat(40) }))
    for (const answer of [
      await sendInPieces(rig, text),
      await rig.send({ method: 'POST', path: '/order', headers: json, body: text }),
    ]) {
      expect([200, 503]).toContain(answer.status)
    }
    const zipped = await rig.send({
      method: 'POST',
      path: '/order',
      headers: { ...json, 'Content-Encoding': 'gzip' },
      body: gzipSync(JSON.stringify(orderEvent())),
    })
    expect([200, 503]).toContain(zipped.status)
    for (const { event } of rig.calls) expect(event.order.text ?? 'øøø🚢'.repeat(40)).toBe('øøø🚢'.repeat(40))
  })

  test('an app that has read the beginning of the body: tried again, never given up', async () => {
    const rig = await startUnvalidated({
      before: (app) =>
        app.use((req, _res, next) => {
          req.on('data', () => undefined)
          next()
        }),
      auth: () => sleep(30, true),
      limits: { uploadIdleTimeoutMs: 500 },
    })
    const answer = await sendInPieces(rig, JSON.stringify(orderEvent({ text: 'x'.repeat(2000) })), { ...json })
    expect(answer).toMatchObject({ status: 503 })
    expect(rig.records.some(({ givenUp }) => givenUp)).toBe(false)
  })

  test('an app that listens to the body beside us does no harm', async () => {
    let bytes = 0
    const rig = await startUnvalidated({
      before: (app) =>
        app.use((req, _res, next) => {
          req.on('data', (chunk: Buffer) => (bytes += chunk.length))
          next()
        }),
    })
    const text = JSON.stringify(orderEvent())
    expect(await sendInPieces(rig, text)).toMatchObject({ status: 200 })
    expect(bytes).toBe(text.length)
  })
})

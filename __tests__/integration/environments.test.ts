/**
 * Environments that change what the package depends on: timers of jsdom and of Jest's legacy fake timers, and
 * properties of the request that throw.
 */
import express from 'express'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { authorization, closeAll, credential, orderEvent, startRig, startServer } from './harness'
import { encodeRequest, RawConnection, type RawAnswer } from './raw-http'

afterEach(async () => {
  jest.useRealTimers()
  await closeAll()
})

/** Sends a body in two pieces. Between them, the server has time to read the first piece. */
async function sendInTwoPieces(port: number, path: string): Promise<RawAnswer> {
  const connection = new RawConnection(port)
  const answer = connection.answer()
  const { head, whole } = encodeRequest({
    method: 'POST',
    path,
    headers: { Authorization: authorization, 'Content-Type': 'application/json' },
    body: JSON.stringify(orderEvent()),
  })
  const middle = head.length + 20
  connection.write(whole.subarray(0, middle))
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  connection.write(whole.subarray(middle))
  return answer.finally(() => connection.destroy())
}

describe('timers', () => {
  test('that are numbers, as in jsdom', async () => {
    const real = { setTimeout: global.setTimeout, setInterval: global.setInterval }
    const rig = await startRig()
    Object.assign(global, {
      setTimeout: (callback: () => void, ms: number) => Number(real.setTimeout(callback, ms)),
      setInterval: (callback: () => void, ms: number) => Number(real.setInterval(callback, ms)),
    })
    try {
      expect(await sendInTwoPieces(rig.port, `${rig.mount}/order`)).toMatchObject({ status: 200 })
      expect(await rig.get(`/order/1`)).toMatchObject({ status: 200 })
      // This response is sent before the body is read.
      expect(await rig.post(orderEvent(), { auth: null })).toMatchObject({ status: 401 })
      await rig.webhook.close()
    } finally {
      Object.assign(global, real)
    }
  })

  test("of Jest's legacy fake timers", async () => {
    const rig = await startRig()
    jest.useFakeTimers({ legacyFakeTimers: true })
    expect(await sendInTwoPieces(rig.port, `${rig.mount}/order`)).toMatchObject({ status: 200 })
    expect(await rig.get(`/order/1`)).toMatchObject({ status: 200 })
  })
})

describe('what throws before the request is known', () => {
  const failing = (): never => {
    throw new Error('a getter that fails')
  }

  test('`req.app`, with the option `allow`: 401 without credentials, else 503', async () => {
    const rig = await startRig({
      allow: ['127.0.0.1'],
      before: (app) =>
        app.use((req, _res, next) => {
          Object.defineProperty(req, 'app', { get: failing })
          next()
        }),
    })
    expect(await rig.post(orderEvent(), { auth: null })).toMatchObject({ status: 401 })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(rig.log).toMatchObject([{}, { level: 'warn', line: expect.stringContaining('a getter that fails') }])
  })

  test.each(['url', 'method', 'headers'])('`req.%s`: 503 and a log line', async (property) => {
    const rig = await startRig({
      before: (app) =>
        app.use('/tradecloud', (req, _res, next) => {
          let value: unknown = req[property as 'url']
          let failed = false
          Object.defineProperty(req, property, {
            get: () => {
              // Fails once, at the first read by the webhook (`lib/compose`). Express itself can read the property.
              if (failed || !new Error().stack?.includes('compose')) return value
              failed = true
              return failing()
            },
            set: (changed: unknown) => (value = changed),
          })
          next()
        }),
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(rig.log.at(-1)?.line).toContain('a getter that fails')
  })

  test.each(['/order', '/elsewhere'])('`req.method`, or `setTimeout`, in a listener, for %s: 503', async (path) => {
    const { setTimeout } = global
    const log: string[] = []
    const webhook = createTradecloudWebhook({
      auth: credential,
      onOrder: () => undefined,
      logger: { warn: () => undefined, error: (line) => log.push(line) },
    })
    const failOnce = (object: object, property: string, value: unknown): void =>
      void Object.defineProperty(object, property, {
        configurable: true,
        get: () => {
          Object.defineProperty(object, property, { value, writable: true })
          return failing()
        },
      })
    for (const what of ['method', 'setTimeout']) {
      const { port } = await startServer((req, res) => {
        if (what === 'method') failOnce(req, what, req.method)
        else failOnce(global, what, setTimeout)
        webhook.listener(req, res)
      })
      expect(await sendInTwoPieces(port, path)).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    }
    expect(log).toEqual([
      expect.stringContaining('a getter that fails'),
      expect.stringContaining('a getter that fails'),
    ])
  })

  test('everything: the response is given up, and nothing is thrown', () => {
    const webhook = createTradecloudWebhook({
      auth: credential,
      onOrder: () => undefined,
      logger: { warn: () => undefined, error: failing },
    })
    const req = new IncomingMessage(new Socket())
    Object.defineProperty(req, 'url', { get: failing })
    const res = new ServerResponse(req)
    Object.assign(res, { writeHead: failing, destroy: failing })
    expect(() => webhook.listener(req, res)).not.toThrow()
    const next = jest.fn()
    expect(() => webhook(req as express.Request, res as express.Response, next)).not.toThrow()
    expect(next).not.toHaveBeenCalled()
  })
})

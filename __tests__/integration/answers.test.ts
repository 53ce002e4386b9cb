/**
 * The table of responses over HTTP: for each outcome its status, body and headers, the delivery record, `onError` and
 * the log.
 */
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RejectEvent, type Outcome, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import {
  apiOf,
  authorization,
  basic,
  closeAll,
  deferred,
  orderEvent,
  orderId,
  startRig,
  startServer,
  startTradecloud,
  temporaryInbox,
  until,
  type Loose,
  type RawAnswer,
  type Rig,
} from './harness'

afterEach(closeAll)
type Options = Partial<TradecloudWebhookOptions>

interface Row {
  status: number
  act: (options: Options) => Promise<{ rig: Rig; answer: RawAnswer }>
  /** True if the option `refusals: 'retry'` changes the status to 503. */
  refusal?: true
  headers?: Record<string, string>
  /** The expected `error.cause` in `onError`. */
  cause?: unknown
}

const postTo = async (options: Options, json: unknown = orderEvent()): Promise<{ rig: Rig; answer: RawAnswer }> => {
  const rig = await startRig(options)
  return { rig, answer: await rig.post(json) }
}

const sendTo = async (
  options: Options,
  request: Parameters<Rig['send']>[0],
): Promise<{ rig: Rig; answer: RawAnswer }> => {
  const rig = await startRig(options)
  return { rig, answer: await rig.send(request) }
}

const boom = new Error('the ERP system is down')
const refused = new RejectEvent('not our order', { status: 409 })

/**
 * The type requires a row for each outcome except `probe`: a probe has neither a record nor a log line; see
 * `probe.test.ts`.
 */
const rows: Record<Exclude<Outcome, 'probe'>, Row> = {
  delivered: { status: 200, act: (options) => postTo(options) },
  duplicate: {
    status: 200,
    act: async (options) => {
      const rig = await startRig(options)
      const event = orderEvent()
      await rig.post(event)
      return { rig, answer: await rig.post(event) }
    },
  },
  queued: { status: 202, act: (options) => postTo({ ...options, inbox: temporaryInbox() }) },
  quarantined: { status: 202, act: (options) => postTo({ ...options, inbox: temporaryInbox() }, 'no event') },
  ignored: { status: 200, act: (options) => postTo({ ...options, onOrder: undefined }) },
  malformed_body: {
    status: 400,
    refusal: true,
    act: (options) =>
      sendTo(options, {
        method: 'POST',
        path: '/order',
        body: '{"eventName":',
        headers: { 'Content-Type': 'application/json' },
      }),
  },
  invalid_body: { status: 400, refusal: true, act: (options) => postTo(options, { hello: 'world' }) },
  invalid_id: { status: 400, refusal: true, act: (options) => sendTo(options, { path: '/order/%20' }) },
  rejected: {
    status: 409,
    cause: refused,
    act: (options) =>
      postTo({
        ...options,
        onOrder: () => {
          throw refused
        },
      }),
  },
  unauthorized: {
    status: 401,
    refusal: true,
    headers: { 'www-authenticate': 'Basic realm="tradecloud-webhook", charset="UTF-8"' },
    act: (options) =>
      sendTo(options, { method: 'POST', path: '/order', json: orderEvent(), auth: basic('tradecloud', 'wrong') }),
  },
  address_not_allowed: {
    status: 403,
    cause: expect.objectContaining({ message: '127.0.0.1 is not in the option `allow`' }),
    act: (options) => postTo({ ...options, auth: 'none', allow: ['production'] }),
  },
  not_found: {
    status: 404,
    cause: expect.objectContaining({ code: 'not_found' }),
    act: async (options) =>
      sendTo(
        { ...options, api: { ...apiOf(await startTradecloud()), notFoundRetryMs: 0 }, notFoundGraceMs: 0 },
        { path: '/order/unknown' },
      ),
  },
  method_not_allowed: {
    status: 405,
    headers: { allow: 'GET, POST, PUT' },
    act: (options) => sendTo(options, { method: 'DELETE', path: '/order/1' }),
  },
  body_too_large: {
    status: 413,
    refusal: true,
    act: (options) =>
      sendTo({ ...options, bodyLimit: 100 }, { method: 'POST', path: '/order', json: { text: 'x'.repeat(100) } }),
  },
  unsupported_media_type: {
    status: 415,
    refusal: true,
    act: (options) =>
      sendTo(options, { method: 'POST', path: '/order', body: 'a', headers: { 'Content-Type': 'text/plain' } }),
  },
  fetch_failed: {
    status: 502,
    cause: expect.objectContaining({ code: 'fetch_failed', apiStatus: 403 }),
    act: async (options) => {
      const tradecloud = await startTradecloud()
      tradecloud.api.failNext(1, 403, 'order')
      return sendTo({ ...options, api: apiOf(tradecloud) }, { path: `/order/${orderId}` })
    },
  },
  fetch_timeout: {
    status: 504,
    cause: expect.objectContaining({ code: 'fetch_timeout' }),
    act: async (options) => {
      const { port } = await startServer(() => undefined)
      const api = { baseUrl: `http://127.0.0.1:${port}/v2`, username: 'a', password: 'b', requestTimeoutMs: 100 }
      return sendTo({ ...options, api, fetchTimeoutMs: 150 }, { path: `/order/${orderId}` })
    },
  },
  answer_timeout: {
    status: 504,
    act: (options) => postTo({ ...options, answerTimeoutMs: 50, onOrder: () => sleep(200) }),
  },
  handler_failed: {
    status: 503,
    cause: boom,
    act: (options) =>
      postTo({
        ...options,
        onOrder: () => {
          throw boom
        },
      }),
  },
  in_progress: {
    status: 503,
    act: async (options) => {
      const [begun, running] = [deferred(), deferred()]
      const onOrder = (): Promise<void> => {
        begun.resolve()
        return running.promise
      }
      const rig = await startRig({ ...options, onOrder })
      const event = orderEvent()
      const first = rig.post(event)
      await begun.promise
      const answer = await rig.post(event)
      running.resolve()
      await first
      return { rig, answer }
    },
  },
  unavailable: {
    status: 503,
    cause: expect.objectContaining({ message: 'key server away' }),
    act: (options) =>
      sendTo(
        {
          ...options,
          auth: () => {
            throw new Error('key server away')
          },
        },
        { path: '/order/1' },
      ),
  },
  not_routed: {
    status: 503,
    act: (options) => sendTo(options, { method: 'POST', path: '/orders', json: orderEvent() }),
  },
}

const entries = Object.entries(rows) as Array<[Outcome, Row]>

describe('each outcome', () => {
  test.each(entries)('%s', async (outcome, { status, act, headers = {}, cause }) => {
    const { rig, answer } = await act({})
    expect(answer.status).toBe(status)
    expect(answer.interim).toEqual([])
    expect(answer.headers).toMatchObject({
      ...headers,
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(answer.text)),
    })
    expect(answer.headers['retry-after']).toBe(status === 503 ? '10' : undefined)
    const ok = status < 300
    expect(answer.headers['content-type']).toBe(ok ? 'application/json' : 'application/problem+json')
    const record = rig.records.find((found) => found.outcome === outcome)
    expect(record).toMatchObject({
      outcome,
      status,
      answered: true,
      givenUp: status >= 400 && status <= 500,
      merged: false,
      requestId: expect.any(String),
    })
    expect(record?.durationMs).toBeGreaterThan(0)
    expect(record?.receivedAt).toBeInstanceOf(Date)
    if (ok) {
      expect(Object.keys(answer.json).filter((key) => key !== 'deliveryId')).toEqual(['outcome'])
      expect(answer.json.outcome).toBe(outcome)
      expect(rig.errors).toEqual([])
    } else {
      expect(answer.json).toMatchObject({
        code: outcome,
        status,
        title: expect.any(String),
        detail: expect.any(String),
        requestId: record?.requestId,
      })
      const failed = rig.errors.find(({ error }) => error.code === outcome)
      expect(failed?.error).toMatchObject({ name: 'TradecloudWebhookError', code: outcome, status })
      expect(failed?.context).toMatchObject({ outcome, status, requestId: record?.requestId })
      expect(failed?.error.headers).toMatchObject({ 'Cache-Control': 'no-store' })
      if (cause === undefined) expect(failed?.error).not.toHaveProperty('cause')
      else expect(failed?.error.cause).toEqual(cause)
    }
    if (['delivered', 'queued', 'duplicate', 'rejected', 'handler_failed'].includes(outcome)) {
      expect(answer.json.deliveryId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(record).toMatchObject({
        deliveryId: answer.json.deliveryId,
        kind: 'order',
        eventName: 'OrderIssuedByBuyer',
        entityId: orderId,
        method: 'POST',
      })
    }
    const errorLines = rig.log.filter(({ level }) => level === 'error')
    if (outcome === 'not_routed') expect(errorLines).toHaveLength(1)
    else if (record?.givenUp || outcome === 'quarantined') {
      expect(errorLines).toHaveLength(1)
      expect(errorLines[0]?.line).toContain(record?.givenUp ? `Answered ${status} ${outcome}` : 'Quarantined')
      expect(errorLines[0]?.line).toContain(record?.requestId)
    } else expect(errorLines).toEqual([])
    expect(answer.headers.connection === 'close').toBe(record?.givenUp)
  })

  test.each(entries)("%s with refusals: 'retry'", async (outcome, { status, act, refusal, headers = {} }) => {
    const { rig, answer } = await act({ refusals: 'retry' })
    const expected = refusal ? 503 : status
    expect(answer.status).toBe(expected)
    expect(answer.headers['retry-after']).toBe(expected === 503 ? '10' : undefined)
    if (!refusal) expect(answer.headers).toMatchObject(headers)
    if (expected >= 300) expect(answer.json).toMatchObject({ code: outcome, status: expected })
    expect(rig.records.find((found) => found.outcome === outcome)).toMatchObject({
      status: expected,
      givenUp: expected >= 400 && expected <= 500,
    })
    if (refusal) expect(rig.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('no outcome is 500', () => {
    for (const [outcome, { status }] of entries) expect({ outcome, status }).not.toMatchObject({ status: 500 })
  })
})

test('an answer that something else has given is left alone', async () => {
  const rig = await startRig({
    before: (app) =>
      app.use((_req, res, next) => {
        res.status(418).set('X-From', 'app').end('teapot')
        next()
      }),
  })
  expect(await rig.post(orderEvent())).toMatchObject({ status: 418, text: 'teapot' })
  await until(() => rig.records.length === 1)
  expect(rig.records[0]).toMatchObject({ answered: false })
})

test('over HTTP/2 too', async () => {
  const rig = await startRig()
  const server = createServer(rig.webhook.listener as never)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const ask = (headers: Record<string, string>, body?: string | Buffer): Promise<{ status: number; json: Loose }> =>
    new Promise((resolve, reject) => {
      const stream = session.request(headers, { endStream: body === undefined })
      let status = 0
      const chunks: Buffer[] = []
      stream.on('response', (head) => (status = Number(head[':status'])))
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => resolve({ status, json: JSON.parse(Buffer.concat(chunks).toString() || '{}') }))
      stream.on('error', reject)
      if (body !== undefined) stream.end(body)
    })
  try {
    const head = { ':method': 'POST', ':path': '/order', 'content-type': 'application/json' }
    expect(await ask({ ...head, authorization }, JSON.stringify(orderEvent()))).toMatchObject({
      status: 200,
      json: { outcome: 'delivered' },
    })
    expect(await ask(head, JSON.stringify(orderEvent()))).toMatchObject({ status: 401, json: { code: 'unauthorized' } })
    expect(await ask({ ':method': 'GET', ':path': '/order/PO1', authorization })).toMatchObject({ status: 200 })
    expect(await ask({ ':method': 'POST', ':path': '/order/PO1', authorization })).toMatchObject({ status: 200 })
    expect(await ask({ ...head, authorization }, '{')).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
  } finally {
    session.destroy()
    server.close()
  }
})

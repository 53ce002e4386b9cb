/**
 * The table of answers on the wire: for each outcome its status, body and headers, the delivery record, `onError` and
 * the log; whatever a callback throws; and the order in which a request is checked.
 */
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RejectEvent, type Logger, type Outcome, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import {
  apiOf,
  authorization,
  basic,
  closeAll,
  deferred,
  fixture,
  orderEvent,
  orderId,
  pause,
  startRig,
  startServer,
  startTradecloud,
  temporaryInbox,
  until,
  type Loose,
  type RawAnswer,
  type Rig,
} from './harness'
import { encodeRequest } from './raw-http'

afterEach(closeAll)

type Options = Partial<TradecloudWebhookOptions>

interface Row {
  status: number
  act: (options: Options) => Promise<{ rig: Rig; answer: RawAnswer }>
  /** With `refusals: 'retry'` it is 503. */
  refusal?: true
  headers?: Record<string, string>
  /** `error.cause` that onError gets. */
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

/** Fails to compile, and to pass, when an outcome has no row. */
const rows: Record<Outcome, Row> = {
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
    // What is lost is written down; what only waits is not an error.
    const errorLines = rig.log.filter(({ level }) => level === 'error')
    if (outcome === 'not_routed') expect(errorLines).toHaveLength(1)
    else if (record?.givenUp || outcome === 'quarantined') {
      expect(errorLines).toHaveLength(1)
      expect(errorLines[0]?.line).toContain(record?.givenUp ? `Answered ${status} ${outcome}` : 'Quarantined')
      expect(errorLines[0]?.line).toContain(record?.requestId)
    } else expect(errorLines).toEqual([])
    // Tradecloud sends nothing more on a connection after a refusal; nor does a proxy lose anything by a new one.
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

describe('records and onError', () => {
  test('what is known of a delivered event', async () => {
    const rig = await startRig()
    const body = fixture('order-event')
    body.orderEvent.version = 'not a number'
    const text = JSON.stringify(body)
    const answer = await rig.post(body)
    expect(rig.records).toEqual([
      {
        outcome: 'delivered',
        status: 200,
        givenUp: false,
        answered: true,
        method: 'POST',
        kind: 'order',
        eventName: 'OrderLinesAcceptedBySupplier',
        entityId: orderId,
        deliveryId: answer.json.deliveryId,
        requestId: rig.calls[0]?.context.requestId,
        attempt: 1,
        merged: false,
        issues: 1,
        bodyBytes: Buffer.byteLength(text),
        receivedAt: rig.calls[0]?.context.receivedAt,
        durationMs: expect.any(Number),
      },
    ])
  })

  test('the raw body of an authenticated refusal, and of no other', async () => {
    const rig = await startRig()
    await rig.post({ hello: 'world' })
    await rig.post({ hello: 'world' }, { auth: null })
    expect(rig.errors.map(({ error }) => error.code)).toEqual(['invalid_body', 'unauthorized'])
    expect(rig.errors[0]?.context.rawBody?.toString()).toBe('{"hello":"world"}')
    expect(rig.errors[1]?.context.rawBody).toBeUndefined()
    expect(rig.records[1]?.bodyBytes).toBe(0)
  })

  test('issues of an invalid body come with the answer, without its values', async () => {
    const rig = await startRig({ validation: 'strict' })
    const answer = await rig.post({
      eventName: 'X',
      orderEvent: { orderId, version: 'SECRET-VALUE', lines: 'SECRET-VALUE' },
    })
    expect(answer).toMatchObject({
      status: 400,
      json: {
        code: 'invalid_body',
        issues: expect.arrayContaining([{ pointer: '/orderEvent/lines', message: expect.any(String) }]),
      },
    })
    expect(answer.text).not.toContain('SECRET-VALUE')
    expect(JSON.stringify(rig.log)).not.toContain('SECRET-VALUE')
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('metrics are down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('metrics are down'))],
    [
      'throws null',
      () => {
        throw null
      },
    ],
  ])('onDelivery or onError that %s changes nothing', async (_what, broken) => {
    const rig = await startRig({
      onDelivery: broken,
      onError: broken,
      onOrder: () => {
        throw new RejectEvent('no')
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
    await until(() => rig.log.filter(({ line }) => /onDelivery failed|onError failed/.test(line)).length === 4)
  })

  test('a logger that throws changes nothing', async () => {
    const broken = (): void => {
      throw new Error('the disk is full')
    }
    const rig = await startRig({
      logger: { warn: broken, error: broken },
      onOrder: () => {
        throw new RejectEvent('no')
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
  })

  test('a logger that rejects ends nothing', async () => {
    const broken: unknown = () => Promise.reject(new Error('the log server is away'))
    const rig = await startRig({
      logger: { warn: broken, error: broken } as Logger,
      onOrder: () => {
        throw new RejectEvent('no')
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
    await pause(20)
  })

  test('a flood of refusals does not flood the log', async () => {
    const rig = await startRig()
    for (let i = 0; i < 25; i++) await rig.get('/order/%20')
    expect(rig.records.filter(({ givenUp }) => givenUp)).toHaveLength(25)
    expect(rig.log).toHaveLength(10)
    // Another sort of refusal is still written.
    await rig.post({ hello: 1 })
    expect(rig.log).toHaveLength(11)
  })

  test('each line of the log is one line, whatever stands in a body or in a RejectEvent', async () => {
    const rig = await startRig({
      onOrder: (event) => {
        throw new RejectEvent(`cannot take ${event.orderId}`)
      },
    })
    const forged = 'PO1\nERROR forged line\u001b[2J\u2028'
    await rig.post({ eventName: `Order\r\nforged`, orderEvent: { orderId: forged } })
    await rig.post({ eventName: 'X\n', orderEvent: [] })
    expect(rig.log.length).toBeGreaterThanOrEqual(2)
    for (const { line } of rig.log) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  })
})

describe('what a callback throws', () => {
  const hostile = new Proxy(
    {},
    new Proxy(
      {},
      {
        get: () => () => {
          throw new Error('a trap')
        },
      },
    ),
  )
  const unreadable = new Error()
  Object.defineProperty(unreadable, 'message', {
    get: () => {
      throw new Error('no message')
    },
  })
  const handled = Promise.reject(new Error('a promise, thrown'))
  handled.catch(() => undefined)
  const withGetter = (name: string): RejectEvent => {
    const event = new RejectEvent('x', { status: 410 })
    return Object.defineProperty(event, name, {
      get: () => {
        throw new Error(`no ${name}`)
      },
    })
  }

  const thrown: Array<[string, unknown]> = [
    ['an error', new Error('x')],
    ['null', null],
    ['undefined', undefined],
    ['a string', 'text'],
    ['an empty string', ''],
    ['a number', 0],
    ['a symbol', Symbol('s')],
    ['a BigInt', 10n],
    ['a function', () => undefined],
    ['false', false],
    ['an object without prototype', Object.create(null)],
    ['a Proxy whose every trap throws', hostile],
    ['an error whose message getter throws', unreadable],
    ['an error whose message is a symbol', Object.assign(new Error(), { message: Symbol('m') })],
    [
      'an error that holds itself',
      (() => {
        const error = new Error('x')
        error.cause = error
        return error
      })(),
    ],
    ['an AggregateError', new AggregateError([new Error('a')])],
    ['an object that looks like an answer', { status: 500, statusCode: 500, headers: { 'X-Evil': '1' }, expose: true }],
    ['an error with a 4xx status', Object.assign(new Error('x'), { status: 404, statusCode: 404 })],
    ['an error named RejectEvent', Object.assign(new Error('x'), { name: 'RejectEvent', status: 422 })],
    ['a thenable', { then: () => undefined }],
    ['a promise that is rejected', handled],
    ['a RejectEvent whose status getter throws', withGetter('status')],
    ...[0, 1, 100, 200, 204, 301, 399, 500, 501, 503, 600, 1000, -422, 422.5, NaN, Infinity].map(
      (status): [string, unknown] => [`RejectEvent ${status}`, new RejectEvent('x', { status })],
    ),
    ...['422', {}, [422], true, 422n].map((status): [string, unknown] => [
      `RejectEvent with a ${typeof status} for a status`,
      new RejectEvent('x', { status: status as number }),
    ]),
  ]

  describe.each([
    [
      'thrown',
      (value: unknown) => () => {
        throw value
      },
    ],
    [
      'rejected with',
      (value: unknown) => async () => {
        throw value
      },
    ],
    [
      'rejected with later',
      (value: unknown) => async () => {
        await pause(1)
        throw value
      },
    ],
  ])('%s', (_how, make) => {
    test.each(thrown)('%s', async (_what, value) => {
      const rig = await startRig({ validation: 'off', onOrder: make(value) })
      const event = orderEvent()
      for (const attempt of [1, 2]) {
        const answer = await rig.post(event)
        expect(answer).toMatchObject({
          status: 503,
          json: { code: 'handler_failed' },
          headers: { 'retry-after': '10' },
        })
        expect(rig.records.at(-1)).toMatchObject({ outcome: 'handler_failed', attempt, givenUp: false })
        expect(Object.is(rig.errors.at(-1)?.error.cause, value)).toBe(true)
      }
      expect(rig.log.filter(({ level }) => level === 'error')).toEqual([])
    })

    test.each([400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 418, 422, 429, 431, 444, 451, 499])(
      'RejectEvent %d',
      async (status) => {
        const rig = await startRig({ validation: 'off', onOrder: make(new RejectEvent('because', { status })) })
        const answer = await rig.post(orderEvent())
        expect(answer).toMatchObject({ status, json: { code: 'rejected', status, detail: 'because' } })
        expect(rig.records).toMatchObject([{ outcome: 'rejected', givenUp: true, attempt: 1 }])
      },
    )

    test('RejectEvent without a status, a message, or either', async () => {
      const rig = await startRig({ validation: 'off', onOrder: make(new RejectEvent('')) })
      expect(await rig.post(orderEvent())).toMatchObject({ status: 422, json: { detail: 'The event was rejected.' } })
    })

    test('a RejectEvent whose message getter throws', async () => {
      const rig = await startRig({ validation: 'off', onOrder: make(withGetter('message')) })
      const answer = await rig.post(orderEvent())
      // Refused for good or tried again: both keep their word; the callback failed in any case.
      expect([
        ['rejected', 410],
        ['handler_failed', 503],
      ]).toContainEqual([answer.json.code, answer.status])
    })

    test('a RejectEvent of another copy of the package', async () => {
      const foreign = Object.assign(new Error('theirs'), {
        status: 406,
        [Symbol.for('tradecloud-webhook.reject-event')]: true,
      })
      const rig = await startRig({ validation: 'off', onOrder: make(foreign) })
      expect(await rig.post(orderEvent())).toMatchObject({ status: 406, json: { code: 'rejected', detail: 'theirs' } })
    })
  })

  test('a callback that throws undefined is not passed over in silence', async () => {
    const rig = await startRig({
      validation: 'off',
      onOrder: () => {
        throw undefined
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503 })
    expect(rig.log).toMatchObject([{ level: 'warn', line: expect.stringContaining('handler_failed') }])
  })

  test('a very long message is cut, and odd characters do no harm', async () => {
    const rig = await startRig({
      validation: 'off',
      onOrder: () => {
        throw new RejectEvent(`${'ø'.repeat(499)}🚢${'x'.repeat(1e6)}`)
      },
    })
    const answer = await rig.post(orderEvent())
    expect(answer.status).toBe(422)
    expect(answer.text.length).toBeLessThan(2000)
    expect(rig.log[0]?.line.length).toBeLessThan(2000)
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a value', 5],
    ['a thenable that resolves', { then: (resolve: () => void) => void setTimeout(resolve, 1) }],
    ['a RejectEvent, not thrown', new RejectEvent('x')],
  ])('a callback that returns %s has delivered', async (_what, value) => {
    const rig = await startRig({ validation: 'off', onOrder: () => value as undefined })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  })
})

describe('the order of the checks', () => {
  /** Each violates one more than the one behind it. */
  const violations = {
    unauthorized: { auth: null },
    unavailable: {},
    method_not_allowed: { method: 'DELETE' },
    unsupported_media_type: { headers: { 'Content-Type': 'text/plain', 'Content-Encoding': 'zip' } },
    body_too_large: { body: 'x'.repeat(2000) },
    malformed_body: { body: 'x' },
  }

  test('credentials before all else, for every method', async () => {
    const rig = await startRig({ bodyLimit: 1000 })
    await rig.webhook.close()
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'LINK']) {
      const request = { ...violations.unsupported_media_type, ...violations.body_too_large, method, path: '/order/%FF' }
      expect({ method, status: (await rig.send({ ...request, auth: null })).status }).toEqual({ method, status: 401 })
      expect({ method, status: (await rig.send(request)).status }).toEqual({ method, status: 503 })
    }
    expect(rig.records.filter(({ outcome }) => outcome === 'unauthorized')).toHaveLength(10)
    expect(rig.records.filter(({ outcome }) => outcome === 'unavailable')).toHaveLength(10)
  })

  test('method before media type, media type before size, size before content', async () => {
    const rig = await startRig({ bodyLimit: 1000 })
    const { method_not_allowed, unsupported_media_type, body_too_large, malformed_body } = violations
    const all = { path: '/order', ...body_too_large, ...unsupported_media_type, ...method_not_allowed }
    expect(await rig.send(all)).toMatchObject({ status: 405 })
    expect(await rig.send({ ...all, method: 'POST' })).toMatchObject({ status: 415 })
    expect(await rig.send({ ...all, method: 'POST', headers: { 'Content-Type': 'text/plain' } })).toMatchObject({
      status: 415,
    })
    // Whether it can be decoded shows in its bytes only.
    expect(await rig.send({ ...all, method: 'POST', headers: { 'Content-Encoding': 'zip' } })).toMatchObject({
      status: 413,
    })
    expect(await rig.send({ ...all, method: 'POST', headers: {} })).toMatchObject({ status: 413 })
    expect(await rig.send({ ...all, ...malformed_body, method: 'POST', headers: {} })).toMatchObject({
      status: 400,
      json: { code: 'malformed_body' },
    })
  })

  test('method before ID, ID before media type', async () => {
    const rig = await startRig()
    expect(await rig.send({ method: 'PATCH', path: '/order/%FF' })).toMatchObject({ status: 405 })
    expect(
      await rig.send({
        method: 'POST',
        path: '/order/%FF',
        headers: { 'Content-Type': 'text/plain', 'Content-Length': '0' },
      }),
    ).toMatchObject({ status: 400, json: { code: 'invalid_id' } })
    expect(
      await rig.send({ method: 'GET', path: '/order/%FF', body: 'x', headers: { 'Content-Type': 'text/plain' } }),
    ).toMatchObject({ status: 400, json: { code: 'invalid_id' } })
  })

  test('overloaded before method', async () => {
    const [begun, running] = [deferred(), deferred()]
    const onOrder = (): Promise<void> => {
      begun.resolve()
      return running.promise
    }
    const rig = await startRig({ bodyLimit: 300, limits: { maxBytesInFlight: 300 }, onOrder })
    const json = orderEvent({ reason: '' })
    json.orderEvent.reason = 'x'.repeat(300 - JSON.stringify(json).length)
    const first = rig.post(json)
    await begun.promise
    for (const method of ['GET', 'DELETE', 'POST']) {
      expect(await rig.send({ method, path: '/order/1' })).toMatchObject({ status: 503, json: { code: 'unavailable' } })
      expect(await rig.send({ method, path: '/order/1', auth: null })).toMatchObject({ status: 401 })
    }
    running.resolve()
    expect(await first).toMatchObject({ status: 200 })
    expect(await rig.send({ method: 'DELETE', path: '/order/1' })).toMatchObject({ status: 405 })
  })

  test.each(['OPTIONS', 'HEAD'])('%s is authenticated, and not allowed', async (method) => {
    const rig = await startRig()
    const refusal = await rig.send({ method, path: '/order', auth: null })
    expect(refusal).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringContaining('Basic') } })
    const answer = await rig.send({ method, path: '/order' })
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, POST, PUT' } })
    if (method === 'HEAD') expect(answer.text).toBe('')
    expect(rig.calls).toEqual([])
  })
})

describe('credentials', () => {
  test.each<[string, string | null]>([
    ['none', null],
    ['an empty header', ''],
    ['the scheme alone', 'Basic'],
    ['the scheme and a space', 'Basic '],
    ['another scheme', `Digest ${authorization.slice(6)}`],
    ['Bearer instead of Basic', `Bearer ${authorization.slice(6)}`],
    ['a wrong password', basic('tradecloud', 'wrong')],
    ['a wrong user', basic('tradeclouds', 'hook:påss')],
    ['user and password apart at another colon', basic('tradecloud:hook', 'påss ')],
    ['the password in Latin-1', `Basic ${Buffer.from('tradecloud:hook:påss', 'latin1').toString('base64')}`],
    ['a password with a null character', basic('tradecloud', 'hook:påss\0')],
    ['no colon', `Basic ${Buffer.from('tradecloud').toString('base64')}`],
    ['not base64', 'Basic ****'],
    ['two credentials in one header', `${authorization}, ${authorization}`],
    ['a tab', authorization.replace(' ', '\t')],
    ['a wrong one in front of the right one', `${basic('a', 'b')} ${authorization}`],
    ['very long', `Basic ${'QUFB'.repeat(3000)}`],
  ])('%s: 401', async (_what, auth) => {
    const rig = await startRig()
    const answer = await rig.post(orderEvent(), { auth })
    expect(answer).toMatchObject({
      status: 401,
      json: { code: 'unauthorized' },
      headers: { 'www-authenticate': 'Basic realm="tradecloud-webhook", charset="UTF-8"' },
    })
    expect(rig.calls).toEqual([])
    const told = JSON.stringify([
      answer,
      rig.log,
      rig.records,
      rig.errors.map(({ error, context }) => [error, error.message, context]),
    ])
    expect(told).not.toContain('hook:påss')
    if (auth) expect(told).not.toContain(auth.length > 12 ? auth.slice(-12) : '\0')
  })

  test.each<[string, string]>([
    ['the scheme in other letters', authorization.replace('Basic', 'bAsIc')],
    ['more spaces', authorization.replace(' ', '    ')],
    ['a space behind', `${authorization} `],
  ])('%s: comes in', async (_what, auth) => {
    const rig = await startRig()
    expect(await rig.post(orderEvent(), { auth })).toMatchObject({ status: 200 })
  })

  test('a Basic pair as a token, and a token as a Basic pair: 401', async () => {
    const rig = await startRig({
      auth: [
        { type: 'basic', username: 'user', password: 'word' },
        { type: 'bearer', token: 'a:token' },
      ],
    })
    expect(await rig.get('/order/1', { auth: 'Bearer user:word' })).toMatchObject({ status: 401 })
    expect(await rig.get('/order/1', { auth: basic('a', 'token') })).toMatchObject({ status: 401 })
    expect(await rig.get('/order/1', { auth: basic('user', 'word') })).toMatchObject({ status: 200 })
    expect(await rig.get('/order/1', { auth: 'Bearer a:token' })).toMatchObject({ status: 200 })
  })

  test('a header that comes twice: the first counts', async () => {
    const rig = await startRig()
    expect(
      await rig.get('/order/1', { auth: null, headers: { Authorization: [authorization, basic('a', 'b')] } }),
    ).toMatchObject({ status: 200 })
    expect(
      await rig.get('/order/1', { auth: null, headers: { Authorization: [basic('a', 'b'), authorization] } }),
    ).toMatchObject({ status: 401 })
  })

  test('a list: each of them', async () => {
    const rig = await startRig({
      auth: [
        { type: 'bearer', token: 'token-one' },
        { type: 'basic', username: 'u', password: 'p' },
        { type: 'bearer', token: 'token-two' },
      ],
    })
    for (const auth of ['Bearer token-one', 'bearer token-two', basic('u', 'p')])
      expect(await rig.get('/order/1', { auth })).toMatchObject({ status: 200 })
    const answer = await rig.get('/order/1', { auth: 'Bearer token-three' })
    expect(answer).toMatchObject({
      status: 401,
      headers: {
        'www-authenticate': 'Bearer realm="tradecloud-webhook", Basic realm="tradecloud-webhook", charset="UTF-8"',
      },
    })
  })

  test.each<[string, () => Loose, number]>([
    ['true', () => true, 200],
    ['a promise of true', async () => true, 200],
    ['a late true', () => sleep(20, true), 200],
    ['false', () => false, 401],
    ['a promise of false', async () => false, 401],
    ['something truthy', () => 1, 401],
    ['a promise of something truthy', async () => 'yes', 401],
    ['nothing', () => undefined, 401],
    [
      'an error',
      () => {
        throw new Error('keys away')
      },
      503,
    ],
    ['a rejection', () => Promise.reject(new Error('keys away')), 503],
    [
      'a throw of null',
      () => {
        throw null
      },
      503,
    ],
    [
      'a Proxy whose every trap throws',
      () =>
        new Proxy(
          {},
          new Proxy(
            {},
            {
              get: () => () => {
                throw new Error('a trap')
              },
            },
          ),
        ),
      503,
    ],
  ])('an own function that gives %s', async (_what, auth, status) => {
    const rig = await startRig({ auth })
    const answer = await rig.post(orderEvent())
    expect(answer.status).toBe(status)
    if (status === 401) expect(answer.headers['www-authenticate']).toBeDefined()
    expect(rig.calls).toHaveLength(status === 200 ? 1 : 0)
  })

  test('an own function that never comes to an end: 504, and nothing is called', async () => {
    const rig = await startRig({ auth: () => new Promise(() => undefined), answerTimeoutMs: 50 })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 504, json: { code: 'answer_timeout' } })
  })

  test('an own function that is slower than the answer: nothing is called', async () => {
    const rig = await startRig({ auth: () => sleep(120, true), answerTimeoutMs: 40 })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 504 })
    await pause(150)
    expect(rig.calls).toEqual([])
    expect(rig.records).toHaveLength(1)
  })
})

describe('refusals while the body is still on its way', () => {
  const big = Buffer.alloc(8 * 1024 * 1024, 'x')

  test('the 401 comes on the headers alone', async () => {
    const rig = await startRig()
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      encodeRequest({
        method: 'POST',
        path: `${rig.mount}/order`,
        headers: { 'Content-Length': '1000000', 'Content-Type': 'application/json' },
      }).head,
    )
    expect(await answer).toMatchObject({ status: 401, headers: { connection: 'close' }, interim: [] })
    await connection.ended()
    connection.destroy()
  })

  test('likewise for one who waits for 100 Continue', async () => {
    const rig = await startRig()
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      encodeRequest({
        method: 'POST',
        path: `${rig.mount}/order`,
        headers: { 'Content-Length': '1000000', Expect: '100-continue' },
      }).head,
    )
    expect(await answer).toMatchObject({ status: 401, headers: { connection: 'close' } })
    connection.destroy()
  })

  test('who may come in and waits for 100 Continue gets it', async () => {
    const rig = await startRig()
    const body = JSON.stringify(orderEvent())
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      encodeRequest({
        method: 'POST',
        path: `${rig.mount}/order`,
        headers: { Authorization: authorization, 'Content-Length': String(body.length), Expect: '100-continue' },
      }).head,
    )
    await pause(20)
    connection.write(body)
    expect(await answer).toMatchObject({ status: 200, interim: [100] })
    connection.destroy()
  })

  test.each([
    ['401', { auth: null }, 401],
    ['413', {}, 413],
    ['415', { headers: { 'Content-Type': 'text/plain' } }, 415],
    ['405', { method: 'PATCH' }, 405],
    ['503 while closing', { closed: true }, 503],
    ['413 of a chunked body', { chunks: Array.from({ length: 128 }, () => big.subarray(0, 65536)) }, 413],
  ])(
    '%s reaches a sender that writes megabytes before it reads',
    async (_what, more: Record<string, Loose>, status) => {
      const { closed = false, auth = authorization, headers, ...rest } = more
      const rig = await startRig({ bodyLimit: 1024 * 1024, closeTimeoutMs: 0 })
      if (closed) await rig.webhook.close()
      const { whole } = encodeRequest({
        method: 'POST',
        path: `${rig.mount}/order`,
        headers: { ...(auth !== null && { Authorization: auth }), ...headers },
        ...(rest.chunks === undefined && { body: big }),
        ...rest,
      })
      for (let i = 0; i < 3; i++) {
        const connection = rig.open()
        const answer = connection.answer()
        answer.catch(() => undefined)
        connection.socket.pause()
        const failed = await new Promise((resolve) => connection.socket.write(whole, resolve))
        expect(failed ?? undefined).toBeUndefined()
        connection.socket.resume()
        expect(await answer).toMatchObject({ status, headers: { connection: 'close' } })
        connection.destroy()
      }
      expect(rig.calls).toEqual([])
      expect(rig.records.every(({ bodyBytes, answered }) => bodyBytes === 0 && answered)).toBe(true)
    },
  )

  test('the connection ends although the sender sends on and on', async () => {
    const rig = await startRig()
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      encodeRequest({ method: 'POST', path: `${rig.mount}/order`, headers: { 'Content-Length': '100000000000' } }).head,
    )
    const piece = Buffer.alloc(16 * 1024)
    const timer = setInterval(() => connection.write(piece), 5)
    try {
      expect(await answer).toMatchObject({ status: 401, headers: { connection: 'close' } })
      await connection.ended()
    } finally {
      clearInterval(timer)
      connection.destroy()
    }
  })

  test('a GET with a body that never comes is answered, and the connection ends', async () => {
    const rig = await startRig()
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      encodeRequest({
        path: `${rig.mount}/order/PO1`,
        headers: { Authorization: authorization, 'Content-Length': '10' },
      }).head,
    )
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'close' } })
    await connection.ended()
    connection.destroy()
  })

  test('a connection that delivered stays open for the next event', async () => {
    const rig = await startRig()
    const connection = rig.open()
    for (let i = 0; i < 3; i++) {
      const answer = connection.answer()
      connection.write(
        encodeRequest({
          method: 'POST',
          path: `${rig.mount}/order`,
          body: JSON.stringify(orderEvent()),
          headers: { Authorization: authorization },
        }).whole,
      )
      const { status, headers } = await answer
      expect(status).toBe(200)
      expect(headers.connection).not.toBe('close')
    }
    connection.destroy()
  })
})

test('an answer that something else has given is left alone', async () => {
  const rig = await startRig({
    before: (app) =>
      app.use((_req, res, next) => {
        res.status(418).end('teapot')
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

/**
 * The options: defaults, and wrong ones that throw when the webhook is made, name themselves and show what is allowed.
 */
import { TradecloudClient } from '../../../lib/api'
import { createTradecloudWebhook, type TradecloudWebhook } from '../../../lib/create-webhook'
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import { isTradecloudWebhookError } from '../../../lib/errors/errors'
import type { TradecloudWebhookOptions } from '../../../lib/options/options'
import { resolveOptions, resolveWorkerOptions } from '../../../lib/options/resolve'

const SECRET = 'hunter2-secret'
const onOrder = () => undefined
const logger = { warn: () => undefined, error: () => undefined }
const REQUIRED = { auth: { type: 'bearer', token: SECRET }, onOrder } as const
const API = { environment: 'acceptance', username: 'user', password: SECRET } as const

function create(options: unknown): TradecloudWebhook {
  return createTradecloudWebhook(options as TradecloudWebhookOptions)
}

/** Message of the error that creation throws. */
function refusal(options: unknown): string {
  try {
    create(options)
  } catch (error) {
    if (isTradecloudWebhookError(error) && error.code === 'invalid_option') {
      expect(JSON.stringify([error.message, error.stack, Object.entries(error)])).not.toContain(SECRET)
      return error.message
    }
    throw error
  }
  throw new Error('was accepted')
}

const resolve = (more: object = {}) => resolveOptions({ ...REQUIRED, logger, ...more })

describe('defaults', () => {
  it('are those of the documentation', () => {
    expect(resolveOptions(REQUIRED)).toMatchObject({
      fetch: 'get',
      validation: 'tolerant',
      bodyLimit: 67_108_864,
      maxBytesInFlight: 4 * 67_108_864,
      uploadIdleTimeoutMs: 10_000,
      concurrency: 32,
      answerTimeoutMs: 30_000,
      fetchTimeoutMs: 20_000,
      notFoundGraceMs: 3_600_000,
      refusals: 'final',
      trustProxy: false,
      name: 'tradecloud',
      logger: console,
      dedupe: { store: expect.any(MemoryStore), ttlMs: 86_400_000 },
      client: undefined,
      ownsClient: false,
    })
  })

  it('stand in for options that are undefined', () => {
    const names = [
      'paths',
      'onOrderDocuments',
      'onShipment',
      'on',
      'onUnknown',
      'onError',
      'onDelivery',
      'logger',
      'api',
      'fetch',
      'validation',
      'schemas',
      'bodyLimit',
      'limits',
      'concurrency',
      'answerTimeoutMs',
      'fetchTimeoutMs',
      'notFoundGraceMs',
      'refusals',
      'name',
      'dedupe',
      'inbox',
      'deliver',
      'delivery',
      'retry',
      'maxBytesInFlight',
      'closeTimeoutMs',
      'allow',
      'trustProxy',
      'whatever',
    ]
    const unset = Object.fromEntries(names.map((name) => [name, undefined]))
    expect({ ...resolve(unset), logger: 0, dedupe: 0 }).toEqual({ ...resolve(), logger: 0, dedupe: 0 })
    expect(() => create({ ...REQUIRED, ...unset, logger })).not.toThrow()
    expect(resolve({ dedupe: { store: undefined, ttlMs: undefined } }).dedupe).toMatchObject({ ttlMs: 86_400_000 })
    expect(() => resolve({ api: { ...API, baseUrl: undefined, fetchTimeoutMs: undefined } })).not.toThrow()
  })

  it('of the total of bytes follow the limit of one body', () => {
    expect(resolve({ bodyLimit: 10 }).maxBytesInFlight).toBe(40)
    expect(
      resolve({ bodyLimit: 10, limits: { maxBytesInFlight: 10, uploadIdleTimeoutMs: undefined } }).maxBytesInFlight,
    ).toBe(10)
  })

  it('are not shared: each webhook has a store of its own', () => {
    const [first, second] = [resolve(), resolve()]
    expect(first.dedupe && second.dedupe && first.dedupe.store !== second.dedupe.store).toBe(true)
  })
})

describe('what is given', () => {
  it('is taken, and the object stays as it was', () => {
    const store = new MemoryStore()
    const given = Object.freeze({
      ...REQUIRED,
      logger,
      fetch: 'never',
      validation: 'strict',
      bodyLimit: 1000,
      limits: Object.freeze({ maxBytesInFlight: 5000, uploadIdleTimeoutMs: 1 }),
      concurrency: 1,
      answerTimeoutMs: 2,
      fetchTimeoutMs: 3,
      notFoundGraceMs: 0,
      refusals: 'retry',
      unmatched: 'next',
      allow: ['production', '192.0.2.0/24'],
      trustProxy: 1,
      name: 'acme',
      dedupe: Object.freeze({ store, ttlMs: 1 }),
    })
    const { client, ownsClient, delivery, deliver, txmlBodyLimit, ...rest } = resolveOptions(given)
    const { limits, ...others } = given
    expect(rest).toEqual({ ...others, ...limits })
    expect([client, ownsClient, deliver]).toEqual([undefined, false, true])
    expect(delivery).toMatchObject({ quarantine: false, handlerTimeoutMs: 300_000 })
    expect(txmlBodyLimit).toBe(given.bodyLimit)
  })

  it('may switch dedupe off', () => expect(resolve({ dedupe: false }).dedupe).toBe(false))

  it('may be a client, which is then not ours to close', async () => {
    const client = new TradecloudClient(API)
    expect(resolve({ api: client })).toMatchObject({ client, ownsClient: false })
    const made = resolve({ api: API })
    expect(made.client).toBeInstanceOf(TradecloudClient)
    expect(made.ownsClient).toBe(true)
    await Promise.all([client.close(), made.client?.close()])
  })

  it.each([
    ['a client with its own', () => new TradecloudClient({ ...API, fetchTimeoutMs: 700 }), undefined, 700],
    [
      'a client with its own, beside that of the webhook',
      () => new TradecloudClient({ ...API, fetchTimeoutMs: 700 }),
      9,
      700,
    ],
    ['a client without, beside that of the webhook', () => new TradecloudClient(API), 9, 9],
    ['a client without', () => new TradecloudClient(API), undefined, 20_000],
    ['options with their own', () => ({ ...API, fetchTimeoutMs: 700 }), 9, 700],
    ['options with an undefined one', () => ({ ...API, fetchTimeoutMs: undefined }), 9, 9],
    ['options without', () => API, undefined, 20_000],
  ])('fetchTimeoutMs: %s', async (_what, api, fetchTimeoutMs, expected) => {
    const given = api()
    const { client, fetchTimeoutMs: resolved } = resolve({ api: given, fetchTimeoutMs })
    expect(resolved).toBe(expected)
    // `context.api` has the same deadline as the webhook's own fetches.
    if (client !== given && fetchTimeoutMs !== undefined) expect(client?.ownFetchTimeoutMs).toBe(expected)
    await client?.close()
  })
})

const NUMBERS: Array<[string, number, number]> = [
  ['bodyLimit', 1, Number.MAX_SAFE_INTEGER],
  ['concurrency', 1, Number.MAX_SAFE_INTEGER],
  ['answerTimeoutMs', 1, 2_147_483_647],
  ['fetchTimeoutMs', 1, 2_147_483_647],
  ['notFoundGraceMs', 0, Number.MAX_SAFE_INTEGER],
]

/** Has all methods of an inbox; none does anything. */
const nothing = () => undefined
const inertInbox = {
  ready: async () => undefined,
  accept: nothing,
  isWanted: nothing,
  attach: () => nothing,
  take: async () => ({ deliveries: [] }),
  settle: nothing,
  list: nothing,
  show: nothing,
  replay: nothing,
  close: async () => undefined,
}

describe('with an inbox', () => {
  const inbox = inertInbox
  const RETRY = { forMs: 604_800_000, minDelayMs: 1_000, maxDelayMs: 900_000 }

  it('the defaults are those of the documentation', () => {
    expect(resolve({ inbox })).toMatchObject({
      inbox,
      dedupe: false,
      deliver: true,
      delivery: { quarantine: true, retry: RETRY, handlerTimeoutMs: 300_000, transaction: false },
    })
    expect(resolve({ inbox, auth: 'none' }).delivery.quarantine).toBe(false)
    const retry = { forMs: 5, minDelayMs: undefined }
    expect(resolve({ inbox, delivery: { retry } }).delivery.retry).toEqual({ ...RETRY, forMs: 5 })
    expect(resolve({ inbox, delivery: { quarantine: false, handlerTimeoutMs: 7 } }).delivery).toMatchObject({
      quarantine: false,
      handlerTimeoutMs: 7,
    })
    expect(resolve({ inbox, deliver: false, onOrder: undefined }).deliver).toBe(false)
  })

  it.each<[string, object, string]>([
    ['one that is none', { inbox: 'folder' }, '`inbox` has no method accept'],
    ['null', { inbox: null }, '`inbox` has no method accept'],
    ['one without settle', { inbox: { ...inbox, settle: undefined } }, '`inbox` has no method settle'],
    ['dedupe beside it', { inbox, dedupe: {} }, '`dedupe` is set beside `inbox`'],
    ['dedupe: false beside it', { inbox, dedupe: false }, '`dedupe` is set beside `inbox`'],
    ['a wrong inbox that is likely', { inbox: { file: 'x.db' } }, 'sqliteInbox({ file })'],
    ['delivery that is no object', { inbox, delivery: 5 }, '`delivery` must be'],
    ['an unknown key of delivery', { inbox, delivery: { retries: {} } }, '`delivery` has the unknown key "retries"'],
    ['quarantine that is no boolean', { inbox, delivery: { quarantine: 'no' } }, '`delivery.quarantine` is "no"'],
    ["quarantine with auth: 'none'", { inbox, auth: 'none', delivery: { quarantine: true } }, "auth: 'none'"],
    ['retry that is no object', { inbox, delivery: { retry: 5 } }, '`delivery.retry` must be'],
    [
      'an unknown key of retry',
      { inbox, delivery: { retry: { times: 5 } } },
      '`delivery.retry` has the unknown key "times"; known are forMs',
    ],
    ['retry.forMs', { inbox, delivery: { retry: { forMs: -1 } } }, '`delivery.retry.forMs` is -1'],
    ['retry.minDelayMs', { inbox, delivery: { retry: { minDelayMs: 0 } } }, '`delivery.retry.minDelayMs` is 0'],
    [
      'retry.maxDelayMs below the smallest',
      { inbox, delivery: { retry: { minDelayMs: 9, maxDelayMs: 8 } } },
      '`delivery.retry.maxDelayMs` is 8',
    ],
    ['onSettled', { inbox, delivery: { onSettled: 'log' } }, '`delivery.onSettled` is string, not a function'],
    ['handlerTimeoutMs', { inbox, delivery: { handlerTimeoutMs: 0 } }, '`delivery.handlerTimeoutMs` is 0'],
    ['transaction that is no boolean', { inbox, delivery: { transaction: 1 } }, '`delivery.transaction` is 1'],
    ['transaction without transactions', { inbox, delivery: { transaction: true } }, 'such as postgresInbox'],
    ['deliver that is no boolean', { inbox, deliver: 'no' }, '`deliver` is "no"; allowed are true, false'],
    ['a callback with deliver: false', { inbox, deliver: false }, '`onOrder` means nothing with `deliver: false`'],
    [
      'retry with deliver: false',
      { inbox, deliver: false, onOrder: undefined, delivery: { retry: {} } },
      '`delivery.retry` means nothing',
    ],
  ])('%s throws', (_what, options, message) => {
    expect(refusal({ ...REQUIRED, logger, ...options })).toContain(message)
  })

  it.each([
    ['delivery', {}],
    ['deliver', false],
  ])('%s without an inbox throws', (name, value) => {
    expect(refusal({ ...REQUIRED, logger, [name]: value })).toContain(`\`${name}\` is set without an \`inbox\``)
  })
})

describe('an option of an earlier version', () => {
  it.each([
    ['retry', {}, '`delivery.retry`'],
    ['handlerTimeoutMs', 1, '`delivery.handlerTimeoutMs`'],
    ['quarantine', false, '`delivery.quarantine`'],
    ['onSettled', () => undefined, '`delivery.onSettled`'],
    ['maxBytesInFlight', 1, '`limits.maxBytesInFlight`'],
    ['uploadIdleTimeoutMs', 1, '`limits.uploadIdleTimeoutMs`'],
    ['closeTimeoutMs', 1, '`close({ timeoutMs })`'],
  ])('%s names its successor', (name, value, successor) => {
    expect(refusal({ ...REQUIRED, logger, [name]: value })).toBe(
      `Option \`${name}\` is now ${name === 'closeTimeoutMs' ? 'an argument, ' : ''}${successor}.`,
    )
  })
})

describe('limits', () => {
  it.each<[string, unknown, string]>([
    ['no object', 5, '`limits` must be { maxBytesInFlight, uploadIdleTimeoutMs }'],
    ['an unknown key', { maxBytes: 5 }, '`limits` has the unknown key "maxBytes"'],
    ['maxBytesInFlight', { maxBytesInFlight: 0 }, '`limits.maxBytesInFlight` is 0'],
    ['uploadIdleTimeoutMs', { uploadIdleTimeoutMs: 2 ** 31 }, '`limits.uploadIdleTimeoutMs` is 2147483648'],
  ])('%s throws', (_what, limits, message) => expect(refusal({ ...REQUIRED, limits })).toContain(message))
})

describe('wrong options', () => {
  it.each(NUMBERS)('%s must be a whole number from %i to %i', (name, min, max) => {
    for (const value of [min - 1, -1, max + 1, 1.5, NaN, Infinity, '100', null, true, [5]]) {
      const message = refusal({ ...REQUIRED, [name]: value })
      expect(message).toContain(`\`${name}\` is `)
      expect(message).toContain(`a whole number from ${min} to ${max}`)
    }
    expect(refusal({ ...REQUIRED, [name]: '100' })).toContain('is "100"')
  })

  it.each(NUMBERS)('%s of an odd kind names itself too', (name) => {
    for (const value of [Object.create(null), 5n, Symbol('x'), () => 5]) {
      expect(refusal({ ...REQUIRED, [name]: value })).toContain(`\`${name}\``)
    }
  })

  it.each(NUMBERS)('%s may be as small as %i and as large as %i', (name, min, max) => {
    const both = name === 'bodyLimit' ? { limits: { maxBytesInFlight: Number.MAX_SAFE_INTEGER } } : { bodyLimit: 1 }
    for (const value of [min, max]) expect(() => resolve({ ...both, [name]: value })).not.toThrow()
  })

  it.each([
    ['fetch', ['get', 'always', 'never']],
    ['validation', ['tolerant', 'strict', 'off']],
    ['refusals', ['final', 'retry']],
  ])('%s must be one of %j', (name, allowed) => {
    for (const value of ['', 'Get', null, true, 1, ['get'], {}]) {
      const message = refusal({ ...REQUIRED, [name]: value })
      expect(message).toContain(`\`${name}\` is ${typeof value === 'string' ? JSON.stringify(value) : ''}`)
      for (const one of allowed) expect(message).toContain(one)
    }
  })

  it.each(['fetch', 'validation', 'refusals'])('%s that is no JSON names itself too', (name) => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    for (const value of [1n, cyclic]) expect(refusal({ ...REQUIRED, [name]: value })).toContain(`\`${name}\``)
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, '`options` is missing'],
    ['null', null, '`options` is missing'],
    ['a text', 'x', '`options` is missing'],
    ['no auth', { onOrder }, '`auth` is required'],
    ['a wrong auth', { onOrder, auth: { type: 'basic', username: 'u', password: `${SECRET} ` } }, '`auth.password`'],
    ['no callback', { auth: REQUIRED.auth }, '`onOrder` is missing'],
    ['an unknown option', { ...REQUIRED, bodylimit: 5 }, '`bodylimit` is not known; known are '],
    [
      'a total below the limit of one',
      { ...REQUIRED, bodyLimit: 10, limits: { maxBytesInFlight: 9 } },
      '`limits.maxBytesInFlight` is 9, less than bodyLimit (10)',
    ],
    ['an empty name', { ...REQUIRED, name: '' }, '`name` must be a text'],
    ['a name that is no text', { ...REQUIRED, name: 5 }, '`name` must be a text'],
    ['onError', { ...REQUIRED, onError: 'x' }, '`onError` is string, not a function'],
    ['onDelivery', { ...REQUIRED, onDelivery: null }, '`onDelivery` is object, not a function'],
    [
      'a logger without error',
      { ...REQUIRED, logger: { warn: () => undefined } },
      '`logger` must have the functions warn and error',
    ],
    ['a logger without warn', { ...REQUIRED, logger: { error: () => undefined } }, '`logger` must have'],
    ['a logger that is null', { ...REQUIRED, logger: null }, '`logger` must have'],
    ['always without api', { ...REQUIRED, fetch: 'always' }, "`fetch` is 'always', which needs `api`"],
    ['api that is a text', { ...REQUIRED, api: SECRET }, '`api` must be an object or a TradecloudClient'],
    ['api that is null', { ...REQUIRED, api: null }, '`api` must be an object'],
    ['api without a password', { ...REQUIRED, api: { ...API, password: undefined } }, '`api.password` is missing'],
    [
      'api with a blank-edged password',
      { ...REQUIRED, api: { ...API, password: `${SECRET}\n` } },
      '`api.password` has white space',
    ],
    [
      'api with another environment',
      { ...REQUIRED, api: { ...API, environment: 'test' } },
      '`api.environment` is "test"',
    ],
    [
      'api over plain http',
      { ...REQUIRED, api: { ...API, environment: undefined, baseUrl: 'http://x.example' } },
      '`api.baseUrl` must be https',
    ],
    ['dedupe true', { ...REQUIRED, dedupe: true }, '`dedupe` must be false or { store, ttlMs }'],
    ['dedupe null', { ...REQUIRED, dedupe: null }, '`dedupe` must be'],
    [
      'an unknown key of dedupe',
      { ...REQUIRED, dedupe: { ttl: 5 } },
      '`dedupe` has the unknown key "ttl"; known are store, ttlMs',
    ],
    ['a ttl of zero', { ...REQUIRED, dedupe: { ttlMs: 0 } }, '`dedupe.ttlMs` is 0'],
    ['a store that is null', { ...REQUIRED, dedupe: { store: null } }, '`dedupe.store` has no method claim'],
    ['a store that is a text', { ...REQUIRED, dedupe: { store: 'redis' } }, '`dedupe.store` has no method claim'],
    ['paths', { ...REQUIRED, paths: { order: 'order' } }, '`paths.order`'],
    ['paths that are null', { ...REQUIRED, paths: null }, '`paths`'],
    [
      'schemas of an unknown kind',
      { ...REQUIRED, schemas: { invoice: {} } },
      '`schemas` has the unknown key "invoice"; known are order, ',
    ],
    ['schemas that are null', { ...REQUIRED, schemas: null }, '`schemas`'],
    ['a text for schemas', { ...REQUIRED, schemas: { order: '{}' } }, '`schemas.order` is not a JSON Schema object'],
    [
      'a schema that cannot be compiled',
      { ...REQUIRED, schemas: { order: { type: 'nothing' } } },
      '`schemas.order` cannot be compiled',
    ],
    ['allow', { ...REQUIRED, allow: ['production', 'everyone'] }, '`allow[1]` is "everyone"; allowed are'],
    ['allow that is empty', { ...REQUIRED, allow: [] }, '`allow` is an empty list'],
    ['allow that is null', { ...REQUIRED, allow: null }, '`allow` is not a list'],
    ['allow that is an empty text', { ...REQUIRED, allow: '' }, '`allow` is not a list'],
    ['allow that is false', { ...REQUIRED, allow: false }, '`allow` is not a list'],
    ['trustProxy', { ...REQUIRED, allow: ['production'], trustProxy: 'all' }, '`trustProxy` is wrong'],
    ['a wrong trustProxy without allow', { ...REQUIRED, trustProxy: -1 }, '`trustProxy` is -1'],
    ['trustProxy without allow', { ...REQUIRED, trustProxy: 1 }, '`trustProxy` is set without `allow`'],
    [
      'an unknown key of api',
      { ...REQUIRED, api: { ...API, pasword: 1 } },
      '`api` has the unknown key "pasword"; known',
    ],
    ['a wrong number in api', { ...REQUIRED, api: { ...API, requestTimeoutMs: 0 } }, '`api.requestTimeoutMs` is 0'],
    ['a wrong host in api', { ...REQUIRED, api: { ...API, documentHosts: ['*'] } }, '`api.documentHosts[0]` is "*"'],
    ['a wrong proxy in api', { ...REQUIRED, api: { ...API, proxy: SECRET } }, '`api.proxy` is not an http URL'],
    [
      'a user in the URL of api',
      { ...REQUIRED, api: { baseUrl: `https://a:${SECRET}@x.example` } },
      '`api.baseUrl` holds',
    ],
    [
      'two agents in api',
      { ...REQUIRED, api: { ...API, proxy: 'http://p', httpsAgent: 1 } },
      '`api.httpsAgent` cannot',
    ],
    [
      'credentials beside a user in api',
      { ...REQUIRED, api: { ...API, credentials: onOrder } },
      '`api.username` cannot',
    ],
    [
      'a path without a prototype',
      { ...REQUIRED, paths: { order: Object.create(null) } },
      '`paths.order` holds of type',
    ],
    ['a name without a function', { ...REQUIRED, on: { OrderIssued: 1 } }, '`on.OrderIssued` is number'],
  ])('%s', (_what, options, expected) => {
    expect(refusal(options)).toContain(`Option ${expected}`)
  })

  it.each<[string, object, string]>([
    ['another case', { bodylimit: 5 }, 'did you mean bodyLimit?'],
    ['a letter too few', { answerTimeoutM: 5 }, 'did you mean answerTimeoutMs?'],
    ['a part of the name', { documents: onOrder }, 'did you mean onOrderDocuments?'],
    ['in dedupe', { dedupe: { ttl: 5 } }, 'known are store, ttlMs: did you mean ttlMs?'],
    ['in api', { api: { ...API, pasword: 'x' } }, 'did you mean password?'],
    ['in paths', { paths: { orders: '/x' } }, 'known are order, shipment, any: did you mean order?'],
    [
      'in auth',
      { auth: { ...REQUIRED.auth, tokens: 'x' } },
      '`auth` has the unknown key "tokens"; known are token: did you mean token?',
    ],
    ['in schemas', { schemas: { orderDocument: {} } }, 'did you mean orderDocuments?'],
  ])('the closest name is suggested: %s', (_what, options, expected) => {
    const message = refusal({ ...REQUIRED, logger, ...options })
    expect(message).toContain(expected)
    expect(message).toMatch(/[^?.][?.]$/)
  })

  it('no name is suggested where none is close, and a long one costs no time', () => {
    for (const name of ['frobnicate', 'x', 'a'.repeat(1_000_000)])
      expect(refusal({ ...REQUIRED, [name]: 1 })).not.toContain('did you mean')
  })

  it.each(['Bearer secret-token', 'bearer secret-token', 'BEARER\tsecret-token'])(
    'a token that holds the scheme too: %j',
    (token) => {
      for (const auth of [
        { type: 'bearer', token },
        [
          { type: 'bearer', token: 'x' },
          { type: 'bearer', token },
        ],
      ]) {
        const message = refusal({ ...REQUIRED, auth })
        expect(message).toMatch(/^Option `auth(\[1\])?\.token` begins with "Bearer "/)
        expect(message).not.toContain('secret-token')
      }
    },
  )

  it('a token that only looks like the scheme is accepted', () => {
    for (const token of ['bearer', 'Bearer-x', 'BearerToken'])
      expect(() => create({ ...REQUIRED, logger, auth: { type: 'bearer', token } })).not.toThrow()
  })

  it('trustProxy: false without allow is the default', () => {
    expect(() => create({ ...REQUIRED, logger, trustProxy: false })).not.toThrow()
  })

  it('a key of the other type of credential, which would be ignored', () => {
    const basic = { type: 'basic', username: 'u', password: 'p' }
    expect(refusal({ ...REQUIRED, auth: { ...basic, token: 'x' } })).toContain('`auth` has the unknown key "token"')
    expect(refusal({ ...REQUIRED, auth: [basic, { ...REQUIRED.auth, password: 'x' }] })).toContain(
      '`auth[1]` has the unknown key "password"',
    )
  })

  it('an unknown key of a MemoryStore', () => {
    const make = (options: object) => () => new MemoryStore(options)
    expect(make({ maxkeys: 5 })).toThrow('Option `maxkeys` is not known; known are maxKeys: did you mean maxKeys?')
    expect(make({ maxKeys: undefined })).not.toThrow()
  })

  it.each(['claim', 'renew', 'complete', 'release'])('a store without %s', (method) => {
    const store = { claim: onOrder, renew: onOrder, complete: onOrder, release: onOrder, [method]: undefined }
    expect(refusal({ ...REQUIRED, dedupe: { store } })).toContain(`\`dedupe.store\` has no method ${method}`)
  })

  it('an unknown option shows all that are known', () => {
    const message = refusal({ ...REQUIRED, x: 1 })
    for (const name of [
      'auth',
      'allow',
      'trustProxy',
      'paths',
      'onOrder',
      'onOrderDocuments',
      'onShipment',
      'on',
      'onUnknown',
      'onError',
      'onDelivery',
      'logger',
      'api',
      'fetch',
      'validation',
      'schemas',
      'bodyLimit',
      'limits',
      'concurrency',
      'answerTimeoutMs',
      'fetchTimeoutMs',
      'notFoundGraceMs',
      'refusals',
      'name',
      'dedupe',
      'inbox',
      'deliver',
      'delivery',
    ])
      expect(message).toMatch(new RegExp(`\\b${name}\\b`))
  })
})

describe('creation', () => {
  it('tells which callbacks are missing, once', () => {
    const lines: string[] = []
    const noting = { warn: (text: string) => lines.push(text), error: (text: string) => lines.push(text) }
    create({ ...REQUIRED, logger: noting })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/onOrderDocuments.*onShipment/)
  })

  it('does not fail by a logger that does', () => {
    const failing = () => {
      throw new Error('disk full')
    }
    expect(() => create({ ...REQUIRED, logger: { warn: failing, error: failing } })).not.toThrow()
  })
})

describe('a worker', () => {
  const inbox = inertInbox
  const refusalOf = (options: object) => {
    try {
      resolveWorkerOptions(options as never)
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('was accepted')
  }

  it('has the defaults of the documentation', () => {
    expect(resolveWorkerOptions({ inbox, onOrder } as never)).toMatchObject({
      concurrency: 32,
      maxBytesInFlight: 268_435_456,
      name: 'tradecloud',
      delivery: { quarantine: true, handlerTimeoutMs: 300_000 },
    })
  })

  it.each<[string, object, string]>([
    ['no inbox', { onOrder }, '`inbox` is missing'],
    ['credentials', { inbox, onOrder, auth: 'none' }, '`auth` is not known'],
    ['a limit of uploads', { inbox, onOrder, limits: { uploadIdleTimeoutMs: 5 } }, '`limits` has the unknown key'],
    ['an option of an earlier version', { inbox, onOrder, retry: {} }, 'is now `delivery.retry`'],
  ])('%s throws', (_what, options, message) => expect(refusalOf(options)).toContain(message))
})

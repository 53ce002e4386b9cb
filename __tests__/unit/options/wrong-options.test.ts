/** Invalid options: the error names the option, quotes the value and states what is allowed, but contains no secret. */
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import { API, create, logger, NUMBERS, onOrder, refusal, REQUIRED, resolve, SECRET, OPTIONAL } from './set-up'

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
    ['an unknown option', { ...REQUIRED, bodylimit: 5 }, '`bodylimit` is not known; expected one of '],
    [
      'a total below the limit of one',
      { ...REQUIRED, bodyLimit: 10, limits: { maxBytesInFlight: 9 } },
      '`limits.maxBytesInFlight` is 9, less than bodyLimit (10)',
    ],
    ['an empty name', { ...REQUIRED, name: '' }, '`name` must be a non-empty string'],
    ['a name that is no text', { ...REQUIRED, name: 5 }, '`name` must be a non-empty string'],
    ['onError', { ...REQUIRED, onError: 'x' }, '`onError` is of type string, not a function'],
    ['onDelivery', { ...REQUIRED, onDelivery: null }, '`onDelivery` is of type object, not a function'],
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
      '`dedupe` has the unknown key "ttl"; expected one of store, ttlMs',
    ],
    ['a ttl of zero', { ...REQUIRED, dedupe: { ttlMs: 0 } }, '`dedupe.ttlMs` is 0'],
    ['a store that is null', { ...REQUIRED, dedupe: { store: null } }, '`dedupe.store` has no method claim'],
    ['a store that is a text', { ...REQUIRED, dedupe: { store: 'redis' } }, '`dedupe.store` has no method claim'],
    ['paths', { ...REQUIRED, paths: { order: 'order' } }, '`paths.order`'],
    ['paths that are null', { ...REQUIRED, paths: null }, '`paths`'],
    [
      'schemas of an unknown kind',
      { ...REQUIRED, schemas: { invoice: {} } },
      '`schemas` has the unknown key "invoice"; expected one of order, ',
    ],
    ['schemas that are null', { ...REQUIRED, schemas: null }, '`schemas`'],
    ['a text for schemas', { ...REQUIRED, schemas: { order: '{}' } }, '`schemas.order` is not a JSON Schema object'],
    [
      'a schema that cannot be compiled',
      { ...REQUIRED, schemas: { order: { type: 'nothing' } } },
      '`schemas.order` cannot be compiled',
    ],
    ['allow', { ...REQUIRED, allow: ['production', 'everyone'] }, '`allow[1]` is "everyone"; allowed:'],
    ['allow that is empty', { ...REQUIRED, allow: [] }, '`allow` is an empty list'],
    ['allow that is null', { ...REQUIRED, allow: null }, '`allow` is not a list'],
    ['allow that is an empty text', { ...REQUIRED, allow: '' }, '`allow` is not a list'],
    ['allow that is false', { ...REQUIRED, allow: false }, '`allow` is not a list'],
    ['trustProxy', { ...REQUIRED, allow: ['production'], trustProxy: 'all' }, '`trustProxy` is invalid'],
    ['a wrong trustProxy without allow', { ...REQUIRED, trustProxy: -1 }, '`trustProxy` is -1'],
    [
      'trustProxy without allow',
      { ...REQUIRED, trustProxy: 1 },
      '`trustProxy` is set without `allow`, and has no effect then',
    ],
    [
      'an unknown key of api',
      { ...REQUIRED, api: { ...API, pasword: 1 } },
      '`api` has the unknown key "pasword"; expected',
    ],
    ['a wrong number in api', { ...REQUIRED, api: { ...API, requestTimeoutMs: 0 } }, '`api.requestTimeoutMs` is 0'],
    ['a wrong host in api', { ...REQUIRED, api: { ...API, documentHosts: ['*'] } }, '`api.documentHosts[0]` is "*"'],
    ['a wrong proxy in api', { ...REQUIRED, api: { ...API, proxy: SECRET } }, '`api.proxy` is not an http URL'],
    [
      'a user in the URL of api',
      { ...REQUIRED, api: { baseUrl: `https://a:${SECRET}@x.example` } },
      '`api.baseUrl` contains',
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
      '`paths.order` contains of type',
    ],
    ['a name without a function', { ...REQUIRED, on: { OrderIssued: 1 } }, '`on.OrderIssued` is of type number'],
  ])('%s', (_what, options, expected) => {
    expect(refusal(options)).toContain(`Option ${expected}`)
  })

  it.each<[string, object, string]>([
    ['another case', { bodylimit: 5 }, 'did you mean bodyLimit?'],
    ['a letter too few', { answerTimeoutM: 5 }, 'did you mean answerTimeoutMs?'],
    ['a part of the name', { documents: onOrder }, 'did you mean onOrderDocuments?'],
    ['in dedupe', { dedupe: { ttl: 5 } }, 'expected one of store, ttlMs: did you mean ttlMs?'],
    ['in api', { api: { ...API, pasword: 'x' } }, 'did you mean password?'],
    ['in paths', { paths: { orders: '/x' } }, 'expected one of order, shipment, any: did you mean order?'],
    [
      'in auth',
      { auth: { ...REQUIRED.auth, tokens: 'x' } },
      '`auth` has the unknown key "tokens"; expected token: did you mean token?',
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
    expect(make({ maxkeys: 5 })).toThrow('Option `maxkeys` is not known; expected maxKeys: did you mean maxKeys?')
    expect(make({ maxKeys: undefined })).not.toThrow()
  })

  it.each(['claim', 'renew', 'complete', 'release'])('a store without %s', (method) => {
    const store = { claim: onOrder, renew: onOrder, complete: onOrder, release: onOrder, [method]: undefined }
    expect(refusal({ ...REQUIRED, dedupe: { store } })).toContain(`\`dedupe.store\` has no method ${method}`)
  })

  it('an unknown option shows all that are known', () => {
    const message = refusal({ ...REQUIRED, x: 1 })
    for (const name of ['auth', 'onOrder', ...OPTIONAL]) expect(message).toMatch(new RegExp(`\\b${name}\\b`))
  })
})

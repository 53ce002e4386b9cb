/** Generators of random requests: methods, paths, headers, credentials and bodies, valid and unusual ones. */
import fc from 'fast-check'
import { basic, fixture, orderId, shipmentId } from './harness'

export const secrets = {
  username: 'canary-hook-user',
  password: 'canary-hook-pässword',
  token: 'canary-hook-token',
  secondToken: 'canary-second-token',
  apiUsername: 'canary-api-user@example.com',
  apiPassword: 'canary-api-pässword',
}

/** The beginning of each secret and of each wrong credential: unencoded, and as `Basic` encodes it. */
export const CANARIES = ['canary', Buffer.from('canary').toString('base64').slice(0, 7)]

export const targets = ['tolerant', 'strict', 'function', 'listener'] as const
export type Target = (typeof targets)[number]

export const right: Record<Target, string[]> = {
  tolerant: [basic(secrets.username, secrets.password)],
  strict: [`Bearer ${secrets.token}`, `bearer   ${secrets.secondToken}`],
  function: [`Custom ${secrets.token}`],
  listener: [basic(secrets.username, secrets.password), `Bearer ${secrets.token}`],
}

type Sending = 'whole' | 'pieces' | 'hang up' | 'stall'
export type Parsed = 'not' | 'buffer' | 'text' | 'json' | 'swallowed' | 'empty'

export interface Spec {
  target: Target
  method: string
  path: string
  auth: string | undefined
  isRight: boolean
  contentType: string | undefined
  encoding: string | undefined
  body: { bytes: Uint8Array; valid: boolean } | undefined
  chunked: boolean
  sending: Sending
  parsed: Parsed
  headers: Record<string, string>
}

export const weighted = <T>(...entries: Array<[number, fc.Arbitrary<T> | T]>): fc.Arbitrary<T> =>
  fc.oneof(
    ...entries.map(([weight, value]) => ({ weight, arbitrary: isArbitrary(value) ? value : fc.constant(value) })),
  )

function isArbitrary<T>(value: fc.Arbitrary<T> | T): value is fc.Arbitrary<T> {
  return typeof value === 'object' && value !== null && 'generate' in value
}

const oneOf = (letters: string): fc.Arbitrary<string> => fc.constantFrom(...Array.from(letters))
const token = fc.string({ unit: oneOf("abcXYZ019!#$&'*+-.^_`|~"), minLength: 1, maxLength: 12 })

/** Text of characters that Node's parser accepts in a request line. */
const pathText = fc.string({ unit: oneOf('abcOrderIdShipment/%#?&=+.;:@[]{}()<>"^`|~\\,!*$0129-_'), maxLength: 30 })

const id = weighted<string>(
  [6, fc.constantFrom(orderId, shipmentId, 'PO1', 'PO2', 'PO#3', 'unknown')],
  [3, fc.integer({ min: 0, max: 500 }).map((n) => `PO-${n}`)],
  [1, fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !/\p{Cs}/u.test(text))],
  [1, fc.constantFrom('', '.', '..', '/', 'a b', 'x'.repeat(300), '\0', '__proto__')],
)

const path = weighted<string>(
  [8, fc.constantFrom('/order', '/shipment', '/', '')],
  [
    6,
    fc
      .tuple(fc.constantFrom('/order/', '/shipment/', '/?orderId=', '/?shipmentId=', '/order?orderId='), id)
      .map(([prefix, value]) => prefix + encodeURIComponent(value)),
  ],
  [
    1,
    fc
      .tuple(fc.constantFrom('/order/', '/shipment?', '/?orderId=', '/order/%', '/?orderId[', '/?orderId=a&'), pathText)
      .map(([prefix, text]) => prefix + text),
  ],
  [1, pathText.map((text) => `/${text}`)],
)

const method = weighted<string>(
  [10, 'POST'],
  [5, 'GET'],
  [2, 'PUT'],
  [1, fc.constantFrom('PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'M-SEARCH', 'REPORT')],
)

const wrongAuth = weighted<string | undefined>(
  [3, undefined],
  [2, basic('canary-hook-user', 'canary-wrong-password')],
  [2, 'Bearer canary-wrong-token'],
  [
    2,
    fc.constantFrom(
      '',
      'Basic',
      'Bearer',
      'Bearer  ',
      'Basic =',
      'Basic Og==',
      'Negotiate canary-hook-token',
      'canary-hook-token',
      'Basic canary-hook-token',
    ),
  ],
  [1, fc.string({ unit: oneOf('BasicerTokn canary-0=:,"\t'), maxLength: 40 })],
)

const contentType = weighted<string | undefined>(
  [12, 'application/json'],
  [3, fc.constantFrom('application/json; charset=utf-8', 'application/vnd.x+json', 'APPLICATION/JSON')],
  [2, undefined],
  [
    2,
    fc.constantFrom(
      'application/xml',
      'text/plain',
      'application/json; charset=latin1',
      'multipart/form-data',
      '',
      ';',
      '/',
      'a/b+json;charset',
    ),
  ],
  [1, fc.string({ unit: oneOf('application/json;+ ="charset'), maxLength: 30 })],
)

const encoding = weighted<string | undefined>(
  [14, undefined],
  [2, 'gzip'],
  [1, fc.constantFrom('deflate', 'br', 'x-gzip', 'identity')],
  [1, fc.constantFrom('zstd', 'GZIP ', 'gzip, br', 'toString')],
)

const fixtures = ['order-event', 'single-delivery-order-event', 'order-documents-event', 'shipment-event'].map(fixture)

const validEvent = fc
  .tuple(
    fc.constantFrom(...fixtures),
    fc.constantFrom(orderId, 'PO1', 'PO2', 'PO#3'),
    fc.oneof(fc.nat(3), fc.nat(5_000)),
    fc.nat(4),
  )
  .map(([event, entity, n, version]) => {
    const copy = structuredClone(event)
    const field = Object.keys(copy).find((key) => key !== 'eventName' && key !== 'meta') ?? ''
    copy[field][field === 'shipment' ? 'id' : 'orderId'] = entity
    copy[field].version = version
    copy[field].note = n
    return copy as Record<string, unknown>
  })

/** A valid event in which a few random values are replaced or removed. */
const mutatedEvent = fc
  .tuple(
    validEvent,
    fc.array(fc.tuple(fc.nat(), fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(undefined))), {
      minLength: 1,
      maxLength: 5,
    }),
  )
  .map(([event, changes]) => {
    for (const [where, value] of changes) {
      const places: Array<[Record<string, unknown>, string]> = []
      const collect = (holder: Record<string, unknown>): void => {
        for (const key of Object.keys(holder)) {
          places.push([holder, key])
          if (typeof holder[key] === 'object' && holder[key] !== null) collect(holder[key] as Record<string, unknown>)
        }
      }
      collect(event)
      const place = places[where % Math.max(1, places.length)]
      if (place) place[0][place[1]] = value
    }
    return event
  })

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const invalid = (bytes: Uint8Array): Spec['body'] => ({ bytes, valid: false })

const body: fc.Arbitrary<Spec['body']> = weighted<Spec['body']>(
  [10, validEvent.map((event) => ({ bytes: bytesOf(event), valid: true }))],
  [1, validEvent.map((event) => ({ bytes: Buffer.from(`\ufeff${JSON.stringify(event, undefined, 1)}`), valid: true }))],
  [5, mutatedEvent.map((event) => invalid(bytesOf(event)))],
  [2, fc.tuple(validEvent, fc.nat(3_000)).map(([event, at]) => invalid(bytesOf(event).subarray(0, at)))],
  [2, fc.jsonValue().map((value) => invalid(bytesOf(value)))],
  [
    1,
    fc
      .dictionary(
        fc.constantFrom('eventName', 'orderEvent', 'shipment', 'meta', 'id', 'lines', '__proto__', 'constructor'),
        fc.jsonValue({ maxDepth: 2 }),
      )
      .map((value) => invalid(bytesOf(value))),
  ],
  [1, fc.uint8Array({ maxLength: 200 }).map(invalid)],
  [
    1,
    fc
      .constantFrom(
        ...[
          '',
          '{}',
          '[]',
          'null',
          '[',
          '{"eventName":"X"}',
          '<a/>',
          '['.repeat(500),
          '{"eventName":"X","__proto__":{"a":1}}',
        ],
      )
      .map((text) => invalid(Buffer.from(text))),
  ],
  [1, fc.nat(60_000).map((size) => invalid(Buffer.alloc(size, '1')))],
  [2, undefined],
)

const headerValue = fc.string({ unit: oneOf('abc 019;,="*/-:'), maxLength: 20 }).map((text) => text.trim())

const oddHeaders = weighted<Record<string, string>>(
  [8, {}],
  [
    2,
    fc.dictionary(
      token.map((name) => `X-${name}`),
      headerValue,
      { maxKeys: 4, noNullPrototype: true },
    ),
  ],
  [
    1,
    fc.dictionary(
      fc.constantFrom(
        'Accept',
        'Accept-Encoding',
        'Cookie',
        'Range',
        'If-None-Match',
        'If-Modified-Since',
        'X-Forwarded-For',
        'X-HTTP-Method-Override',
        'Prefer',
        'Date',
      ),
      headerValue,
      { noNullPrototype: true },
    ),
  ],
  [1, { Connection: 'close' }],
  [0.2 * 5, { Expect: '100-continue' }],
)

export const spec: fc.Arbitrary<Spec> = fc
  .record({
    target: fc.constantFrom(...targets),
    method,
    path,
    isRight: weighted<boolean>([9, true], [1, false]),
    which: fc.nat(),
    wrongAuth,
    contentType,
    encoding,
    body,
    chunked: weighted<boolean>([4, false], [1, true]),
    sending: weighted<Sending>([180, 'whole'], [15, 'pieces'], [3, 'hang up'], [1, 'stall']),
    parsed: weighted<Parsed>([6, 'not'], [1, fc.constantFrom('buffer', 'text', 'json', 'swallowed', 'empty')]),
    headers: oddHeaders,
  })
  .map(({ which, wrongAuth: wrong, ...rest }) => {
    const list = right[rest.target]
    const whole = rest.sending === 'whole' || rest.sending === 'pieces'
    return {
      ...rest,
      auth: rest.isRight ? list[which % list.length] : wrong,
      // Middleware can parse only a complete body, and only in Express.
      parsed: whole && rest.target !== 'listener' ? rest.parsed : 'not',
      sending: rest.body === undefined ? 'whole' : rest.sending,
    }
  })

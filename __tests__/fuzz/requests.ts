/**
 * Requests as bytes: valid requests with unusual values, and requests that violate HTTP. Each is derived from a seed
 * and a number.
 */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { basic } from '../integration/harness'
import { makeBody } from './bodies'
import { Dice } from './dice'

export interface Wire {
  where: 'express' | 'listener'
  how: string
  /** Pieces that are written one after another, with a short pause between them. */
  pieces: Buffer[]
  /**
   * One entry per request: true if its response has no body. If the list is present, each request must be answered. The
   * list is absent if the number of responses cannot be known.
   */
  noBody?: boolean[]
  /** True if the client closes the connection when everything is written. */
  hangsUp: boolean
}

interface Parts {
  line: string
  headers: string[]
  body: Buffer
  isHead: boolean
}

const RIGHT = [basic('canary-user', 'canary-password'), 'Bearer canary-token', 'bearer  canary-token']
const WRONG = [
  ...[
    '',
    'Basic',
    'Basic =',
    'Basic Og==',
    'Bearer',
    'Bearer canary-wrong',
    'canary-token',
    'Digest username="canary-user"',
  ],
  ...[
    basic('canary-user', 'canary-wrong'),
    `Basic ${'A'.repeat(3_000)}`,
    `Bearer ${'canary'.repeat(500)}`,
    'Basic \xff\xfe',
  ],
]
const PATHS = ['/order', '/shipment', '/', '', '/order/PO-1', '/shipment/SN-1', '/?orderId=PO-2', '/?shipmentId=SN-2']
const ODD_PATHS = [
  ...[
    '/order/%',
    '/order/%00',
    '/order/%0d%0aX-Evil:%201',
    '/order/..%2f..',
    '/order/%2e%2e',
    '/order//',
    '/order/a%20b',
  ],
  ...[
    '/order/%ff',
    '/order/%ed%a0%80',
    '/order/%F0%9F%98%80',
    '/?orderId=a&orderId=b',
    '/?orderId[]=a',
    '/?orderId',
    '/?&&==&',
  ],
  ...[
    '/?__proto__[polluted]=1',
    '/?constructor.prototype.polluted=1',
    '/?shipmentId=a&orderId=b',
    '/order?orderId=%u0041',
  ],
  ...[
    '/ORDER/x',
    '/order/x#y',
    '/order/x;y',
    '/order/\\..\\',
    '//order',
    '/./order',
    '/order/../shipment',
    '/elsewhere',
  ],
  ...[`/order/${'x'.repeat(300)}`, `/order/${'%41'.repeat(3_000)}`, `/?orderId=${'a/'.repeat(100)}`, '/order/"<>^`{|}'],
]
const METHODS = [
  ...['GET', 'GET', 'GET', 'GET', 'PUT', 'PUT', ...Array.from({ length: 12 }, () => 'POST')],
  ...['PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'QUERY'],
]
const TYPES = [
  ...['application/json', 'application/json', 'application/json; charset=utf-8', 'application/vnd.a+json', 'text/json'],
  ...[
    'application/xml',
    'text/plain',
    'application/json; charset=utf-16',
    'multipart/form-data; boundary=x',
    ';',
    ' ',
    'a/b/c',
  ],
]
const ENCODINGS: Array<[string, (bytes: Buffer) => Buffer]> = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', (bytes) => brotliCompressSync(bytes.subarray(0, 20_000))],
  ['gzip', (bytes) => bytes],
  ['br', (bytes) => bytes],
  ['gzip', (bytes) => Buffer.concat([gzipSync(bytes), gzipSync(bytes)])],
  ['gzip', (bytes) => gzipSync(bytes).subarray(0, -9)],
  ['gzip, br', (bytes) => bytes],
  ['constructor', (bytes) => bytes],
]
const HEADERS = [
  ...[
    'X-Forwarded-For: 1.2.3.4, canary',
    'X-HTTP-Method-Override: DELETE',
    'Cookie: a=b; a=b',
    'Range: bytes=0-1',
    '__proto__: 1',
  ],
  ...[
    'Accept: */*',
    'If-None-Match: *',
    'Via: 1.1 a',
    'Forwarded: for=canary',
    'Content-Type: text/plain',
    'Upgrade: h2c',
  ],
  ...['Connection: close', 'Connection: keep-alive', 'Content-Location: /', 'X-Original-URL: /admin', 'constructor: 1'],
]

/**
 * `mayBeHead`: whether the method may be `HEAD`. A response to `HEAD` states a length but has no body. The parser needs
 * `noBody` to know this.
 */
function wellFormed(dice: Dice, seed: number, index: number, where: Wire['where'], mayBeHead: boolean): Parts {
  const method = dice.pick(mayBeHead ? METHODS : METHODS.filter((name) => name !== 'HEAD'))
  const path = dice.chance(0.75) ? dice.pick(PATHS) : dice.pick(ODD_PATHS)
  const below = where === 'express' ? `/tradecloud${path}` : path
  const headers = ['Host: localhost']
  const auth = dice.chance(0.85) ? dice.pick(RIGHT) : dice.pick(WRONG)
  if (auth !== '' || dice.chance(0.5)) headers.push(`Authorization: ${auth}`)
  while (dice.chance(0.2)) headers.push(dice.pick(HEADERS))
  let body: Buffer = Buffer.alloc(0)
  if (method !== 'GET' && method !== 'HEAD' && dice.chance(0.95)) {
    body = makeBody(seed, index).bytes
    if (dice.chance(0.9)) headers.push(`Content-Type: ${dice.chance(0.8) ? 'application/json' : dice.pick(TYPES)}`)
    if (dice.chance(0.12)) {
      const [encoding, encode] = dice.pick(ENCODINGS)
      body = encode(body)
      headers.push(`Content-Encoding: ${encoding}`)
    }
    if (dice.chance(0.15)) {
      body = chunked(dice, body)
      headers.push('Transfer-Encoding: chunked')
    } else headers.push(`Content-Length: ${body.length}`)
    if (dice.chance(0.03)) headers.push('Expect: 100-continue')
  }
  return { line: `${method} ${below === '' ? '/' : below} HTTP/1.1`, headers, body, isHead: method === 'HEAD' }
}

function chunked(dice: Dice, body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const length = Math.min(body.length - at, 1 + dice.size(20_000))
    const extension = dice.chance(0.1) ? ';a="b"' : ''
    parts.push(
      Buffer.from(`${length.toString(16)}${extension}\r\n`),
      body.subarray(at, at + length),
      Buffer.from('\r\n'),
    )
    at += length
  }
  return Buffer.concat([...parts, Buffer.from(dice.chance(0.1) ? '0\r\nX-Trailer: canary\r\n\r\n' : '0\r\n\r\n')])
}

function encode({ line, headers, body }: Parts): Buffer {
  return Buffer.concat([Buffer.from(`${[line, ...headers].join('\r\n')}\r\n\r\n`, 'latin1'), body])
}

type Breaker = (dice: Dice, parts: Parts) => Buffer

const withHeaders =
  (...headers: string[]): Breaker =>
  (_dice, parts) =>
    encode({ ...parts, headers: [...parts.headers, ...headers] })
const withLine =
  (change: (line: string) => string): Breaker =>
  (_dice, parts) =>
    encode({ ...parts, line: change(parts.line) })

/** Changes that proxies, attackers and faulty senders make to a request. */
const BREAKERS: Breaker[] = [
  withHeaders('Content-Length: 5', 'Transfer-Encoding: chunked'),
  withHeaders('Content-Length: 5', 'Content-Length: 6'),
  withHeaders('Content-Length: 5, 5'),
  withHeaders('Content-Length: -1'),
  withHeaders('Content-Length: 0x10'),
  withHeaders('Content-Length: 99999999999999999999999'),
  withHeaders('Content-Length: 1e3'),
  withHeaders('Transfer-Encoding: xchunked'),
  withHeaders('Transfer-Encoding: chunked, chunked'),
  withHeaders('Transfer-Encoding: gzip, chunked'),
  withHeaders('Transfer-Encoding:\tchunked', 'Transfer-Encoding: identity'),
  withHeaders('Transfer-Encoding : chunked'),
  withHeaders('X-Folded: a', ' b', '\tc'),
  withHeaders('No colon here'),
  withHeaders(': no name'),
  withHeaders('X-Nul: a\0b'),
  withHeaders('X-Break: a\rX-Evil: 1'),
  withHeaders('X-Lf: a\nX-Evil: 1'),
  withHeaders(`X-Large: ${'a'.repeat(20_000)}`),
  withHeaders(...Array.from({ length: 1_000 }, (_, i) => `a${i}: 1`)),
  withHeaders(...Array.from({ length: 2_500 }, () => `a:`)),
  withHeaders('Authorization: Bearer canary-wrong', 'Authorization: Bearer canary-other'),
  withHeaders('Host: a', 'Host: b'),
  withHeaders('Expect: canary'),
  withHeaders('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: a'),
  withHeaders('Connection: close, Authorization, Content-Length'),
  withLine((line) => line.replace('HTTP/1.1', 'HTTP/1.0')),
  withLine((line) => line.replace('HTTP/1.1', 'HTTP/2.0')),
  withLine((line) => line.replace('HTTP/1.1', 'HTTP/1.11')),
  withLine((line) => line.replace(' HTTP/1.1', '')),
  withLine((line) => line.replace(' ', '  ')),
  withLine((line) => line.toLowerCase()),
  withLine((line) => line.replace(/ \S+ /, ' * ')),
  withLine((line) => line.replace(/ (\S+) /, ' http://evil.example$1 ')),
  withLine((line) => line.replace(/ (\S+) /, ' //evil.example$1 ')),
  withLine((line) => line.replace(/^\S+ \S+/, 'CONNECT evil.example:443')),
  withLine((line) => line.replace(/ (\S+) /, ' $1\xe9\xff ')),
  withLine((line) => line.replace(/ \S+ /, ` /${'a'.repeat(20_000)} `)),
  () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]),
  (_dice, parts) => Buffer.from(encode(parts).toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  (_dice, parts) => Buffer.concat([Buffer.from('\r\n\r\n'), encode(parts)]),
  (dice) => dice.bytes(300),
  (dice, parts) => {
    const sizes = ['g', '-1', '', '0x5', '5 5', 'ffffffffffffffff', '10000000', `5;${'a'.repeat(20_000)}`, '5\n']
    const headers = [
      ...parts.headers.filter((header) => !/^(?:content-l|tra)/i.test(header)),
      'Transfer-Encoding: chunked',
    ]
    return encode({ ...parts, headers, body: Buffer.from(`3\r\n{"a\r\n${dice.pick(sizes)}\r\n":1}}\r\n0\r\n\r\n`) })
  },
  // A wrong length: excess bytes belong to the next request, missing bytes never arrive.
  (dice, parts) => {
    const length = Math.max(0, parts.body.length + dice.pick([-100, -3, -1, 1, 50]))
    const headers = [
      ...parts.headers.filter((header) => !/^(?:content-l|tra)/i.test(header)),
      `Content-Length: ${length}`,
    ]
    return encode({ ...parts, headers })
  },
  (dice, parts) => {
    const bytes = encode(parts)
    for (let left = 1 + dice.size(12); left > 0; left--) {
      const at = dice.number(Math.min(bytes.length, 400))
      bytes[at] = dice.chance(0.5) ? dice.number(256) : (bytes[at] ?? 0) ^ (1 << dice.number(8))
    }
    return bytes
  },
  (dice, parts) => {
    const bytes = encode(parts)
    return bytes.subarray(0, dice.number(bytes.length))
  },
]

export function makeRequest(seed: number, index: number): Wire {
  const dice = new Dice(seed + 1, index)
  const where = dice.chance(0.5) ? 'express' : 'listener'
  const kind = dice.number(100)
  const one = (): Parts => wellFormed(dice, seed, index, where, kind < 62)
  const base = { where, hangsUp: false } as const
  if (kind < 55) {
    const parts = one()
    return { ...base, how: 'well-formed', pieces: [encode(parts)], noBody: [parts.isHead] }
  }
  if (kind < 62) {
    const parts = one()
    const bytes = encode(parts)
    const cuts = Array.from({ length: 1 + dice.number(4) }, () => dice.number(bytes.length)).sort((a, b) => a - b)
    const pieces = [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i]))
    return { ...base, how: 'in pieces', pieces, noBody: [parts.isHead] }
  }
  if (kind < 67) {
    const all = Array.from({ length: 2 + dice.number(4) }, () =>
      wellFormed(dice, seed, index + dice.number(1_000), where, false),
    )
    return { ...base, how: 'pipelined', pieces: [Buffer.concat(all.map(encode))] }
  }
  if (kind < 73) {
    const bytes = encode(one())
    return { ...base, how: 'hangs up', pieces: [bytes.subarray(0, dice.number(bytes.length + 1))], hangsUp: true }
  }
  let bytes = dice.pick(BREAKERS)(dice, one())
  if (dice.chance(0.2)) bytes = Buffer.concat([bytes, encode(one())])
  return { ...base, how: 'malformed', pieces: [bytes] }
}

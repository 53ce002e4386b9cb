/**
 * Bodies that are cheap to send or create but slow to read. Each may take 128 MiB, so it is built only when it is sent.
 */
import { brotliCompressSync, constants, deflateRawSync, gzipSync } from 'node:zlib'

export interface Bomb {
  what: string
  status: number
  outcome: string
  body: () => Buffer
  headers?: string[]
  /** Content type. Default: 'application/json'. */
  type?: string
  /** Sends each byte in an HTTP chunk of its own. */
  inBytes?: true
  /** Sent only with TEST_SIZE=full. */
  slow?: true
}

const MB = 1_000_000
/** A little below the limit of 64 MiB. */
const LIMIT = 67 * MB

const event = (inner: string): Buffer => Buffer.from(`{"eventName":"Calm","orderEvent":{"orderId":"1",${inner}}}`)
const list = (count: number, entry: string): Buffer => event(`"x":[${entry.repeat(count - 1)}${entry.slice(0, -1)}]`)
const keys = (count: number): Buffer =>
  event(`"x":{${Array.from({ length: count }, (_, i) => `"${i.toString(36)}":0`).join(',')}}`)

const zeros = (bytes: number): Buffer => Buffer.alloc(bytes)
const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes))

/** Compressed data that becomes `count` times 100 MB, in one stream. */
function deflated(count: number): Buffer {
  const block = deflateRawSync(zeros(100 * MB), { finishFlush: constants.Z_FULL_FLUSH })
  return Buffer.concat([Buffer.from([0x78, 0x9c]), times(count, block), deflateRawSync(zeros(1))])
}

/** A little below the limit of 128 MiB for tXML. */
const XML_LIMIT = 134 * MB

const txml = (inner: string, prolog = ''): Buffer =>
  Buffer.from(
    `${prolog}<WebhookBody><eventName>Calm</eventName><orderEvent><orderId>1</orderId>${inner}</orderEvent></WebhookBody>`,
  )
const elements = (count: number): string => Array.from({ length: count }, (_, i) => `<a${i.toString(36)}/>`).join('')

const refused = { status: 400, outcome: 'malformed_body' } as const
const delivered = { status: 200, outcome: 'delivered' } as const
const tooLarge = { status: 413, outcome: 'body_too_large' } as const

const laughs = Array.from('bcdefghij')
  .map((name, i) => `<!ENTITY ${name} "${`&${'abcdefghij'[i] ?? ''};`.repeat(10)}">`)
  .join('')

const xmlBombs: Bomb[] = [
  {
    what: 'XML, a billion laughs',
    ...refused,
    body: () => txml('<note>&j;</note>', `<!DOCTYPE a [<!ENTITY a "lol">${laughs}]>`),
  },
  {
    what: 'XML, a DOCTYPE of 128 MiB',
    ...refused,
    body: () => txml('', `<!DOCTYPE a [${'<!ENTITY a "b">'.repeat(XML_LIMIT / 16)}]>`),
  },
  {
    what: 'XML, a comment of 128 MiB before the root element',
    ...refused,
    body: () => txml('', `<!--${'x'.repeat(XML_LIMIT - 200)}-->`),
  },
  { what: 'XML, 450,000 levels', ...refused, body: () => txml('<a>'.repeat(450_000) + '</a>'.repeat(450_000)) },
  { what: 'XML, 10 million elements', ...refused, slow: true, body: () => txml('<a/>'.repeat(10 * MB)) },
  { what: 'XML, 10 million attributes', ...refused, body: () => txml(`<a${' b=""'.repeat(10 * MB)}/>`) },
  { what: 'XML, 4.9 million different elements', ...delivered, slow: true, body: () => txml(elements(4.9 * MB)) },
  { what: 'XML, 4.9 million empty lines', ...delivered, slow: true, body: () => txml('<line/>'.repeat(4.9 * MB)) },
  {
    what: 'XML, 2.4 million nested elements',
    ...delivered,
    slow: true,
    body: () => txml('<a><b>1</b></a>'.repeat(2.4 * MB)),
  },
  {
    what: 'XML, a text of 128 MiB',
    ...delivered,
    slow: true,
    body: () => txml(`<note>${'x'.repeat(XML_LIMIT - 200)}</note>`),
  },
  {
    what: 'XML, 33 million references',
    ...delivered,
    slow: true,
    body: () => txml(`<note>${'&lt;'.repeat(XML_LIMIT / 4 - 50)}</note>`),
  },
  {
    what: 'XML, 10 million CDATA sections',
    ...delivered,
    slow: true,
    body: () => txml(`<note>${'<![CDATA[x]]>'.repeat(10 * MB)}</note>`),
  },
  {
    what: 'XML, an attribute of 128 MiB',
    ...delivered,
    slow: true,
    body: () => txml(`<a b="${'x'.repeat(XML_LIMIT - 200)}"/>`),
  },
  {
    what: 'XML, a name of 128 MiB',
    ...delivered,
    slow: true,
    body: () => txml(`<${'x'.repeat(XML_LIMIT - 200)}/>`),
  },
  {
    what: 'XML, a comment of 128 MiB',
    ...delivered,
    slow: true,
    body: () => txml(`<!--${'x'.repeat(XML_LIMIT - 200)}-->`),
  },
  { what: 'XML, above its limit', ...tooLarge, body: () => txml('x'.repeat(XML_LIMIT + MB)) },
]

export const bombs: Bomb[] = [
  ...xmlBombs.map((bomb) => ({ ...bomb, type: 'application/xml' })),
  {
    what: 'gzip, 10 GB in members of 100 MB',
    ...tooLarge,
    headers: ['Content-Encoding: gzip'],
    body: () => times(100, gzipSync(zeros(100 * MB))),
  },
  { what: 'deflate, 10 GB', ...tooLarge, headers: ['Content-Encoding: deflate'], body: () => deflated(100) },
  {
    what: 'br, 1 GB',
    ...tooLarge,
    headers: ['Content-Encoding: br'],
    slow: true,
    body: () => brotliCompressSync(zeros(1_000 * MB), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  },
  {
    what: 'gzip of gzip, said so',
    status: 413,
    outcome: 'body_too_large',
    headers: ['Content-Encoding: gzip, gzip'],
    body: () => gzipSync(gzipSync(zeros(100 * MB))),
  },
  {
    what: 'gzip of gzip, not said',
    status: 413,
    outcome: 'body_too_large',
    headers: ['Content-Encoding: gzip'],
    body: () => gzipSync(gzipSync(zeros(100 * MB))),
  },
  {
    what: '1 million empty gzip members',
    ...refused,
    headers: ['Content-Encoding: gzip'],
    body: () => times(MB, gzipSync(zeros(0))),
  },
  {
    what: '1 MB in HTTP chunks of one byte',
    ...delivered,
    inBytes: true,
    body: () => event(`"x":"${'x'.repeat(MB)}"`),
  },
  { what: '450,000 levels', ...refused, body: () => event(`"x":${'['.repeat(450_000)}${']'.repeat(450_000)}`) },
  { what: '450,000 levels, never closed', ...refused, body: () => Buffer.from('{"a":'.repeat(450_000)) },
  { what: '64 MiB of closing brackets', ...refused, body: () => Buffer.alloc(LIMIT, ']') },
  { what: '10 million keys', ...refused, slow: true, body: () => keys(10 * MB).subarray(0, LIMIT) },
  { what: '4.9 million keys', ...delivered, slow: true, body: () => keys(4.9 * MB) },
  { what: '22 million empty lists', ...refused, body: () => list(22 * MB, '[],') },
  { what: '2.4 million empty lists', ...delivered, body: () => list(2.4 * MB, '[],') },
  {
    what: '2.4 million empty objects, with an escape',
    ...delivered,
    slow: true,
    body: () => event(`"y":"\\u0041","x":[${'{},'.repeat(2.4 * MB)}{}]`),
  },
  { what: '1.6 million polluting keys', ...delivered, body: () => list(1.6 * MB, '{"__proto__":0},') },
  {
    what: '4.9 million lines that are numbers',
    ...delivered,
    body: () => event(`"lines":[${'0,'.repeat(4.9 * MB)}0]`),
  },
  {
    what: '2.4 million lines that are empty',
    ...delivered,
    slow: true,
    body: () => event(`"lines":[${'{},'.repeat(2.4 * MB)}{}]`),
  },
  { what: '4.9 million numbers with a fraction', ...delivered, slow: true, body: () => list(4.9 * MB, '5.5,') },
  { what: 'a text of 64 MB', ...delivered, body: () => event(`"x":"${'x'.repeat(64 * MB)}"`) },
  {
    what: 'a text of 64 MB of escapes',
    ...delivered,
    slow: true,
    body: () => event(`"x":"${'\\u0041'.repeat(10 * MB)}"`),
  },
  {
    what: 'an event name of 64 MB',
    ...delivered,
    body: () => Buffer.from(`{"eventName":"${'x'.repeat(64 * MB)}","orderEvent":{"orderId":"1"}}`),
  },
  {
    what: 'an ID of 64 MB',
    ...delivered,
    body: () => Buffer.from(`{"eventName":"Calm","orderEvent":{"orderId":"${'x'.repeat(64 * MB)}"}}`),
  },
  { what: 'a key of 64 MB', ...delivered, slow: true, body: () => event(`"${'x'.repeat(64 * MB)}":{"__proto__":0}`) },
  { what: 'a number of 1 million digits', ...delivered, body: () => event(`"version":${'9'.repeat(MB)}`) },
  {
    what: 'a number of 64 million digits',
    ...delivered,
    slow: true,
    body: () => event(`"version":${'9'.repeat(64 * MB)}`),
  },
  {
    what: 'numbers beyond all bounds',
    ...delivered,
    body: () => event('"version":1e400,"x":[-1e400,1e-400,9007199254740993]'),
  },
  { what: 'lone surrogates, escaped', ...delivered, body: () => event('"x":"\\ud800\\udfff\\ud800"') },
  {
    what: 'lone surrogates, as bytes',
    ...refused,
    body: () => Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  },
  { what: 'the same key a million times', ...delivered, body: () => event('"x":1,'.repeat(MB) + '"x":2') },
]

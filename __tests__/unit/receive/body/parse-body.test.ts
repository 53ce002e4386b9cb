/** Parses bytes or the result of the app's parser: media types, digests, and bodies that other parsers have changed. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { takeAppBody } from '../../../../lib/receive/body/app-body'
import { parseBytes, readMediaType, type MediaType } from '../../../../lib/receive/body/parse-body'
import { Pieces } from '../../../../lib/bytes/pieces'
import { sha256 } from '../../../../lib/bytes/digest'

function requestWith(body: unknown, headers: Record<string, string> = {}): IncomingMessage {
  return { body, headers } as unknown as IncomingMessage
}

describe('the media type', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json ; charset=utf8; profile=x',
    'application/json; charset=us-ascii',
    'application/json; charset=iso-8859-1',
    "application/json; charset='utf-8'",
    'application/json; charset=utf-16',
    'application/vnd.tradecloud+json',
    'application/cloudevents+json; charset=utf-8',
    'application/json;',
  ])('%s is JSON', (contentType) => {
    expect(readMediaType(contentType)).toEqual({ type: 'json' })
  })

  it.each([
    'application/xml',
    'text/xml',
    'text/xml; charset=utf-16',
    'application/xml; charset=iso-8859-1',
    'Text/XML; charset="UTF-8"',
    'application/xml;charset=utf-8',
  ])('%s is XML', (contentType) => expect(readMediaType(contentType)).toEqual({ type: 'xml' }))

  it.each([[undefined], [''], ['  '], ['; charset=utf-8']])('%p is missing', (contentType) => {
    expect(readMediaType(contentType)).toEqual({ type: 'missing' })
  })

  it.each([
    'text/plain',
    'text/html; charset=utf-8',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'xapplication/json',
    'application/ld+jsonx',
    '+json',
    'json',
    'application/soap+xml',
    'application/xmlx',
    'multipart/form-data; boundary=application/json',
  ])('%s is not received', (contentType) => {
    expect(readMediaType(contentType)).toMatchObject({ refusal: { outcome: 'unsupported_media_type' } })
  })
})

const parse = (bytes: Buffer, type: MediaType) => parseBytes(Pieces.of(bytes), type)

describe('bytes', () => {
  it('become a value, their SHA-256 and stay as they are', async () => {
    const bytes = Buffer.from('\uFEFF{"a":1.10,"ü":[null]}')
    expect(await parse(bytes, 'json')).toEqual({
      ok: true,
      value: { a: 1.1, ü: [null] },
      digest: createHash('sha256').update(bytes).digest('hex'),
      issues: [],
    })
  })

  it('that pollute prototypes lose these keys, and it is told which', async () => {
    const parsed = await parse(Buffer.from('{"a":{"__proto__":{"x":1}}}'), 'json')
    expect(parsed).toMatchObject({ ok: true, value: { a: {} }, issues: [{ pointer: '/a/__proto__' }] })
  })

  it.each([
    ['a broken body', '{"secret":'],
    ['an empty body', ''],
    ['text after the value', '{} {}'],
    ['broken XML that says it is JSON', '<a'],
  ])('%s is malformed, and the answer does not quote it', async (_what, text) => {
    const parsed = await parse(Buffer.from(text), 'json')
    expect(parsed).toMatchObject({ ok: false, outcome: 'malformed_body' })
    expect(JSON.stringify(parsed)).not.toContain('secret')
    expect((parsed as { detail: string }).detail).toMatch(/^The body .*\.$/)
  })

  it('that are no UTF-8 are malformed', async () => {
    expect(await parse(Buffer.from('{"a":"ü"}', 'latin1'), 'json')).toMatchObject({ outcome: 'malformed_body' })
  })

  const xml = [
    '<a>1</a>',
    '  \r\n<?xml version="1.0"?><a>1</a>',
    '\uFEFF<a>1</a>',
    '\uFEFF\n<?xml version="1.0"?><a>1</a>',
    '\uFEFF\uFEFF<?xml version="1.0"?><a>1</a>\n\0',
  ]
  it.each(xml)('without a type: %p is XML', async (text) => {
    const bytes = Buffer.from(text)
    const digest = createHash('sha256').update(bytes).digest('hex')
    expect(await parse(bytes, 'missing')).toEqual({ ok: true, value: '1', digest, issues: [] })
  })

  it('without a type may be JSON', async () => {
    expect(await parse(Buffer.from(' \n{"a":"<"}'), 'missing')).toMatchObject({ ok: true, value: { a: '<' } })
  })
})

describe('a body that the app has parsed', () => {
  /** Takes and parses a body, as the receiver does. */
  const take = async (req: IncomingMessage, type: 'json' | 'missing' = 'json') => {
    const taken = takeAppBody(req)
    if (taken === 'none' || !taken.ok) return taken
    const { bytes, reserialized } = taken.body
    return { bytes: bytes.whole, reserialized, ...(await parseBytes(bytes, reserialized ? 'json' : type)) }
  }

  const text = '{"eventName":"X","n":1}'

  it.each([
    ['text', text],
    ['a Buffer', Buffer.from(text)],
    ['a part of a larger Uint8Array', new Uint8Array(Buffer.from(`xx${text}yy`)).subarray(2, 2 + text.length)],
  ])('to %s is taken byte by byte', async (_what, body) => {
    expect(await take(requestWith(body))).toMatchObject({
      ok: true,
      value: { eventName: 'X', n: 1 },
      digest: sha256(text),
      bytes: Buffer.from(text),
      reserialized: false,
    })
  })

  it('to an object is identified by its JSON and not by the bytes that were sent', async () => {
    const body = { eventName: 'X', n: 1 }
    const parsed = await take(requestWith(body), 'missing')
    expect(parsed).toMatchObject({ ok: true, value: body, digest: sha256(text), reserialized: true })
  })

  it('loses keys that pollute, and the body of the app stays as it is', async () => {
    const body: unknown = JSON.parse('{"a":1,"__proto__":{"x":1}}')
    expect(await take(requestWith(body))).toMatchObject({ ok: true, issues: [{ pointer: '/__proto__' }] })
    expect(Object.keys(body as object)).toContain('__proto__')
  })

  it.each([[undefined], [null], [''], [{}], [new Uint8Array()]])('to %p may never have been there', async (body) => {
    expect(await take(requestWith(body))).toBe('none')
    expect(await take(requestWith(body, { 'content-length': '0' }))).toBe('none')
  })

  it('is too deep where bytes would be', async () => {
    let deep: unknown = {}
    for (let i = 0; i < 120; i++) deep = { deep }
    expect(await take(requestWith(deep))).toMatchObject({ ok: false, outcome: 'malformed_body' })
  })

  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  it.each([
    ['nothing', undefined, { 'content-length': '2' }],
    ['null', null, { 'content-length': '2' }],
    ['a number', 5, {}],
    ['true', true, {}],
    ['an empty object', {}, { 'content-length': '2' }],
    ['an empty object of a body of unknown length', {}, { 'transfer-encoding': 'chunked' }],
    ['a cyclic object', cyclic, {}],
    ['an object with a BigInt', { n: 1n }, {}],
    ['an object that hides itself', { toJSON: () => undefined }, {}],
  ])('to %s may come again, and the error names the likely mistake', (_what, body, headers: Record<string, string>) => {
    const taken = takeAppBody(requestWith(body, headers))
    expect(taken).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(String((taken as { cause?: unknown }).cause)).toContain('before express.json()')
  })
})

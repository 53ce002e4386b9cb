/**
 * Bodies in every wrapping: compressed, chunked, odd headers, too large, stalled, broken off, read by something before
 * us, many at once, and hostile.
 */
import express from 'express'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { OrderEvent } from 'tradecloud-webhook'
import { toTxml } from 'tradecloud-webhook/testing'
import { clockForEach } from '../clock'
import {
  authorization,
  closeAll,
  deferred,
  fixture,
  isExpress4,
  orderEvent,
  orderId,
  pause,
  startRig,
  until,
  type Loose,
  type RawAnswer,
  type Rig,
  type RigOptions,
} from './harness'
import { encodeRequest, type RawConnection } from './raw-http'

afterEach(closeAll)

const json = { 'Content-Type': 'application/json' }
const start = (options: RigOptions = {}): Promise<Rig> => startRig({ validation: 'off', ...options })
const deliveredBody = (rig: Rig): unknown => JSON.parse(rig.calls.at(-1)?.context.rawBody?.toString() ?? '')

const encoders = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  'deflate ': deflateRawSync,
  br: brotliCompressSync,
} as const
const encodings = Object.entries(encoders)

describe('encodings', () => {
  test.each(encodings)('%s', async (name, encode) => {
    const rig = await start()
    const event = orderEvent({ text: 'é🚢'.repeat(50_000) })
    const bytes = encode(JSON.stringify(event))
    const headers = { ...json, 'Content-Encoding': name }
    const pieces = Array.from({ length: 10 }, (_, i) =>
      bytes.subarray((i * bytes.length) / 10, ((i + 1) * bytes.length) / 10),
    )
    expect(await rig.send({ method: 'POST', path: '/order', headers, body: bytes })).toMatchObject({
      status: 200,
      json: { outcome: 'delivered' },
    })
    expect(deliveredBody(rig)).toEqual(event)
    // The key is of what was sent before compression: the same event again, however it is wrapped.
    expect(await rig.send({ method: 'PUT', path: '/order', headers, chunks: pieces })).toMatchObject({
      status: 200,
      json: { outcome: 'duplicate' },
    })
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    expect(rig.records[0]?.bodyBytes).toBe(Buffer.byteLength(JSON.stringify(event)))
  })

  test.each(encodings)('%s: damaged or cut off', async (name, encode) => {
    const rig = await start()
    const bytes = encode(JSON.stringify(fixture('order-event')))
    const damaged = Buffer.from(bytes)
    damaged.fill(0xff, 20, 60)
    for (const body of [damaged, bytes.subarray(0, -9), Buffer.from([0x1f]), Buffer.from([0x78])]) {
      const answer = await rig.send({
        method: 'POST',
        path: '/order',
        headers: { ...json, 'Content-Encoding': name },
        body,
      })
      expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
    }
    expect(rig.calls).toEqual([])
  })

  test.each(encodings)('%s: the limit counts what comes out', async (name, encode) => {
    const rig = await start({ bodyLimit: 1_000_000 })
    const send = (size: number): Promise<RawAnswer> => {
      const text = JSON.stringify(orderEvent({ text: '' }))
      const body = encode(text.replace('"text":""', `"text":"${'x'.repeat(size - text.length)}"`))
      expect(body.length).toBeLessThan(50_000)
      return rig.send({ method: 'POST', path: '/order', headers: { ...json, 'Content-Encoding': name }, body })
    }
    expect(await send(1_000_000)).toMatchObject({ status: 200 })
    expect(await send(1_000_001)).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
    // Much more than the limit, out of little: nobody waits until all of it was inflated.
    expect(await send(40_000_000)).toMatchObject({ status: 413 })
    expect(await send(1_000_000)).toMatchObject({ status: 200 })
  })

  const unknown = ['zip', 'zstd', 'compress', 'none', 'utf-8', '8bit', 'constructor', '__proto__', '*', '"gzip"']
  test.each([...unknown, 'gzip', 'deflate', 'br', 'gzip, br', 'identity, gzip', 'none, utf-8'])(
    '%s, and the body is not compressed: delivered',
    async (name) => {
      const rig = await start()
      const text = JSON.stringify(orderEvent())
      for (const body of [text, ` \r\n${text}`, `\ufeff${text}\n`]) {
        const request = { method: 'POST', path: '/order', headers: { ...json, 'Content-Encoding': name } }
        expect((await rig.send({ ...request, body })).status).toBe(200)
        expect((await rig.send({ ...request, chunks: Array.from(body) })).status).toBe(200)
        expect(rig.calls.at(-1)?.context.rawBody?.toString()).toBe(body)
      }
    },
  )

  test.each(unknown)('%s, and the body cannot be read: 415', async (name) => {
    const rig = await start()
    const headers = { ...json, 'Content-Encoding': name }
    for (const body of [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0, 9, 0]), deflateRawSync('{"eventName":"X"}')]) {
      expect(await rig.send({ method: 'POST', path: '/order', headers, body })).toMatchObject({
        status: 415,
        json: { code: 'unsupported_media_type' },
      })
    }
  })

  const text = JSON.stringify(orderEvent({ text: 'é🚢'.repeat(500) }))
  const large = gzipSync(JSON.stringify(orderEvent({ text: randomBytes(100_000).toString('hex') })))
  test.each<[string, string | undefined, Buffer]>([
    ['gzip in identity', 'identity, gzip', gzipSync(text)],
    ['identity in gzip', 'gzip, identity', gzipSync(text)],
    ['gzip that is called none', 'none', gzipSync(text)],
    ['gzip that is called utf-8', 'utf-8', gzipSync(text)],
    ['gzip that is called br', 'br', gzipSync(text)],
    ['gzip that is called deflate', 'deflate', gzipSync(text)],
    ['gzip that is not named', undefined, gzipSync(text)],
    ['zlib that is called gzip', 'gzip', deflateSync(text)],
    ['zlib that is not named', undefined, deflateSync(text)],
    ['gzip twice', 'gzip, gzip', gzipSync(gzipSync(text))],
    ['gzip twice, named once', 'gzip', gzipSync(gzipSync(text))],
    ['gzip named twice, done once', 'gzip, gzip', gzipSync(text)],
    ['br in gzip', 'br, gzip', gzipSync(brotliCompressSync(text))],
    ['gzip in br', 'gzip, br', brotliCompressSync(gzipSync(text))],
    ['raw deflate in gzip', 'deflate, gzip', gzipSync(deflateRawSync(text))],
    ['gzip and a line break', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\n')])],
    ['gzip and line breaks', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\r\n\r\n')])],
    ['large gzip and a line break', 'gzip', Buffer.concat([large, Buffer.from('\r\n')])],
    ['gzip and NULs', 'gzip', Buffer.concat([gzipSync(text), Buffer.alloc(512)])],
    ['gzip, NULs and a line break', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\0\0\n')])],
    ['gzip, a line break and NULs', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\r\n\0\0')])],
    ['zlib and a line break', 'deflate', Buffer.concat([deflateSync(text), Buffer.from('\n')])],
    ['br and a line break', 'br', Buffer.concat([brotliCompressSync(text), Buffer.from('\n')])],
    ['gzip of text with a NUL', 'gzip', gzipSync(`${text}\0`)],
  ])('%s: delivered', async (_what, name, body) => {
    const rig = await start()
    const headers = { ...json, 'Content-Encoding': name }
    for (const more of [{ body }, { chunks: [body.subarray(0, 1), body.subarray(1, -1), body.subarray(-1)] }])
      expect((await rig.send({ method: 'POST', path: '/order', headers, ...more })).status).toBe(200)
    expect(rig.calls).toHaveLength(1)
  })

  test.each<[string, string, Buffer]>([
    ['nothing', 'gzip', gzipSync('')],
    ['four layers', 'gzip', gzipSync(gzipSync(gzipSync(gzipSync(text))))],
    ['gzip and text', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\n{}')])],
    ['gzip of which a part is missing', 'gzip', Buffer.concat([gzipSync(text).subarray(0, -9), Buffer.from('\n')])],
    ['two events', 'gzip', Buffer.concat([gzipSync(text), gzipSync(text)])],
  ])('%s: malformed', async (_what, name, body) => {
    const rig = await start()
    const headers = { ...json, 'Content-Encoding': name }
    expect(await rig.send({ method: 'POST', path: '/order', headers, body })).toMatchObject({
      status: 400,
      json: { code: 'malformed_body' },
    })
  })

  test.each(['identity', 'Identity', '', ' '])('"%s" is no encoding', async (name) => {
    const rig = await start()
    expect(await rig.post(orderEvent(), { headers: { 'Content-Encoding': name } })).toMatchObject({ status: 200 })
  })

  test.each(['GZIP', 'GZip'])('%s: case does not matter', async (name) => {
    const rig = await start()
    expect(
      await rig.send({
        method: 'POST',
        path: '/order',
        headers: { ...json, 'Content-Encoding': name },
        body: gzipSync(JSON.stringify(orderEvent())),
      }),
    ).toMatchObject({ status: 200 })
  })
})

describe('content types', () => {
  const good = [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'APPLICATION/JSON',
    'application/json; charset="utf-8"',
    'application/json; charset=utf8',
    'application/json;charset=us-ascii',
    'application/json; boundary=x',
    'application/json;',
    'application/json ; charset=utf-8',
    'application/vnd.tradecloud+json',
    'application/cloudevents+json; charset=utf-8',
    'application/problem+json',
    'application/json; charset=',
    'application/json; charset=iso-8859-1',
    'application/json; charset=windows-1252',
    'application/json; charset=ascii',
    "application/json; charset='utf-8'",
    'application/json; charset="iso-8859-1"',
    'application/json; charset=utf-16',
    'application/json; charset=none',
    '; charset=utf-8',
    '',
    undefined,
  ]
  test.each(good)('%s', async (type) => {
    const rig = await start()
    const answer = await rig.send({
      method: 'POST',
      path: '/order',
      body: JSON.stringify(orderEvent({ text: 'Größe 🚢' })),
      headers: { 'Content-Type': type },
    })
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    expect(rig.calls[0]?.event.order.text).toBe('Größe 🚢')
  })

  test.each(['', 'iso-8859-1', 'utf-16', 'utf-16le', "'utf-8'"])(
    'charset=%s and no UTF-8: malformed',
    async (charset) => {
      const rig = await start()
      const text = JSON.stringify(orderEvent({ text: 'Größe' }))
      const utf16 = Buffer.from(text, 'utf16le')
      for (const body of [
        Buffer.from(text, 'latin1'),
        utf16,
        Buffer.from(utf16).swap16(),
        Buffer.from(`\ufeff${text}`, 'utf16le'),
      ]) {
        const headers = { 'Content-Type': `application/json; charset=${charset}` }
        const answer = await rig.send({ method: 'POST', path: '/order', headers, body })
        expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
      }
      expect(rig.calls).toEqual([])
    },
  )

  const bad = [
    'text/plain',
    'text/json',
    'application/soap+xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
    'application/jsonx',
    'application/json, text/plain',
    'a b+json',
    '+json',
    'application/+jsonx',
    '*/*',
  ]
  test.each(bad)('%s: 415', async (type) => {
    const rig = await start()
    const answer = await rig.send({
      method: 'POST',
      path: '/order',
      body: JSON.stringify(orderEvent()),
      headers: { 'Content-Type': type },
    })
    expect(answer).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } })
    expect(rig.calls).toEqual([])
  })

  test('XML with the Content-Type of JSON, and JSON with that of XML, are read by their bytes', async () => {
    const rig = await start()
    const xml = { 'Content-Type': 'application/xml' }
    const body = toTxml(orderEvent())
    expect(await rig.send({ method: 'POST', path: '/order', body, headers: json })).toMatchObject({ status: 200 })
    expect(await rig.post(orderEvent(), { headers: xml })).toMatchObject({ status: 200 })
    expect(rig.calls.map(({ event }) => (event as OrderEvent).orderId)).toEqual([orderId, orderId])
    const malformed = { status: 400, json: { code: 'malformed_body' } }
    for (const [wrong, headers] of [
      ['<order', json],
      ['{"eventName":', xml],
      ['order', xml],
    ] as const)
      expect(await rig.send({ method: 'POST', path: '/order', body: wrong, headers })).toMatchObject(malformed)
  })
})

describe('texts', () => {
  test('a byte order mark is skipped, in any wrapping', async () => {
    const rig = await start()
    for (const [name, encode] of [[undefined, (text: string) => Buffer.from(text)], ...encodings] as const) {
      const event = orderEvent()
      const body = encode(`\ufeff${JSON.stringify(event)}`)
      expect(
        await rig.send({ method: 'POST', path: '/order', headers: { ...json, 'Content-Encoding': name }, body }),
      ).toMatchObject({ status: 200 })
      expect(rig.calls.at(-1)?.event.order).toEqual(event.orderEvent)
    }
  })

  test.each([
    ['two byte order marks', '\ufeff\ufeff', ''],
    ['three byte order marks', '\ufeff\ufeff\ufeff', ''],
    ['a NUL at the end', '', '\0'],
    ['NULs and line breaks at the end', '', '\r\n\0\0\n\0\n'],
    ['both', '\ufeff\ufeff', '\0'],
  ])('%s: delivered', async (_what, front, end) => {
    for (const [name, encode] of [[undefined, (text: string) => Buffer.from(text)], ...encodings] as const) {
      const rig = await start()
      const event = orderEvent()
      const body = encode(`${front}${JSON.stringify(event)}${end}`)
      const headers = { 'Content-Encoding': name }
      for (const type of ['application/json', undefined]) {
        const request = { method: 'POST', path: '/order', headers: { ...headers, 'Content-Type': type } }
        expect((await rig.send({ ...request, body })).status).toBe(200)
        expect((await rig.send({ ...request, chunks: [...body].map((byte) => Uint8Array.of(byte)) })).status).toBe(200)
      }
      expect(rig.calls.map((call) => call.event.order)).toEqual([event.orderEvent])
    }
  })

  test.each<[string, string | Buffer]>([
    ['a NUL in front', '\0{"eventName":"X"}'],
    ['a NUL between two values', '{"eventName":"X"}\0{"eventName":"Y"}'],
    ['NULs alone', '\0\0\0'],
    ['byte order marks alone', '\ufeff\ufeff'],
    ['UTF-16 without a mark', Buffer.from('{"eventName":"X"}', 'utf16le')],
    ['cut off', '{"eventName":"OrderIssuedByBuyer"'],
    ['not UTF-8', Buffer.from('{"eventName":"\xe9"}', 'latin1')],
    ['UTF-16', Buffer.from('\ufeff{"eventName":"X"}', 'utf16le')],
    ['too deep', `{"eventName":"X","a":${'['.repeat(200)}${']'.repeat(200)}}`],
    ['far too deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['two values', '{"eventName":"X"}{"eventName":"Y"}'],
    ['single quotes', "{'eventName':'X'}"],
    ['a form', 'eventName=X&orderId=1'],
    ['white space', '   \r\n '],
    ['a byte order mark alone', '\ufeff'],
    ['a null character', '\0'],
    ['NaN', 'NaN'],
    ['a raw line break in a text', '{"eventName":"a\nb"}'],
  ])('%s: malformed', async (_what, body) => {
    const rig = await start()
    const answer = await rig.send({ method: 'POST', path: '/order', headers: json, body })
    expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
    expect(answer.json.detail).not.toMatch(/eventName/)
  })

  test.each([
    'null',
    'true',
    '1',
    '"text"',
    '[]',
    '[{"eventName":"OrderIssuedByBuyer","orderEvent":{"orderId":"1"}}]',
    '{}',
    '{"eventName":""}',
    '{"eventName":"  "}',
    '{"eventName":5}',
    '{"eventName":null}',
    '{"orderEvent":[]}',
    '{"eventName":"X","orderEvent":"text"}',
    '{"eventName":"X","orderEvent":5}',
    '{"eventName":"X","orderEvent":{}}',
    '{"eventName":"X","orderEvent":{"orderId":""}}',
    '{"eventName":"X","orderEvent":{"orderId":" "}}',
    '{"eventName":"X","orderEvent":{"orderId":null,"id":null}}',
    '{"eventName":"X","shipment":{"orderId":"1"}}',
    '{"eventName":"X","orderDocumentsEvent":{}}',
    '{"id":"1"}',
    '{"id":"","lines":[]}',
    '{"toString":"x"}',
  ])('%s: no event', async (body) => {
    for (const validation of ['off', 'tolerant', 'strict'] as const) {
      const rig = await start({ validation })
      const answer = await rig.send({ method: 'POST', path: '/order', headers: json, body })
      expect(answer).toMatchObject({
        status: 400,
        json: { code: 'invalid_body', issues: [{ pointer: expect.any(String), message: expect.any(String) }] },
      })
    }
  })

  test('tolerant: what deviates is delivered and listed; strict: it is refused; off: it is not looked at', async () => {
    const odd = (): Loose => {
      const body = fixture('order-event')
      body.orderEvent.version = '7'
      body.orderEvent.lines[0].deliverySchedule[0].quantity = 'many'
      body.orderEvent.buyerOrder = 'text'
      return body
    }
    const tolerant = await startRig()
    expect(await tolerant.post(odd())).toMatchObject({ status: 200 })
    expect(tolerant.calls[0]?.event).toMatchObject({ version: 7, order: odd().orderEvent })
    expect(tolerant.calls[0]?.event.issues.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/orderEvent/buyerOrder',
      '/orderEvent/lines/0/deliverySchedule/0/quantity',
      '/orderEvent/version',
    ])
    expect(tolerant.records[0]?.issues).toBe(3)
    const strict = await startRig({ validation: 'strict' })
    expect(await strict.post(odd())).toMatchObject({ status: 400, json: { code: 'invalid_body' } })
    expect(await strict.post(fixture('order-event'))).toMatchObject({ status: 200 })
    for (const lastUpdatedAt of ['2019-12-31T10:11', '2019-12-31T10:11Z', '2019-12-31T10:11+01:00']) {
      const order = { orderId, lastUpdatedAt, meta: { createdDateTime: lastUpdatedAt } }
      expect(await strict.post({ eventName: 'X', orderEvent: order })).toMatchObject({ status: 200 })
      const locations = { destinations: [{ etaStartTime: '12:13' }] }
      const shipment = { id: 'S-1', meta: { lastUpdatedAt }, locations }
      expect(await strict.post({ eventName: 'X', shipment })).toMatchObject({ status: 200 })
    }
    const off = await startRig({ validation: 'off' })
    expect(await off.post(odd())).toMatchObject({ status: 200 })
    expect(off.calls[0]?.event.issues).toEqual([])
  })

  test('more issues than anybody reads are capped, and the event is as it was', async () => {
    const body = orderEvent({
      lines: Array.from({ length: 300 }, () => ({ id: 5, lineType: 5, status: 5, lastUpdatedAt: 5 })),
    })
    const rig = await startRig()
    expect(await rig.post(body)).toMatchObject({ status: 200 })
    expect(rig.calls[0]?.event.issues).toHaveLength(21)
    expect(rig.calls[0]?.event.order).toEqual(body.orderEvent)
    const strict = await startRig({ validation: 'strict' })
    const answer = await strict.post(body)
    expect(answer.status).toBe(400)
    expect(answer.json.issues).toHaveLength(21)
  })

  test("the user's own schema is enforced, in each mode", async () => {
    const schemas = { order: { type: 'object', required: ['buyerOrder'] } }
    for (const validation of ['tolerant', 'strict', 'off'] as const) {
      const rig = await startRig({ validation, schemas })
      expect(await rig.post(orderEvent())).toMatchObject({
        status: 400,
        json: { code: 'invalid_body', issues: [{ pointer: '/orderEvent' }] },
      })
      expect(await rig.post(fixture('order-event'))).toMatchObject({ status: 200 })
    }
  })

  test('keys that would change a prototype are taken out, and the rest is delivered', async () => {
    const rig = await startRig()
    const body = `{"eventName":"OrderIssuedByBuyer","__proto__":{"polluted":1},"orderEvent":{"orderId":"PO1",
      "lines":[{"id":"1","__proto__":{"polluted":2}}],
      "constructor":{"prototype":{"polluted":3}},"\\u005f_proto__":{"polluted":4},"const\\u0072uctor":{"prototype":{}},
      "buyerOrder":{"constructor":"a real field","prototype":"too"}}}`
    for (const send of [{ body }, { body: gzipSync(body), headers: { 'Content-Encoding': 'gzip' } }]) {
      expect(await rig.send({ method: 'POST', path: '/order', ...send })).toMatchObject({ status: 200 })
      const { event } = rig.calls[0] ?? {}
      expect(event.order).toEqual({
        orderId: 'PO1',
        lines: [{ id: '1' }],
        buyerOrder: { constructor: 'a real field', prototype: 'too' },
      })
      expect(JSON.stringify(event.order)).not.toContain('polluted')
      expect(Object.getPrototypeOf(event.order)).toBe(Object.prototype)
      expect(event.issues.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
        expect.arrayContaining(['/__proto__', '/orderEvent/constructor', '/orderEvent/lines/0/__proto__']),
      )
    }
    expect(({} as Loose).polluted).toBeUndefined()
    expect(
      await rig.send({
        method: 'POST',
        path: '/order',
        body: '{"__proto__":{"eventName":"X","orderEvent":{"orderId":"1"}}}',
      }),
    ).toMatchObject({ status: 400, json: { code: 'invalid_body' } })
    expect(
      await rig.send({
        method: 'POST',
        path: '/order',
        body: '{"eventName":"__proto__","orderEvent":{"orderId":"__proto__","version":1}}',
      }),
    ).toMatchObject({ status: 200 })
    expect(
      await rig.send({ method: 'POST', path: '/order', body: '{"eventName":"constructor","toString":{}}' }),
    ).toMatchObject({ status: 200 })
    expect(rig.calls.at(-1)?.callback).toBe('onUnknown')
  })

  test('numbers that JavaScript cannot hold stand in the raw body', async () => {
    const rig = await startRig()
    await rig.send({
      method: 'POST',
      path: '/order',
      body: '{"shipment":{"id":"1","quantity":0.12345678901234567890,"weight":99999999999999999999}}',
    })
    expect(rig.calls[0]?.context.rawBody?.toString()).toContain('0.12345678901234567890')
  })
})

describe('sizes', () => {
  test('as declared', async () => {
    const rig = await start({ bodyLimit: 1000 })
    const text = JSON.stringify(orderEvent({ text: '' }))
    const sized = (size: number): string => text.replace('"text":""', `"text":"${'x'.repeat(size - text.length)}"`)
    expect(await rig.send({ method: 'POST', path: '/order', body: sized(1000) })).toMatchObject({ status: 200 })
    expect(await rig.send({ method: 'POST', path: '/order', body: sized(1001) })).toMatchObject({ status: 413 })
  })

  test('as they come, in chunks', async () => {
    const rig = await start({ bodyLimit: 1000 })
    const text = JSON.stringify(orderEvent())
    expect(await rig.send({ method: 'POST', path: '/order', chunks: Array.from(text) })).toMatchObject({ status: 200 })
    expect(
      await rig.send({ method: 'POST', path: '/order', chunks: Array.from({ length: 11 }, () => 'x'.repeat(100)) }),
    ).toMatchObject({ status: 413 })
  })

  test('declared as more than any number holds', async () => {
    const rig = await start()
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      encodeRequest({
        method: 'POST',
        path: `${rig.mount}/order`,
        headers: { Authorization: authorization, 'Content-Length': '9007199254740993' },
      }).head,
    )
    expect(await answer).toMatchObject({ status: 413 })
    connection.destroy()
  })
})

describe('uploads that do not come to an end', () => {
  const { wait } = clockForEach()
  const head = (rig: Rig, length: number, more = {}) =>
    encodeRequest({
      method: 'POST',
      path: `${rig.mount}/order`,
      headers: { ...json, Authorization: authorization, 'Content-Length': String(length), ...more },
    }).head

  test.each(['before the first byte', 'in the middle', 'in the middle of gzip', 'after a chunk'])(
    'stalled %s: 503',
    async (when) => {
      const rig = await start({ limits: { uploadIdleTimeoutMs: 60 } })
      const connection = rig.open()
      const answer = connection.answer()
      if (when === 'after a chunk') {
        connection.write(
          `POST ${rig.mount}/order HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
            'Transfer-Encoding: chunked\r\n\r\n5\r\n{"eve\r\n',
        )
      } else {
        const gzip = when.endsWith('gzip')
        connection.write(head(rig, 1000, gzip ? { 'Content-Encoding': 'gzip' } : {}))
        if (when !== 'before the first byte')
          connection.write(gzip ? gzipSync('x'.repeat(500)).subarray(0, 15) : '{"eventName"')
      }
      expect(await answer).toMatchObject({
        status: 503,
        json: { code: 'unavailable' },
        headers: { 'retry-after': '10', connection: 'close' },
      })
      expect(rig.records).toMatchObject([{ outcome: 'unavailable', answered: true, givenUp: false }])
      await connection.ended()
      connection.destroy()
    },
  )

  test('slow, but coming: delivered', async () => {
    const rig = await start({ limits: { uploadIdleTimeoutMs: 150 } })
    const connection = rig.open()
    const answer = connection.answer()
    const body = JSON.stringify(orderEvent())
    connection.write(head(rig, body.length))
    for (let at = 0; at < body.length; at += Math.ceil(body.length / 8)) {
      connection.write(body.slice(at, at + Math.ceil(body.length / 8)))
      await wait(100)
    }
    expect(await answer).toMatchObject({ status: 200 })
    connection.destroy()
  })

  test.each(['ends', 'breaks off', 'breaks off gzip'])(
    'a client that %s: nothing is called, the bytes are given back, the event may come again',
    async (how) => {
      const rig = await start({ bodyLimit: 1000, limits: { maxBytesInFlight: 1000 } })
      const body = JSON.stringify(orderEvent({ text: 'x'.repeat(700) }))
      for (let i = 1; i <= 5; i++) {
        const connection = rig.open()
        connection.socket.on('error', () => undefined)
        connection.write(head(rig, 900, how.endsWith('gzip') ? { 'Content-Encoding': 'gzip' } : {}))
        connection.write(how.endsWith('gzip') ? gzipSync(body).subarray(0, -4) : body.slice(0, 600))
        await wait(20)
        if (how === 'ends') connection.socket.end()
        else connection.destroy()
        if (how === 'ends') await connection.ended()
        await until(() => rig.records.length === i)
      }
      expect(rig.calls).toEqual([])
      if (how !== 'ends')
        expect(
          rig.records.every(({ outcome, answered, givenUp }) => outcome === 'unavailable' && !answered && !givenUp),
        ).toBe(true)
      expect(await rig.send({ method: 'POST', path: '/order', body })).toMatchObject({
        status: 200,
        json: { outcome: 'delivered' },
      })
    },
  )

  test('a client that hangs up once all is sent: the event is processed all the same', async () => {
    const [begun, left] = [deferred(), deferred()]
    const rig = await start({
      before: (app) =>
        app.use((_req, res, next) => {
          res.once('close', left.resolve)
          next()
        }),
      onOrder: () => {
        begun.resolve()
        return left.promise
      },
    })
    const body = JSON.stringify(orderEvent())
    const connection = rig.open()
    connection.write(Buffer.concat([head(rig, body.length), Buffer.from(body)]))
    await begun.promise
    connection.destroy()
    await until(() => rig.records.length === 1)
    expect(rig.records[0]).toMatchObject({ outcome: 'delivered', answered: false })
    expect(await rig.send({ method: 'POST', path: '/order', body })).toMatchObject({ json: { outcome: 'duplicate' } })
  })
})

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
    // An ID alone comes in as before.
    for (const method of ['GET', 'POST'])
      expect(await rig.send({ method, path: `/order/${orderId}` })).toMatchObject({ status: 200 })
    expect(rig.calls.at(-1)?.event).toMatchObject({ completeness: 'id-only', method: 'POST' })
    expect(
      await rig.send({ method: 'POST', path: '/order', headers: { ...json, 'Content-Length': '0' } }),
    ).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
  })

  test('a parser that takes other types only leaves the stream to us', async () => {
    // Express 4 sets `req.body = {}` here, beside the unread stream.
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
    const rig = await start({ before })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(rig.log).toMatchObject([
      { level: 'warn', line: expect.stringContaining('Mount the webhook before express.json()') },
    ])
    expect(rig.calls).toEqual([])
  })

  test('what a parser made deep or polluting is kept back or cleaned', async () => {
    const rig = await start({ before: (app) => app.use(express.json({ limit: '10mb' })) })
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

  // A snippet that stands in many apps, to have the raw body at hand.
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
    const connection = rig.open()
    const answer = connection.answer()
    const bytes = Buffer.from(body as string)
    connection.write(
      encodeRequest({
        method: 'POST',
        path: `${rig.mount}/order`,
        headers: { ...headers, Authorization: authorization, 'Content-Length': String(bytes.length) },
      }).head,
    )
    for (let at = 0; at < bytes.length; at += 64) {
      connection.write(bytes.subarray(at, at + 64))
      await pause(5)
    }
    return answer.finally(() => connection.destroy())
  }

  test('an app that has set an encoding on the request: delivered, or tried again', async () => {
    const rig = await start({ before: keepsRawBody, limits: { uploadIdleTimeoutMs: 500 } })
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
    const rig = await start({
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
    const rig = await start({
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

describe('many at once', () => {
  const body = (n: number, size: number): string => {
    const text = JSON.stringify(orderEvent({ orderId: `many-${n}`, text: '' }))
    return text.replace('"text":""', `"text":"${'x'.repeat(size - text.length)}"`)
  }

  test('more bytes than limits: { maxBytesInFlight: 503 } for the rest, and all is given back', async () => {
    const running = deferred()
    const rig = await start({ bodyLimit: 10_000, limits: { maxBytesInFlight: 25_000 }, onOrder: () => running.promise })
    const answers = Array.from({ length: 6 }, (_, n) =>
      rig.send({ method: 'POST', path: '/order', body: body(n, 10_000), headers: json }),
    )
    await until(() => rig.records.length === 4)
    expect(rig.records.every(({ outcome, givenUp }) => outcome === 'unavailable' && !givenUp)).toBe(true)
    running.resolve()
    expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([200, 200, 503, 503, 503, 503])
    const again = await Promise.all(
      Array.from({ length: 2 }, (_, n) =>
        rig.send({ method: 'POST', path: '/order', body: body(n, 10_000), headers: json }),
      ),
    )
    expect(again.map(({ status }) => status)).toEqual([200, 200])
  })

  test('what is inflated counts too', async () => {
    const [begun, running] = [deferred(), deferred()]
    const onOrder = (): Promise<void> => {
      begun.resolve()
      return running.promise
    }
    const rig = await start({ bodyLimit: 100_000, limits: { maxBytesInFlight: 150_000 }, onOrder })
    const send = (n: number): Promise<RawAnswer> =>
      rig.send({
        method: 'POST',
        path: '/order',
        body: gzipSync(body(n, 90_000)),
        headers: { ...json, 'Content-Encoding': 'gzip' },
      })
    const first = send(1)
    await begun.promise
    expect(await send(2)).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    running.resolve()
    expect(await first).toMatchObject({ status: 200 })
    expect(await send(3)).toMatchObject({ status: 200 })
  })

  test('uploads that grow together: at least one gets through, the others are tried again', async () => {
    const rig = await start({ bodyLimit: 10_000, limits: { maxBytesInFlight: 10_000 } })
    const connections: RawConnection[] = []
    const answers = Array.from({ length: 3 }, async (_, n) => {
      const connection = rig.open()
      connections.push(connection)
      const answer = connection.answer()
      const bytes = Buffer.from(body(n, 9_000))
      connection.write(
        encodeRequest({
          method: 'POST',
          path: `${rig.mount}/order`,
          headers: { ...json, Authorization: authorization, 'Transfer-Encoding': 'chunked' },
        }).head,
      )
      for (let at = 0; at < bytes.length; at += 1000) {
        connection.write(`3e8\r\n${bytes.toString('utf8', at, at + 1000)}\r\n`)
        await pause(3)
      }
      connection.write('0\r\n\r\n')
      return (await answer).status
    })
    const statuses = await Promise.all(answers)
    for (const connection of connections) connection.destroy()
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1)
    expect(statuses.every((status) => status === 200 || status === 503)).toBe(true)
    expect(await rig.send({ method: 'POST', path: '/order', body: body(9, 10_000), headers: json })).toMatchObject({
      status: 200,
    })
  })

  test('each way of failing gives its bytes back', async () => {
    const rig = await start({
      bodyLimit: 1000,
      limits: { maxBytesInFlight: 1000 },
      onOrder: () => {
        throw new Error('x')
      },
    })
    for (let i = 0; i < 5; i++) {
      expect(await rig.send({ method: 'POST', path: '/order', body: 'x'.repeat(1000), headers: json })).toMatchObject({
        status: 400,
      })
      expect(
        await rig.send({ method: 'POST', path: '/order', chunks: ['x'.repeat(600), 'x'.repeat(600)], headers: json }),
      ).toMatchObject({ status: 413 })
      expect(
        await rig.send({ method: 'POST', path: '/order', body: `{"eventName":"X"${' '.repeat(900)}}`, headers: json }),
      ).toMatchObject({ status: 200 })
      expect(await rig.send({ method: 'POST', path: '/order', body: body(1, 1000), headers: json })).toMatchObject({
        status: 503,
        json: { code: 'handler_failed' },
      })
      expect(
        await rig.send({
          method: 'POST',
          path: '/order',
          body: gzipSync('x'.repeat(900)).subarray(0, -5),
          headers: { ...json, 'Content-Encoding': 'gzip' },
        }),
      ).toMatchObject({ status: 400 })
    }
  })
})

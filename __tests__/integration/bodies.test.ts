/** The content of a body: damaged or unusual text, deviations from the schema, and the size limit. */
import { gzipSync } from 'node:zlib'
import {
  authorization,
  closeAll,
  fixture,
  orderEvent,
  orderId,
  startRig,
  startUnvalidated,
  type Loose,
} from './harness'
import { encodings, json } from './sent-bodies'

afterEach(closeAll)

describe('texts', () => {
  test('a byte order mark is skipped, in any wrapping', async () => {
    const rig = await startUnvalidated()
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
      const rig = await startUnvalidated()
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
    const rig = await startUnvalidated()
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
      const rig = await startUnvalidated({ validation })
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
    const rig = await startUnvalidated({ bodyLimit: 1000 })
    const text = JSON.stringify(orderEvent({ text: '' }))
    const sized = (size: number): string => text.replace('"text":""', `"text":"${'x'.repeat(size - text.length)}"`)
    expect(await rig.send({ method: 'POST', path: '/order', body: sized(1000) })).toMatchObject({ status: 200 })
    expect(await rig.send({ method: 'POST', path: '/order', body: sized(1001) })).toMatchObject({ status: 413 })
  })

  test('as they come, in chunks', async () => {
    const rig = await startUnvalidated({ bodyLimit: 1000 })
    const text = JSON.stringify(orderEvent())
    expect(await rig.send({ method: 'POST', path: '/order', chunks: Array.from(text) })).toMatchObject({ status: 200 })
    expect(
      await rig.send({ method: 'POST', path: '/order', chunks: Array.from({ length: 11 }, () => 'x'.repeat(100)) }),
    ).toMatchObject({ status: 413 })
  })

  test('declared as more than any number holds', async () => {
    const rig = await startUnvalidated()
    const { connection, answer } = rig.sendHead({ Authorization: authorization, 'Content-Length': '9007199254740993' })
    expect(await answer).toMatchObject({ status: 413 })
    connection.destroy()
  })
})

/**
 * Events as tXML, from the socket to the callback. A callback receives the same event as for JSON. XML that is not safe
 * is refused.
 */
import express from 'express'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  createTradecloudSimulator,
  orderDocumentsEvent,
  singleDeliveryOrderEvent,
  toTxml,
} from 'tradecloud-webhook/testing'
import {
  closeAll,
  credential,
  fixture,
  orderEvent,
  orderId,
  startRig,
  temporaryInbox,
  until,
  type Loose,
  type RawAnswer,
  type Rig,
} from './harness'

afterEach(closeAll)

const example = readFileSync(join(__dirname, '../fixtures/order-event.xml'))
const xml = { 'Content-Type': 'application/xml' }

function postXml(rig: Rig, body: string | Buffer, headers: Record<string, string> = xml): Promise<RawAnswer> {
  return rig.send({ method: 'POST', path: '/order', body, headers })
}

test('the documented example comes as the very event of its JSON twin', async () => {
  const rig = await startRig()
  const twin = fixture('order-event-of-xml')
  expect(await postXml(rig, example)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  expect((await rig.post(twin)).status).toBe(200)
  const [fromXml, fromJson] = rig.calls
  expect(fromXml?.event).toStrictEqual(fromJson?.event)
  expect(fromXml?.event).toMatchObject({ orderId, issues: [], version: 7, lineForm: 'deliverySchedule' })
  expect(fromXml?.event.affectedLines).toHaveLength(1)
  expect(fromXml?.context.rawBody?.equals(example)).toBe(true)
})

test.each([
  ['application/xml', xml],
  ['text/xml in UTF-8', { 'Content-Type': 'text/xml; charset=utf-8' }],
  ['no type', {}],
])('%s', async (_what, headers: Record<string, string>) => {
  const rig = await startRig()
  expect(await postXml(rig, example, headers)).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  // The same bytes are the same event, compressed or not.
  expect(await postXml(rig, example, headers)).toMatchObject({ json: { outcome: 'duplicate' } })
  const zipped = await postXml(rig, gzipSync(example), { ...headers, 'Content-Encoding': 'gzip' })
  expect(zipped).toMatchObject({ json: { outcome: 'duplicate' } })
  expect(rig.calls).toHaveLength(1)
})

test('the simulator sends tXML of every kind that Tradecloud offers it for', async () => {
  const rig = await startRig()
  const tradecloud = await createTradecloudSimulator()
  try {
    for (const event of [orderEvent(), singleDeliveryOrderEvent(), orderDocumentsEvent()]) {
      const trigger = { url: `${rig.url}/order`, auth: credential, event, format: 'txml' } as const
      expect(await tradecloud.send(trigger)).toMatchObject({ result: 'delivered' })
    }
    expect(rig.calls.map(({ callback }) => callback)).toEqual(['onOrder', 'onOrder', 'onOrderDocuments'])
    expect(rig.calls[1]?.event).toMatchObject({ lineForm: 'singleDelivery', issues: [] })
    expect(rig.calls[2]?.event.documents.length).toBeGreaterThan(0)
    expect(rig.calls[0]?.context.rawBody?.toString()).toMatch(/^<\?xml/)
    await expect(
      tradecloud.send({ url: `${rig.url}/order`, event: orderEvent(), format: 'xml' as 'txml' }),
    ).rejects.toThrow(TypeError)
  } finally {
    await tradecloud.close()
  }
})

const misfit = () => toTxml({ orderEvent: { orderId, version: 'seven', meta: { messageId: randomUUID() } } })

test('a value that does not fit stays text, and is an issue', async () => {
  const rig = await startRig()
  expect((await postXml(rig, misfit())).status).toBe(200)
  expect(rig.calls[0]?.event).toMatchObject({
    order: { version: 'seven' },
    issues: [{ pointer: '/orderEvent/version', message: 'must be number,null' }],
  })
})

test('text beside elements is an issue too, and in strict mode a refusal is for the schema alone', async () => {
  const mixed = `<B><eventName>X</eventName><orderEvent>lost<orderId>${orderId}</orderId></orderEvent></B>`
  const tolerant = await startRig()
  expect((await postXml(tolerant, mixed)).status).toBe(200)
  expect(tolerant.calls[0]?.event.issues).toEqual([
    { pointer: '/orderEvent', message: expect.stringContaining('left out') },
  ])
  const strict = await startRig({ validation: 'strict' })
  expect((await postXml(strict, mixed)).status).toBe(200)
  expect(await postXml(strict, misfit())).toMatchObject({ status: 400, json: { code: 'invalid_body' } })
})

test('an ID of another type than text is none', async () => {
  const rig = await startRig()
  const twice = '<B><orderEvent><orderId>1</orderId><orderId>2</orderId></orderEvent></B>'
  expect(await postXml(rig, twice)).toMatchObject({ status: 400, json: { code: 'invalid_body' } })
})

test.each([
  ['a DOCTYPE with an entity', '<!DOCTYPE B [<!ENTITY a "b">]><B>&a;</B>'],
  ['two roots', '<B/><B/>'],
  ['mismatched tags', '<B><a></B></a>'],
  ['another encoding', Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><B>\xe9</B>', 'latin1')],
  ['nesting too deep', `${'<a>'.repeat(101)}${'</a>'.repeat(101)}`],
])('%s: 400', async (_what, body) => {
  const rig = await startRig()
  expect(await postXml(rig, body)).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
  expect(rig.calls).toEqual([])
})

test('is stored as it came, read when it is delivered, and kept for a person when it cannot be read', async () => {
  const inbox = temporaryInbox()
  const rig = await startRig({ inbox })
  expect(await postXml(rig, example)).toMatchObject({ status: 202, json: { outcome: 'queued' } })
  await until(() => rig.calls.length === 1)
  expect(rig.calls[0]?.event.order).toEqual(fixture('order-event-of-xml').orderEvent)
  expect(rig.calls[0]?.context.rawBody?.equals(example)).toBe(true)
  expect(await postXml(rig, '<B><a>')).toMatchObject({ status: 202, json: { outcome: 'quarantined' } })
  expect((await inbox.stats()).quarantined).toBe(1)
})

describe('an app that reads the body first', () => {
  test.each<[string, () => express.RequestHandler]>([
    ['as text', () => express.text({ type: '*/xml' })],
    ['as bytes', () => express.raw({ type: '*/xml' })],
  ])('%s: taken as it is', async (_what, parser) => {
    const rig = await startRig({ before: (app) => app.use(parser()) })
    expect((await postXml(rig, example)).status).toBe(200)
    expect(rig.calls[0]?.event.order.lines[0].buyerLine.position).toBe('0010')
  })

  test('with an XML parser of its own: 503, and the log names the mistake', async () => {
    const rig = await startRig({
      before: (app) =>
        app.use(express.text({ type: '*/xml' }), (req: Loose, _res: unknown, next: () => void) => {
          req.body = { webhookbody: { orderevent: [{ orderid: ['1'] }] } }
          next()
        }),
    })
    expect(await postXml(rig, example)).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(rig.log[0]?.line).toContain('before express.json()')
  })
})

test('tXML may be twice as long as JSON, unless the limit was given', async () => {
  const spaces = Buffer.alloc(65 * 1024 * 1024, ' ')
  const long = Buffer.concat([example, spaces])
  const rig = await startRig()
  expect((await postXml(rig, long)).status).toBe(200)
  const limited = await startRig({ bodyLimit: 64 * 1024 * 1024 })
  expect(await postXml(limited, long)).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
})

/**
 * Large bodies are read in slices. Meanwhile other events are delivered; events of the same order or shipment are
 * delivered afterwards; and the same rules apply as for small bodies.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { maximumOrderEvent, toTxml } from 'tradecloud-webhook/testing'
import { LARGE_BYTES, parseBytes } from '../../lib/receive/body/parse-body'
import { Pieces } from '../../lib/bytes/pieces'
import {
  authorization,
  closeAll,
  deferred,
  orderEvent,
  startRig,
  temporaryInbox,
  until,
  type Loose,
  type Rig,
} from '../integration/harness'

afterEach(closeAll)

const large = (orderId: string, lines = 25): Loose => maximumOrderEvent({ orderId, lines }) as Loose
const json = (body: unknown): Buffer => Buffer.from(JSON.stringify(body))
const small = (orderId: string): Loose => orderEvent({ orderId })

/** Calls the webhook with a request whose body has already arrived, so that it is read at once. */
function inject(
  { webhook }: Rig,
  body: Buffer | undefined,
  more: Loose = {},
): Promise<{ status: number; json: Loose }> {
  const req = new IncomingMessage({ remoteAddress: '127.0.0.1' } as unknown as Socket)
  const headers = { authorization, ...(body && { 'content-length': String(body.length) }) }
  Object.assign(req, { method: 'POST', url: '/order', headers, complete: true, body, ...more })
  Object.defineProperty(req, 'readableEnded', { value: true })
  const res = new ServerResponse(req)
  const socket = new PassThrough()
  res.assignSocket(socket as unknown as Socket)
  const { promise, resolve } = deferred<{ status: number; json: Loose }>()
  res.once('finish', () => {
    const text = String(socket.read())
    resolve({ status: res.statusCode, json: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) })
  })
  webhook.listener(req, res)
  return promise
}

const calledFor = (rig: Rig): string[] => rig.calls.map(({ event }) => event.orderId)

describe.each([
  ['before the answer', false],
  ['from an inbox', true],
])('delivered %s', (_, withInbox) => {
  const start = async (more = {}): Promise<Rig> => {
    const rig = await startRig({ ...more, ...(withInbox && { inbox: temporaryInbox() }) })
    await rig.webhook.ready()
    return rig
  }

  test.each([
    ['JSON', (body: Loose) => json(body), {}],
    ['compressed JSON', (body: Loose) => gzipSync(json(body), { level: 1 }), { 'Content-Encoding': 'gzip' }],
    ['tXML', (body: Loose) => Buffer.from(toTxml(body)), { 'Content-Type': 'application/xml' }],
  ])('%s: the event is that of the whole body', async (_, encode: (body: Loose) => Buffer, headers: object) => {
    const rig = await start()
    const body = large('ø "1"\\')
    body.orderEvent.lines[3].id = { not: 'a text' }
    body.orderEvent.lines[20].buyerLine.position = 5
    body.orderEvent.version = 'not a number'
    const bytes = encode(body)
    const answer = await rig.send({ method: 'POST', path: '/order', body: bytes, headers: { ...headers } })
    expect(answer.status).toBe(withInbox ? 202 : 200)
    await until(() => rig.calls.length === 1)
    const { event, context } = rig.calls[0]!
    expect(context.rawBody!.length).toBeGreaterThan(LARGE_BYTES)
    if (bytes[0] !== 0x3c) {
      expect(event.order).toEqual(JSON.parse(JSON.stringify(body.orderEvent)))
      expect(event.issues.map(({ pointer }: Loose) => pointer)).toEqual([
        ...['/orderEvent/version', '/orderEvent/lines/3/id', '/orderEvent/lines/20/buyerLine/position'].sort(
          (a, b) => positionOf(event.issues, a) - positionOf(event.issues, b),
        ),
      ])
    } else expect(event.order.lines).toHaveLength(25)
  })

  test.each([
    ['JSON', (body: Loose) => json(body)],
    ['tXML', (body: Loose) => Buffer.from(toTxml(body))],
    [
      'JSON whose ID stands behind the lines',
      ({ eventName, orderEvent: { orderId, ...rest } }: Loose) => json({ eventName, orderEvent: { ...rest, orderId } }),
    ],
  ])('%s: what comes after it for the same order is delivered after it', async (_, encode) => {
    const rig = await start()
    const answers: Array<ReturnType<typeof inject>> = []
    for (const body of [encode(large('A')), json(small('A')), encode(large('A', 13))]) {
      answers.push(inject(rig, body))
      await new Promise(setImmediate)
    }
    answers.push(inject(rig, undefined, { method: 'GET', url: '/order/A' }))
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([withInbox ? 202 : 200]))
    await until(() => rig.calls.length === 4)
    expect(rig.calls.map(({ event }) => event.affectedLines?.length)).toEqual([25, 0, 13, undefined])
  })

  test('two for different orders are both delivered', async () => {
    const rig = await start()
    await Promise.all([inject(rig, json(large('A'))), inject(rig, json(large('B', 26)))])
    await until(() => rig.calls.length === 2)
    expect(calledFor(rig).sort()).toEqual(['A', 'B'])
  })

  test('what no one waits for any more is not delivered, and holds nothing up', async () => {
    const rig = await start({ answerTimeoutMs: 5 })
    const [first] = await Promise.all([inject(rig, json(large('A', 50))), inject(rig, json(small('A')))])
    expect(first).toMatchObject({ status: 504 })
    expect(rig.records).toContainEqual(
      expect.objectContaining({ outcome: 'answer_timeout', bodyBytes: json(large('A', 50)).length }),
    )
    await until(async () => (await inject(rig, json(small('B')))).status < 300)
    await until(() => calledFor(rig).includes('B'))
    expect(rig.calls.filter(({ event }) => event.affectedLines.length > 0)).toEqual([])
  })
})

function positionOf(issues: Loose[], pointer: string): number {
  return issues.findIndex((issue) => issue.pointer === pointer)
}

test('other events are delivered meanwhile', async () => {
  const rig = await startRig()
  await Promise.all([inject(rig, json(large('A'))), inject(rig, json(small('B')))])
  expect(calledFor(rig)).toEqual(['B', 'A'])
})

test('closing waits for it', async () => {
  const rig = await startRig({ closeTimeoutMs: 60_000 })
  const answer = inject(rig, json(large('A')))
  await rig.webhook.close()
  expect(await answer).toMatchObject({ status: 200 })
  expect(calledFor(rig)).toEqual(['A'])
})

test('closing ends what takes too long, and nothing is delivered after that', async () => {
  const rig = await startRig()
  const answer = inject(rig, json(large('A', 50)))
  await rig.webhook.close({ timeoutMs: 0 })
  const { status } = await answer
  expect([200, 503]).toContain(status)
  expect(rig.calls).toHaveLength(status === 200 ? 1 : 0)
})

test('a client that hangs up after the last byte changes nothing', async () => {
  const rig = await startRig()
  const body = json(large('A'))
  const connection = rig.open()
  connection.write(
    Buffer.concat([
      Buffer.from(
        `POST ${rig.mount}/order HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ]),
  )
  await until(() => rig.calls.length === 1)
  connection.destroy()
  expect(calledFor(rig)).toEqual(['A'])
})

test('one that is malformed near its end is refused with the position', async () => {
  const rig = await startRig()
  const body = json(large('A'))
  const place = body.length - 100
  body[place] = 0x01
  expect(await inject(rig, body)).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
  expect(rig.calls).toEqual([])
})

test('strict validation refuses it with the same issues', async () => {
  const rig = await startRig({ validation: 'strict' })
  const body = large('A')
  for (const line of body.orderEvent.lines) line.id = 5
  const { status, json: problem } = await inject(rig, json(body))
  expect(status).toBe(400)
  expect(problem.issues).toHaveLength(21)
  expect(problem.issues[19].pointer).toBe('/orderEvent/lines/19/id')
})

test('smaller bodies are read at once', () => {
  const body = json(small('A'))
  expect(parseBytes(Pieces.of(body), 'json')).not.toBeInstanceOf(Promise)
  expect(parseBytes(Pieces.of(json(large('A'))), 'json')).toBeInstanceOf(Promise)
})

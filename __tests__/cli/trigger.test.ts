/** `trigger`, against real servers of the webhook. */
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createTradecloudWebhook, type TradecloudWebhookOptions } from '../../lib'
import { EVENT_NAMES } from '../../lib/cli/trigger/event'
import { setAt } from '../../lib/cli/trigger/pointer'
import { cleanUp, cli, newFolder, onClose, onTerminal } from './cli'

const SECRET = 's3cr3t-canary'
const BASIC = ['--basic', 'me']
const env = { WEBHOOK_PASSWORD: SECRET, WEBHOOK_TOKEN: SECRET }

interface Received {
  kind: string
  eventName?: string | undefined
  method: string
  issues: unknown[]
  lineForm?: string
  orderId?: string
  shipmentId?: string
  order?: { lines?: unknown[]; buyerOrder?: { contact?: { email?: string } } }
}

/** Starts a webhook, and resolves with its URL and the events that its callbacks receive. */
async function start(options: Partial<TradecloudWebhookOptions> = {}) {
  const events: Received[] = []
  const note = (event: unknown) => void events.push(event as Received)
  const webhook = createTradecloudWebhook({
    auth: [
      { type: 'basic', username: 'me', password: SECRET },
      { type: 'bearer', token: SECRET },
    ],
    ...{
      onOrder: note,
      onOrderDocuments: note,
      onShipment: note,
      logger: { warn: () => undefined, error: () => undefined },
    },
    ...options,
  })
  onClose(() => webhook.close())
  return { url: await listen((req, res) => webhook.listener(req, res)), events }
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onClose(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(cleanUp)

test('each of the 67 names is accepted with no issue, as an event of its own', async () => {
  expect(EVENT_NAMES).toHaveLength(67)
  const { url, events } = await start()
  const names = [...EVENT_NAMES]
  const sendNext = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const { code, err, out } = await cli(['trigger', name, '--to', url, ...BASIC, '--json'], { env })
      expect([name, code, out, err]).toEqual([
        name,
        0,
        expect.stringContaining('"status":200,"verdict":"delivered"'),
        '',
      ])
    }
  }
  await Promise.all([sendNext(), sendNext(), sendNext()])
  expect(events.map(({ eventName }) => eventName).sort()).toEqual([...EVENT_NAMES].sort())
  expect(events.filter(({ issues }) => issues.length > 0)).toEqual([])
  expect(new Set(events.map(({ orderId, shipmentId }) => orderId ?? shipmentId)).size).toBe(67)
})

test('what is made up can be chosen: ID, lines, form, values', async () => {
  const { url, events } = await start()
  const send = (...words: string[]) => cli(['trigger', ...words, '--to', url, '--bearer'], { env })
  const contact = ['--set', '/singleDeliveryOrderEvent/buyerOrder/contact={"email":"a@b.example"}']
  const words = ['--order-id', 'PO1', '--lines', '3', '--form', 'singleDelivery', ...contact]
  expect((await send('OrderIssuedByBuyer', ...words, '--method', 'PUT')).code).toBe(0)
  expect(events).toMatchObject([{ orderId: 'PO1', lineForm: 'singleDelivery', method: 'PUT', issues: [] }])
  expect(events[0]?.order?.lines).toHaveLength(3)
  expect(events[0]?.order?.buyerOrder?.contact?.email).toBe('a@b.example')
  expect((await send('ShipmentIssuedBySupplier', '--shipment-id', 'S1')).code).toBe(0)
  expect(events[1]).toMatchObject({ kind: 'shipment', shipmentId: 'S1', issues: [] })
})

test('tXML, for orders and order documents', async () => {
  const { url, events } = await start()
  const send = (name: string) => cli(['trigger', name, '--to', url, ...BASIC, '--format', 'txml'], { env })
  for (const name of ['OrderIssuedByBuyer', 'OrderDocumentsAttachedByBuyer']) expect((await send(name)).code).toBe(0)
  expect(events).toMatchObject([{ issues: [] }, { issues: [] }])
  expect(await send('ShipmentIssuedBySupplier')).toMatchObject({ code: 2, err: expect.stringContaining('only') })
})

test('GET sends only the ID', async () => {
  const { url, events } = await start()
  const words = ['trigger', 'OrderIssuedByBuyer', '--method', 'GET', ...BASIC, '--order-id', 'PO#1/2']
  const { code } = await cli([...words, '--to', `${url}/order/{orderId}`], { env })
  expect([code, events]).toEqual([0, [expect.objectContaining({ method: 'GET', orderId: 'PO#1/2' })]])
  expect((await cli([...words, '--to', `${url}/order`], { env })).err).toContain('put {orderId} into the URL')
})

test('a body out of a file or from stdin, as it is or changed', async () => {
  const { url, events } = await start()
  const printed = await cli(['trigger', 'OrderIssuedByBuyer', '--seed', '7', '--print'])
  const file = join(newFolder(), 'body.json')
  writeFileSync(file, printed.raw)
  expect((await cli(['trigger', file, '--to', url, ...BASIC], { env })).code).toBe(0)
  const input = printed.out
  expect((await cli(['trigger', '-', '--to', url, ...BASIC], { env, input })).out).toContain('"outcome":"duplicate"')
  const set = ['--set', '/orderEvent/orderId=PO9']
  expect((await cli(['trigger', '-', '--to', url, ...BASIC, ...set], { env, input })).code).toBe(0)
  expect(events.map(({ orderId }) => orderId)).toEqual([JSON.parse(input).orderEvent.orderId, 'PO9'])
  expect((await cli(['trigger', 'OrderIssuedByBuyer', '--seed', '7', '--print'])).out).toBe(input)
  expect((await cli(['trigger', 'OrderIssuedByBuyer', '--print'])).out).not.toBe(input)
  const broken = await cli(['trigger', '-', '--to', url, ...BASIC], { env, input: '{"orderEvent":' })
  expect([broken.code, broken.out]).toEqual([1, expect.stringContaining('malformed_body')])
})

test('--times sends the same bytes again', async () => {
  const { url, events } = await start()
  const { out, code } = await cli(['trigger', 'OrderIssuedByBuyer', '--to', url, ...BASIC, '--times', '3', '--json'], {
    env,
  })
  const outcomes = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(JSON.parse(line).body).outcome as string)
  expect([code, outcomes, events.length]).toEqual([0, ['delivered', 'duplicate', 'duplicate'], 1])
})

test('exit codes: 1 given up, with the response; 3 to be sent again, or no response', async () => {
  const answering = (status: number) =>
    listen((req, res) => void req.resume().on('end', () => res.writeHead(status).end('why\u001b[2J')))
  const send = (to: string) => cli(['trigger', 'OrderIssuedByBuyer', '--to', to])
  const { url } = await start()
  const refused = await send(url)
  expect([refused.code, refused.out]).toEqual([
    1,
    expect.stringMatching(/^401 in .*\n.*unauthorized.*\nTradecloud would not send/),
  ])
  for (const [status, exit] of [
    [204, 0],
    [302, 1],
    [400, 1],
    [500, 1],
    [501, 3],
    [503, 3],
  ] as const) {
    const { code, out } = await send(await answering(status))
    expect([status, code, out.includes('\u001b')]).toEqual([status, exit, false])
    expect(out.includes('would not send this event again')).toBe(exit === 1)
    expect(out.includes('would send this event again later')).toBe(exit === 3)
  }
  expect(await send('http://127.0.0.1:1')).toMatchObject({
    code: 3,
    out: expect.stringMatching(/^no response: .*ECONNREFUSED/),
  })
})

test('another machine: asked for once, or refused without a terminal', async () => {
  const words = ['trigger', 'OrderIssuedByBuyer', '--to', 'http://erp.invalid/x']
  expect(await cli(words)).toMatchObject({
    code: 2,
    err: expect.stringContaining('erp.invalid is not this machine: confirm with --yes.'),
  })
  const asked = await onTerminal(words, { answers: ['n'] })
  expect([asked.code, asked.out]).toEqual([1, expect.stringContaining('Send a made-up event to erp.invalid? [y/N]')])
  expect((await cli([...words, '--yes'])).code).toBe(3)
})

test('secrets: from the environment or a prompt, and never shown', async () => {
  const { url } = await start()
  const words = ['trigger', 'OrderIssuedByBuyer', '--to', url]
  const prompted = await onTerminal([...words, ...BASIC], { answers: [SECRET] })
  expect([prompted.code, prompted.out]).toEqual([0, expect.stringContaining('Password: ')])
  const outputs = [prompted]
  for (const auth of [BASIC, ['--bearer']]) {
    outputs.push(await cli([...words, ...auth], { env }), await cli([...words, ...auth, '--json'], { env }))
    outputs.push(await cli([...words, ...auth, '--print'], { env }))
    const without = await cli([...words, ...auth])
    expect([without.code, without.err]).toEqual([2, expect.stringContaining('there is no terminal to prompt on')])
    outputs.push(
      await cli([...words, ...auth], { env: { WEBHOOK_PASSWORD: `${SECRET}\n`, WEBHOOK_TOKEN: `${SECRET}\n` } }),
    )
  }
  for (const wrong of [
    ['--basic', `me:${SECRET}`],
    ['--to', `http://me:${SECRET}@localhost/`],
    ['--to', `me:${SECRET}@localhost`],
  ]) {
    const refused = await cli([...words, ...wrong], { env })
    expect(refused.code).toBe(2)
    outputs.push(refused)
  }
  for (const { out, err } of outputs) {
    expect(`${out}${err}`).not.toContain(SECRET)
    expect(`${out}${err}`).not.toContain(Buffer.from(`me:${SECRET}`).toString('base64'))
  }
})

test.each([
  [[], 'takes one event name, one file, or -'],
  [['OrderIssuedByBuyer'], 'The URL of the webhook is missing'],
  [
    ['OrderIssuedByBuyr', '--to', 'http://localhost'],
    'is neither a file nor one of the event names that trigger --help lists: did you mean OrderIssuedByBuyer?',
  ],
  [['OrderIssuedByBuyer', '--to', 'ftp://localhost'], 'must be an http: or https: URL'],
  [['OrderIssuedByBuyer', '--to', 'http://localhost/{shipmentId}'], 'has {shipmentId}, but the event has none'],
  [['OrderIssuedByBuyer', '--to', 'http://localhost', '--lines', '501'], '--lines is 501'],
  [['OrderIssuedByBuyer', '--to', 'http://localhost', '--shipment-id', 'x'], 'is about an order: use --order-id'],
  [['ShipmentIssuedBySupplier', '--to', 'http://localhost', '--form', 'singleDelivery'], '--form is for order events'],
  [['OrderIssuedByBuyer', '--to', 'http://localhost', '--basic', 'a', '--bearer'], 'exclude each other'],
  [['OrderIssuedByBuyer', '--to', 'http://localhost', '--method', 'DELETE'], '--method is DELETE'],
  [['OrderIssuedByBuyer', '--to', 'http://localhost', '--set', 'a=b'], 'must have the form /pointer=value'],
  [
    ['OrderIssuedByBuyer', '--to', 'http://localhost', '--set', '/eventName/a=b'],
    'eventName is neither an object nor a list',
  ],
])('wrong usage: %j', async (words, message) => {
  expect(await cli(['trigger', ...words])).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
})

test('--set: JSON or text, missing objects, lists, escapes, and no way to a prototype', () => {
  const body = { a: [{ b: 1 }], 'x/y': { 'm~n': 1 } }
  for (const one of ['/a/0/b=2', '/a/-=three', '/x~1y/m~0n="4"', '/new/deep=null', '/__proto__/polluted=1', '/e=a=b'])
    setAt(body, one)
  expect(JSON.parse(JSON.stringify(body))).toEqual(
    JSON.parse('{"a":[{"b":2},"three"],"x/y":{"m~n":"4"},"new":{"deep":null},"__proto__":{"polluted":1},"e":"a=b"}'),
  )
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
  expect(() => setAt(body, '/a/5=1')).toThrow('5 is not an index in a list of 2')
})

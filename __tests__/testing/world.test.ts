/**
 * The simulator's orders and shipments: the API, its lists and the events show the same changes. Tests that send
 * something use real sockets.
 */
import { identify, readEvent } from '../../lib/receive/event/read-event'
import {
  createTradecloudSimulator,
  order,
  shipment,
  type PollBehaviour,
  type TradecloudSimulator,
} from '../../lib/testing'
import { createValidator } from '../../lib/events/validate'
import { ask, basicUser, bearer, login } from './simulator-client'
import { startReceiver } from './simulator-receiver'

const START = new Date('2026-11-02T10:00:00.000Z')
const at = (ms: number) => new Date(START.getTime() + ms).toISOString()
const ORDERS = '/order-search/poll'
const MINUTE = 60_000

let tradecloud: TradecloudSimulator

async function restart(poll: PollBehaviour = {}) {
  await (tradecloud as TradecloudSimulator | undefined)?.close()
  tradecloud = await createTradecloudSimulator({ startAt: START, rateLimit: false, poll })
  return tradecloud
}

beforeEach(() => restart())

afterEach(() => tradecloud.close())

async function poll(path = ORDERS, query: object = {}) {
  const { status, text, headers } = await ask(tradecloud.baseUrl + path, {
    method: 'POST',
    headers: basicUser,
    body: JSON.stringify(query),
  })
  return { status, date: headers.date, ...JSON.parse(text) }
}

async function get(path: string) {
  const { access } = await login(tradecloud)
  const { status, text } = await ask(tradecloud.baseUrl + path, { headers: bearer(access) })
  return status === 200 ? JSON.parse(text) : status
}

const idsIn = ({ data }: { data: Array<{ id: string }> }) => data.map(({ id }) => id)

describe('a change of an order', () => {
  test('shows in GET, in both lists and in the event, at the time of the clock', async () => {
    const { world, clock } = tradecloud
    const whole = order({ seed: 7, lines: 3, deliveries: 2 })
    clock.advance(1_500)
    const [first, second] = whole.lines.map(({ id }) => id ?? '')
    const before = structuredClone(whole)
    const change = world.change(whole, {
      lines: [{ id: first ?? '', status: { processStatus: 'Rejected' } }, second ?? ''],
    })
    expect(change).toMatchObject({ id: whole.id, lastUpdatedAt: at(1_500), lineIds: [first, second] })
    const shown = await get(`/order/${encodeURIComponent(whole.id)}`)
    expect(shown).toMatchObject({ id: whole.id, version: 2, lastUpdatedAt: at(1_500) })
    expect(shown.lines.map(({ lastUpdatedAt }: { lastUpdatedAt: string }) => lastUpdatedAt)).toEqual([
      at(1_500),
      at(1_500),
      whole.lines[2]?.lastUpdatedAt,
    ])
    expect(shown.lines[0].status).toEqual({ processStatus: 'Rejected', logisticsStatus: 'Open' })
    expect(shown.lines[1].buyerLine.description).toBe('change 1')
    expect((await poll()).data).toEqual([shown])
    const single = (await poll(`${ORDERS}/single-delivery`)).data[0]
    expect(single.lines.map(({ id }: { id: string }) => id)).toEqual(whole.lines.flatMap(({ id }) => [id, id]))
    expect(single.lines[1]).toMatchObject({
      buyerLine: { originalPosition: '0010' },
      statusLine: { scheduledDelivery: { quantity: whole.lines[0]?.deliverySchedule?.[1]?.quantity } },
    })
    const [event] = world.due()
    const { id, lines, ...header } = shown
    expect(event?.body).toMatchObject({
      eventName: 'OrderLinesUpdatedBySupplier',
      orderEvent: { orderId: id, ...header, lines: lines.slice(0, 2) },
    })
    expect(world.due()).toEqual([])
    expect(whole).toEqual(before)
  })

  test.each([
    ['deliverySchedule', 'orderEvent'],
    ['singleDelivery', 'singleDeliveryOrderEvent'],
  ] as const)('in form %s has an event that fits its schema', (form, field) => {
    const whole = order({ seed: 3, lines: 2, deliveries: 2 })
    tradecloud.world.change(whole, { lines: [whole.lines[0]?.id ?? ''], form })
    const body = tradecloud.world.due()[0]?.body as Record<string, { lines: unknown[] }>
    expect(createValidator('tolerant').deviations('orderWebhookBody', body)).toEqual([])
    expect(body[field]?.lines).toHaveLength(form === 'singleDelivery' ? 2 : 1)
    const identified = identify(body)
    if (!identified.ok) throw new Error('not an event')
    expect(readEvent(identified, 'POST', undefined, [])).toMatchObject({
      identified: true,
      event: { kind: 'order', lineForm: form, orderId: whole.id },
    })
  })

  test('of the header alone has an event without lines, and leaves the times of the lines', async () => {
    const { world, clock } = tradecloud
    world.change('o', { lines: ['a'] })
    clock.advance(10)
    world.change('o')
    expect(world.due().map(({ body }) => body)).toMatchObject([
      { orderEvent: { lines: [{ id: 'a' }] } },
      { orderEvent: { lines: [], lastUpdatedAt: at(10), buyerOrder: { description: 'change 2' } } },
    ])
    expect(world.order('o')).toMatchObject({ lastUpdatedAt: at(10), lines: [{ id: 'a', lastUpdatedAt: at(0) }] })
  })

  test('can leave out the time of its lines, and be of long ago', async () => {
    const { world } = tradecloud
    world.change('o', { lines: ['a'], agoMs: MINUTE })
    expect(world.order('o')?.lastUpdatedAt).toBe(at(-MINUTE))
    world.change('o', { lines: ['a', 'b'], timed: false })
    expect(world.order('o')?.lines).toEqual([
      { id: 'a', buyerLine: { description: 'change 2' } },
      { id: 'b', buyerLine: { description: 'change 2' } },
    ])
  })

  test('that attaches a document has a documents event, of the order or of a line', () => {
    const { world } = tradecloud
    world.change('o', { eventName: 'OrderDocumentsAttachedBySupplier' })
    world.change('o', { eventName: 'OrderDocumentsAttachedBySupplier', lines: ['a'] })
    expect(world.due().map(({ body }) => body)).toMatchObject([
      { orderDocumentsEvent: { orderId: 'o', supplierOrder: { documents: [{ code: 'DOC-1' }] }, lines: [] } },
      { orderDocumentsEvent: { lines: [{ id: 'a', supplierLine: { documents: [{ code: 'DOC-2' }] } }] } },
    ])
    expect(world.order('o')).toMatchObject({ supplierOrder: { documents: [{ code: 'DOC-1' }] } })
  })

  test('does not change what was there before: the event shows the order of its own time', () => {
    const { world } = tradecloud
    world.change('o', { lines: [{ id: 'a', reason: 'one' }], deliver: 'delay', delayMs: MINUTE })
    world.change('o', { lines: [{ id: 'a', reason: 'two' }], deliver: 'lose' })
    tradecloud.clock.advance(MINUTE)
    expect(world.due()).toMatchObject([{ body: { orderEvent: { version: 1, lines: [{ reason: 'one' }] } } }])
  })

  test.each([
    [{ deliver: 'never' }, 'never'],
    [{ visibleAfterMs: -1 }, 'visibleAfterMs'],
    [{ delayMs: -1 }, 'delayMs'],
    [{ method: 'PUT' }, 'PUT'],
    [{ line: [] }, 'line'],
  ])('is refused with %j', (change, named) => {
    expect(() => tradecloud.world.change('o', change as object)).toThrow(named)
    expect(() => tradecloud.world.change('', {})).toThrow('id')
  })
})

test('a change of a shipment shows in GET, in its list and in the event', async () => {
  const { world } = tradecloud
  const whole = shipment({ seed: 2 })
  world.changeShipment(whole, {
    eventName: 'ShipmentApprovedByBuyer',
    header: { status: { processStatus: 'Approved' } },
  })
  const shown = await get(`/shipment/${whole.id}`)
  expect(shown).toEqual({
    ...whole,
    status: { processStatus: 'Approved' },
    meta: { ...whole.meta, lastUpdatedAt: at(0) },
  })
  expect((await poll('/shipment/poll')).data).toEqual([shown])
  expect(world.due()).toMatchObject([{ body: { eventName: 'ShipmentApprovedByBuyer', shipment: shown } }])
  expect(world.shipment(whole.id)).toEqual(shown)
})

describe('what becomes of an event', () => {
  test('it is sent now, later, twice or never', () => {
    const { world, clock } = tradecloud
    for (const deliver of ['send', 'lose', 'none', 'twice', 'delay'] as const)
      world.change(deliver, { deliver, delayMs: MINUTE })
    const due = () => world.due().map(({ change }) => change.id)
    expect(due()).toEqual(['send', 'twice'])
    expect(world.nextDueAt).toBe(START.getTime() + MINUTE)
    clock.advance(MINUTE - 1)
    expect(due()).toEqual([])
    clock.advance(1)
    expect(due()).toEqual(['twice', 'delay'])
    expect(world.nextDueAt).toBeUndefined()
  })

  test('the webhook gets what is due, the earliest first, as POST or as GET', async () => {
    const receiver = await startReceiver()
    const { world, clock } = tradecloud
    world.change('late', { deliver: 'delay', delayMs: 2 * MINUTE })
    world.change('o', { lines: ['a'] })
    clock.advance(MINUTE)
    world.change('o/2', { method: 'GET' })
    world.changeShipment('s', { method: 'GET' })
    const report = await world.deliver(({ method, change }) => ({
      url: method === 'POST' ? receiver.url : `${receiver.url}/${change.kind}/{${change.kind}Id}`,
    }))
    expect(report.delivered).toHaveLength(3)
    expect(receiver.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /',
      'GET /order/o%2F2',
      'GET /shipment/s',
    ])
    expect(JSON.parse(String(receiver.received[0]?.body))).toMatchObject({ orderEvent: { orderId: 'o' } })
    expect(await world.deliver({ url: receiver.url })).toMatchObject({ sent: [] })
    await receiver.stop()
  })
})

describe('the API', () => {
  test('shows a change once it is visible, with all changes before it', async () => {
    const { world, clock } = tradecloud
    world.change('o', { lines: ['a'], visibleAfterMs: MINUTE })
    expect(await get('/order/o')).toBe(404)
    expect((await poll()).data).toEqual([])
    clock.advance(MINUTE)
    expect((await get('/order/o')).version).toBe(1)
    world.change('o', { lines: ['b'], visibleAfterMs: MINUTE })
    world.change('o', { lines: ['c'] })
    expect(await get('/order/o')).toMatchObject({ version: 3, lines: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] })
  })

  test.each([
    ['asc', ['b', 'c', 'a']],
    ['desc', ['a', 'c', 'b']],
    ['id', ['a', 'b', 'c']],
  ] as const)('lists by %s, with the newest time', async (sort, ids) => {
    const own = await restart({ sort })
    for (const id of ['b', 'c', 'a']) {
      own.world.change(id)
      own.clock.advance(1)
    }
    const answer = await poll()
    expect(idsIn(answer)).toEqual(ids)
    expect(answer.lastUpdatedAt).toBe(at(2))
  })

  test('shows in a list that lags what was, and in GET what is', async () => {
    let lag = MINUTE
    const own = await restart({ listLagMs: () => lag })
    own.world.change('o', { lines: ['a'] })
    own.clock.advance(MINUTE)
    own.world.change('o', { lines: ['b'] })
    expect((await poll()).data).toMatchObject([{ version: 1 }])
    lag = 0
    expect((await poll()).data).toMatchObject([{ version: 2 }])
  })

  test('refuses an offset above maxOffset', async () => {
    await restart({ maxOffset: 10 })
    const statusOf = async (offset: number) => (await poll(ORDERS, { offset })).status
    expect([await statusOf(10), await statusOf(11)]).toEqual([200, 400])
  })

  test('goes by its own clock, which can be wrong', async () => {
    const { world, clock } = tradecloud
    clock.skew(-3_600_000)
    const { lastUpdatedAt } = world.change('o', { visibleAfterMs: MINUTE })
    expect(lastUpdatedAt).toBe(at(-3_600_000))
    clock.advance(MINUTE)
    expect(await poll()).toMatchObject({ lastUpdatedAt, date: 'Mon, 02 Nov 2026 09:01:00 GMT' })
    expect(() => clock.skew(NaN)).toThrow('NaN')
  })

  test.each([
    [{ sort: 'up' }, 'up'],
    [{ listLagMs: -1 }, 'listLagMs'],
    [{ maxOffset: 0.5 }, 'maxOffset'],
    [{ order: 1 }, 'order'],
  ])('refuses poll: %j', async (options, named) => {
    await expect(createTradecloudSimulator({ poll: options as object })).rejects.toThrow(named)
  })
})

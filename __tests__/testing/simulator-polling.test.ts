/** Polling the simulated API: which entities it returns, in which order, and with which times. Uses real sockets. */
import { createTradecloudSimulator, type TradecloudSimulator } from '../../lib/testing/simulator'
import { ask, basicUser, bearer, login } from './simulator-client'
import { basic } from './simulator-receiver'

const ORDERS = '/order-search/poll'
const SINGLE = '/order-search/poll/single-delivery'
const SHIPMENTS = '/shipment/poll'

let tradecloud: TradecloudSimulator

beforeEach(async () => {
  tradecloud = await createTradecloudSimulator({ startAt: new Date('2025-04-23T10:00:00Z'), rateLimit: false })
})

afterEach(() => tradecloud.close())

async function poll(path: string, query: unknown = {}, headers: Record<string, string> = basicUser, from = tradecloud) {
  const body = typeof query === 'string' ? query : JSON.stringify(query)
  const { status, text } = await ask(from.baseUrl + path, { method: 'POST', headers, body })
  const answer = JSON.parse(text)
  return { status, ...answer, ids: (answer.data as Array<{ id: string }> | undefined)?.map(({ id }) => id) }
}

const order = (id: string, lastUpdatedAt?: string, more: object = {}) => ({ id, lastUpdatedAt, ...more })
const minute = (n: number) => `2025-04-23T10:${String(n).padStart(2, '0')}:00.000Z`

describe('a poll', () => {
  it('answers all that is there, whole, oldest change first, with the time of the newest', async () => {
    const { api } = tradecloud
    const whole = order('b', minute(2), { lines: [{ id: 'b-1' }], price: 1.5 })
    api.setOrder('b', whole)
    api.setOrder('c', order('c', minute(3)))
    api.setOrder('a', order('a', minute(1)))
    const { status, data, total, lastUpdatedAt, ids } = await poll(ORDERS)
    expect({ status, total, lastUpdatedAt, ids }).toEqual({
      status: 200,
      total: 3,
      lastUpdatedAt: minute(3),
      ids: ['a', 'b', 'c'],
    })
    expect(data[1]).toEqual(whole)
  })

  it('keeps orders of one instant in the order in which they came', async () => {
    for (const id of ['z', 'm', 'a']) tradecloud.api.setOrder(id, order(id, minute(1)))
    tradecloud.api.setOrder('z', order('z', minute(1), { version: 2 }))
    expect((await poll(ORDERS)).ids).toEqual(['z', 'm', 'a'])
  })

  it('answers only what changed after the time given, which is not included', async () => {
    for (const n of [1, 2, 3]) tradecloud.api.setOrder(`o${n}`, order(`o${n}`, minute(n)))
    const after = (lastUpdatedAfter: string) => poll(ORDERS, { filters: { lastUpdatedAfter } })
    expect((await after(minute(1))).ids).toEqual(['o2', 'o3'])
    expect((await after('2025-04-23T10:00:59.999Z')).ids).toEqual(['o1', 'o2', 'o3'])
    expect((await after('2025-04-23T12:02:00.000+02:00')).ids).toEqual(['o3'])
    expect(await after(minute(3))).toEqual({ status: 200, data: [], total: 0, ids: [] })
  })

  it('tells the time as the order has it, to be sent back as it is', async () => {
    tradecloud.api.setOrder('a', order('a', '2025-04-23T12:01:00+02:00'))
    tradecloud.api.setOrder('b', order('b', '2025-04-23T10:02:00'))
    const { lastUpdatedAt, ids } = await poll(ORDERS)
    expect({ lastUpdatedAt, ids }).toEqual({ lastUpdatedAt: '2025-04-23T10:02:00', ids: ['a', 'b'] })
    expect((await poll(ORDERS, { filters: { lastUpdatedAfter: lastUpdatedAt } })).ids).toEqual([])
  })

  it('takes the clock for an order that does not tell', async () => {
    const { api, clock } = tradecloud
    api.setOrder('a', { id: 'a' })
    clock.advance(90_000)
    api.setOrder('b', { id: 'b', lastUpdatedAt: 'yesterday' })
    expect(await poll(ORDERS)).toMatchObject({ ids: ['a', 'b'], lastUpdatedAt: '2025-04-23T10:01:30.000Z' })
    api.setOrder('a', { id: 'a' })
    clock.advance(1)
    api.setOrder('b', { id: 'b' })
    expect((await poll(ORDERS, { filters: { lastUpdatedAfter: '2025-04-23T10:01:30.000Z' } })).ids).toEqual(['b'])
  })

  it('pages by offset and limit, and tells the total and the time of each page', async () => {
    for (let n = 1; n <= 5; n++) tradecloud.api.setOrder(`o${n}`, order(`o${n}`, minute(n)))
    const page = (offset: number) => poll(ORDERS, { filters: {}, offset, limit: 2 })
    expect(await page(0)).toMatchObject({ ids: ['o1', 'o2'], total: 5, lastUpdatedAt: minute(2) })
    expect(await page(2)).toMatchObject({ ids: ['o3', 'o4'], total: 5, lastUpdatedAt: minute(4) })
    expect(await page(4)).toMatchObject({ ids: ['o5'], total: 5, lastUpdatedAt: minute(5) })
    expect(await page(6)).toEqual({ status: 200, data: [], total: 5, ids: [] })
  })

  it('tells the time of all pages where it is asked to', async () => {
    const own = await createTradecloudSimulator({ poll: { cursor: 'total' } })
    for (let n = 1; n <= 3; n++) own.api.setOrder(`o${n}`, order(`o${n}`, minute(n)))
    const first = await poll(ORDERS, { limit: 1 }, basicUser, own)
    await own.close()
    expect(first).toMatchObject({ ids: ['o1'], lastUpdatedAt: minute(3) })
  })

  it('answers at most 100, and 100 where no limit is given', async () => {
    for (let n = 0; n < 101; n++) tradecloud.api.setOrder(`o${n}`, order(`o${n}`, minute(1)))
    for (const query of [{}, { limit: 100 }, { limit: 1000 }]) {
      const { ids, total } = await poll(ORDERS, query)
      expect([ids!.length, total]).toEqual([100, 101])
    }
  })

  it('filters orders by status and company', async () => {
    const { api } = tradecloud
    const of = (processStatus: string, buyer: string, supplier: string) => ({
      status: { processStatus },
      buyerOrder: { companyId: buyer },
      supplierOrder: { companyId: supplier },
    })
    api.setOrder('1', order('1', minute(1), of('Issued', 'b1', 's1')))
    api.setOrder('2', order('2', minute(2), of('Confirmed', 'b1', 's2')))
    api.setOrder('3', order('3', minute(3), of('Confirmed', 'b2', 's1')))
    api.setOrder('4', order('4', minute(4)))
    const ids = async (filters: object) => (await poll(ORDERS, { filters })).ids
    expect(await ids({ status: { processStatus: ['Confirmed'] } })).toEqual(['2', '3'])
    expect(await ids({ status: { processStatus: ['Confirmed', 'Issued'] } })).toEqual(['1', '2', '3'])
    expect(await ids({ companyId: 's1' })).toEqual(['1', '3'])
    expect(await ids({ companyId: ['b1', 'b2'] })).toEqual(['1', '2', '3'])
    expect(await ids({ companyId: 'b1', status: { processStatus: ['Confirmed'] } })).toEqual(['2'])
    expect(await ids({ companyId: 'b1', lastUpdatedAfter: minute(1) })).toEqual(['2'])
  })

  it('of shipments goes by their meta, status and buyer', async () => {
    const { api } = tradecloud
    const shipment = (id: string, n: number, processStatus: string, companyId: string) => ({
      id,
      status: { processStatus },
      buyerShipment: { companyId },
      meta: { lastUpdatedAt: minute(n) },
    })
    api.setShipment('2', shipment('2', 2, 'Issued', 'b1'))
    api.setShipment('1', shipment('1', 1, 'Approved', 'b2'))
    api.setOrder('1', order('an order'))
    expect(await poll(SHIPMENTS)).toMatchObject({ ids: ['1', '2'], total: 2, lastUpdatedAt: minute(2) })
    const ids = async (filters: object) => (await poll(SHIPMENTS, { filters })).ids
    expect(await ids({ buyerShipment: { companyId: 'b2' } })).toEqual(['1'])
    expect(await ids({ status: { processStatus: ['Issued'] } })).toEqual(['2'])
    expect(await ids({ lastUpdatedAfter: minute(1) })).toEqual(['2'])
    api.deleteShipment('2')
    expect((await poll(SHIPMENTS)).ids).toEqual(['1'])
  })

  it('has orders in single delivery form apart from the others', async () => {
    const { api } = tradecloud
    const { access } = await login(tradecloud)
    api.setOrder('a', order('a', minute(1), { lines: [{ deliverySchedule: [] }] }))
    api.setSingleDeliveryOrder('a', order('a', minute(1), { lines: [{ statusLine: {} }] }))
    api.setSingleDeliveryOrder('b', order('b', minute(2)))
    const { data } = await poll(SINGLE)
    expect(data).toMatchObject([{ id: 'a', lines: [{ statusLine: {} }] }, { id: 'b' }])
    expect((await poll(ORDERS)).data).toMatchObject([{ id: 'a', lines: [{ deliverySchedule: [] }] }])
    expect((await ask(`${tradecloud.baseUrl}/order/b`, { headers: bearer(access) })).status).toBe(404)
    api.deleteOrder('a')
    expect((await poll(SINGLE)).ids).toEqual(['b'])
    expect((await poll(ORDERS)).ids).toEqual([])
  })

  it.each([
    ['no JSON', '{"filters":', 'JSON'],
    ['no object', '[]', 'JSON'],
    ['an unknown field', { filter: {} }, 'filter'],
    ['an unknown filter', { filters: { lastUpdatedSince: minute(1) } }, 'lastUpdatedSince'],
    ['a filter of shipments', { filters: { buyerShipment: { companyId: 'b' } } }, 'buyerShipment.companyId'],
    ['a time that is none', { filters: { lastUpdatedAfter: 'now' } }, 'lastUpdatedAfter'],
    ['a date alone', { filters: { lastUpdatedAfter: '2025-04-23' } }, 'lastUpdatedAfter'],
    ['a status that is no list', { filters: { status: { processStatus: 'Issued' } } }, 'processStatus'],
    ['a negative offset', { offset: -1 }, 'offset'],
    ['a limit of none', { limit: 0 }, 'limit'],
    ['a limit as text', { limit: '10' }, 'limit'],
  ])('is refused with %s', async (_, query, named) => {
    const { status, message } = await poll(ORDERS, query)
    expect(status).toBe(400)
    expect(message).toContain(named)
  })
})

describe('polls let in', () => {
  it.each([ORDERS, SINGLE, SHIPMENTS])('Basic credentials and tokens at %s, and no one else', async (path) => {
    const { access } = await login(tradecloud)
    expect((await poll(path, {}, basicUser)).status).toBe(200)
    expect((await poll(path, {}, bearer(access))).status).toBe(200)
    expect((await poll(path, {}, basic('integration@example.com', 'wrong'))).status).toBe(401)
    expect((await poll(path, {}, {})).status).toBe(401)
    tradecloud.api.expireTokens()
    expect((await poll(path, {}, bearer(access))).status).toBe(401)
  })

  it('POST only, and note what was asked', async () => {
    for (const method of ['GET', 'PUT']) {
      expect((await ask(tradecloud.baseUrl + ORDERS, { method, headers: basicUser })).status).toBe(404)
    }
    await poll(ORDERS, { filters: { companyId: 'x' } })
    await poll(SHIPMENTS, 'nonsense')
    expect(tradecloud.api.requests.slice(-2)).toMatchObject([
      { endpoint: 'orderPoll', url: '/v2/order-search/poll', body: { filters: { companyId: 'x' } }, status: 200 },
      { endpoint: 'shipmentPoll', body: 'nonsense', status: 400 },
    ])
    expect(tradecloud.api.counts).toMatchObject({ polls: 2, orderRequests: 0, shipmentRequests: 0 })
  })
})

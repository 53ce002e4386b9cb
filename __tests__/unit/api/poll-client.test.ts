/** Polls as users call them, over a socket: what is sent, what comes back, and how a poll ends early. */
import { TradecloudWebhookError } from '../../../lib/errors'
import { TradecloudApiError, type PolledOrder } from '../../../lib/api'
import { body, hang, setUp, status, withoutJitter, type Script } from './fake-api'
import { PollModel, time } from './poll-model'

const { api, client } = setUp()
const AFTER = time(-1)
const bodies: Array<{ url: string; body: Record<string, unknown> }> = []

beforeEach(() => void (bodies.length = 0))

function serving(model: PollModel): Script {
  return (req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString())
      bodies.push({ url: req.url ?? '', body: asked })
      res.end(JSON.stringify(model.page(asked.filters.lastUpdatedAfter, asked.offset, asked.limit)))
    })
  }
}

function modelOf(count: number): PollModel {
  const model = new PollModel({ order: 'rising', cursor: 'page', ties: 'id' })
  for (let i = 0; i < count; i++, model.now++) model.change(`PO-${i}`)
  return model
}

async function collect<T>(found: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of found) all.push(each)
  return all
}

async function failureOf(found: AsyncIterable<unknown>): Promise<TradecloudApiError> {
  const error = await collect(found).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(TradecloudApiError)
  return error as TradecloudApiError
}

test('sends cursor, filters, offset and limit with the token, and gives the orders, then the cursor', async () => {
  api().always('poll', serving(modelOf(150)))
  const filters = { status: { processStatus: ['Confirmed'] }, companyId: 'c' }
  const found = await collect(client().pollOrders({ lastUpdatedAfter: AFTER, filters }))
  expect(found).toHaveLength(151)
  expect(found[0]).toMatchObject({ type: 'order', order: { id: 'PO-0' } })
  expect(found.at(-1)).toEqual({ type: 'cursor', lastUpdatedAt: time(149) })
  const sent = { ...filters, lastUpdatedAfter: AFTER }
  expect(bodies).toEqual([
    { url: '/v2/order-search/poll', body: { filters: sent, offset: 0, limit: 100 } },
    { url: '/v2/order-search/poll', body: { filters: sent, offset: 99, limit: 100 } },
  ])
  const request = api().seen.find(({ endpoint }) => endpoint === 'poll')
  expect(request).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } })
  expect(request?.headers.authorization).toMatch(/^Bearer /)
})

test('polls single delivery orders and shipments at their own paths', async () => {
  api().always('poll', serving(modelOf(1)))
  const tradecloud = client()
  const [order] = await collect(tradecloud.pollSingleDeliveryOrders({ lastUpdatedAfter: AFTER, limit: 10 }))
  const filters = { buyerShipment: { companyId: 'c' } }
  const [shipment] = await collect(tradecloud.pollShipments({ lastUpdatedAfter: AFTER, filters }))
  expect(order).toMatchObject({ type: 'order' })
  expect(shipment).toMatchObject({ type: 'shipment', shipment: { id: 'PO-0' } })
  expect(bodies.map(({ url }) => url)).toEqual(['/v2/order-search/poll/single-delivery', '/v2/shipment/poll'])
  expect(bodies[1]?.body.filters).toEqual({ ...filters, lastUpdatedAfter: AFTER })
})

test('keeps the cursor as it was written, by Tradecloud or, for an empty answer, by the user', async () => {
  const odd = '2025-04-23T10:01:53.8120+02:00'
  api().next('poll', body(JSON.stringify({ data: [{ id: '1' }], total: 1, lastUpdatedAt: odd })))
  api().next('poll', body(JSON.stringify({ data: [], total: 0 })))
  const tradecloud = client()
  expect((await collect(tradecloud.pollOrders({ lastUpdatedAfter: AFTER }))).at(-1)).toEqual({
    type: 'cursor',
    lastUpdatedAt: odd,
  })
  expect(await collect(tradecloud.pollOrders({ lastUpdatedAfter: odd }))).toEqual([
    { type: 'cursor', lastUpdatedAt: odd },
  ])
})

test('tries a page again, and throws what is final: a 404 is no unknown ID here', async () => {
  withoutJitter()
  api().next('poll', status(503), serving(modelOf(3)))
  expect(await collect(client().pollOrders({ lastUpdatedAfter: AFTER }))).toHaveLength(4)
  api().always('poll', status(404))
  const error = await failureOf(client().pollOrders({ lastUpdatedAfter: AFTER }))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 404 })
})

test.each(['{}', '[]', 'null', '{"data":{}}', '{"data":[1]}', '{"data":[null]}', 'canary-body'])(
  'takes %s for a failure',
  async (text) => {
    api().next('poll', body(text))
    const error = await failureOf(client().pollOrders({ lastUpdatedAfter: AFTER }))
    expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 200 })
    expect(error.message).not.toContain('canary')
  },
)

test('a signal ends a poll, while it waits and in the middle of a page, without a cursor', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  api().next('poll', serving(modelOf(3)))
  const got: PolledOrder[] = []
  const reading = (async () => {
    for await (const found of client().pollOrders({ lastUpdatedAfter: AFTER, signal: controller.signal })) {
      got.push(found)
      controller.abort(reason)
    }
  })()
  await expect(reading).rejects.toMatchObject({ code: 'unavailable', cause: reason })
  expect(got).toHaveLength(1)
  api().next('poll', hang)
  const signal = AbortSignal.timeout(50)
  expect(await failureOf(client().pollOrders({ lastUpdatedAfter: AFTER, signal }))).toMatchObject({
    code: 'unavailable',
  })
})

test('asks for the next page only when it is wanted', async () => {
  api().always('poll', serving(modelOf(30)))
  for await (const found of client().pollOrders({ lastUpdatedAfter: AFTER, limit: 10 })) {
    expect(found.type).toBe('order')
    break
  }
  expect(api().count('poll')).toBe(1)
})

test.each([
  [undefined, 'lastUpdatedAfter'],
  [{}, 'lastUpdatedAfter'],
  [{ lastUpdatedAfter: '' }, 'lastUpdatedAfter'],
  [{ lastUpdatedAfter: AFTER, limit: 101 }, 'limit'],
  [{ lastUpdatedAfter: AFTER, limit: 1 }, 'limit'],
  [{ lastUpdatedAfter: AFTER, filters: 7 }, 'filters'],
])('refuses %j at once', (options, named) => {
  const poll = () => client().pollOrders(options as never)
  expect(poll).toThrow(TradecloudWebhookError)
  expect(poll).toThrow(named)
})

/** Polls over a socket: requests, results, and ways in which a poll ends early. */
import { TradecloudWebhookError } from '../../../lib/errors/errors'
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

describe('a page that is too large', () => {
  /** Serves pages of up to `most` entities. `failing` responds to requests for larger pages. */
  const upTo =
    (most: number, failing: Script, model: PollModel, pad: (id: string) => string = () => ''): Script =>
    (req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => {
        const asked = JSON.parse(Buffer.concat(chunks).toString())
        bodies.push({ url: req.url ?? '', body: asked })
        if (asked.limit > most) return failing(req, res)
        const page = model.page(asked.filters.lastUpdatedAfter, asked.offset, asked.limit)
        const data = page.data.map((entity) => ({ ...(entity as object), pad: pad((entity as { id: string }).id) }))
        res.end(JSON.stringify({ ...page, data }))
      })
    }
  const never: Script = () => {
    throw new Error('is not called')
  }
  const REQUEST_MS = 1_000
  /** Responds with `script`, and advances the client's clock right after that. */
  const after =
    (ms: number, script: Script): Script =>
    (req, res) => {
      script(req, res)
      setImmediate(() => jest.advanceTimersByTime(ms))
    }
  const stall: Script = (_req, res) => void res.writeHead(200).write('{"data":[')

  const limits = () => bodies.map(({ body: { limit } }) => limit)
  const idsOf = (found: PolledOrder[]) => found.flatMap((each) => (each.type === 'order' ? [each.order.id] : []))
  const allOf = (model: PollModel) => [...model.entities.keys()]

  test('is asked for again with half the limit, until it fits into maxResponseBytes', async () => {
    const model = modelOf(30)
    api().always(
      'poll',
      upTo(100, never, model, () => 'x'.repeat(1_000)),
    )
    const found = await collect(client({ maxResponseBytes: 10_000 }).pollOrders({ lastUpdatedAfter: AFTER, limit: 20 }))
    expect(idsOf(found)).toEqual(allOf(model))
    expect(found.at(-1)).toEqual({ type: 'cursor', lastUpdatedAt: time(29) })
    expect(limits().slice(0, 3)).toEqual([20, 10, 5])
    // Pages of twice this size would not fit, so they are not requested.
    expect(new Set(limits().slice(2))).toEqual(new Set([5]))
    // `bodies` contains every request, so the sizes above are all that were requested.
    expect(api().count('poll')).toBe(bodies.length)
  })

  test('of one entity at a time, where two are too large', async () => {
    const model = modelOf(5)
    api().always(
      'poll',
      upTo(100, never, model, (id) => (id === 'PO-0' ? '' : 'x'.repeat(700))),
    )
    const found = await collect(client({ maxResponseBytes: 1_000 }).pollOrders({ lastUpdatedAfter: AFTER }))
    expect(idsOf(found)).toEqual(allOf(model))
    expect(found.at(-1)).toEqual({ type: 'cursor', lastUpdatedAt: time(4) })
  })

  test('for a single entity ends the poll with what is wrong, after all that came before, without a cursor', async () => {
    api().always(
      'poll',
      upTo(100, never, modelOf(5), (id) => (id === 'PO-3' ? 'x'.repeat(1_000) : '')),
    )
    const found: PolledOrder[] = []
    const polling = (async () => {
      for await (const each of client({ maxResponseBytes: 1_000 }).pollOrders({ lastUpdatedAfter: AFTER }))
        found.push(each)
    })()
    await expect(polling).rejects.toMatchObject({
      code: 'fetch_failed',
      message: expect.stringMatching(/larger than 1000 bytes \(maxResponseBytes\), for a page of one entity/),
    })
    expect(idsOf(found)).toEqual(['PO-0', 'PO-1', 'PO-2'])
    expect(found.every(({ type }) => type === 'order')).toBe(true)
  })

  test('with more values than can be read', async () => {
    const model = modelOf(2)
    const many = `[${'0,'.repeat(2_600_000)}0]`
    api().always('poll', (req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => {
        const { filters, offset, limit } = JSON.parse(Buffer.concat(chunks).toString())
        const { data, total, lastUpdatedAt } = model.page(filters.lastUpdatedAfter, offset, limit)
        const entities = data.map((entity) => `{"many":${many},${JSON.stringify(entity).slice(1)}`)
        res.end(`{"data":[${entities.join()}],"total":${total ?? 0},"lastUpdatedAt":"${lastUpdatedAt ?? ''}"}`)
      })
    })
    expect(idsOf(await collect(client().pollOrders({ lastUpdatedAfter: AFTER })))).toEqual(['PO-0', 'PO-1'])
  })

  test.each<[string, Script]>([
    ['413', status(413)],
    ['500', status(500)],
    ['504', status(504)],
    ['no answer', after(REQUEST_MS, hang)],
    ['an answer that stalls', after(REQUEST_MS, stall)],
    ['a connection that is cut', (req) => void req.socket.destroy()],
  ])('%s: is asked for again with half the limit', async (_what, failing) => {
    withoutJitter()
    const model = modelOf(40)
    api().always('poll', upTo(13, failing, model))
    const found = await collect(client({ requestTimeoutMs: REQUEST_MS }).pollOrders({ lastUpdatedAfter: AFTER }))
    expect(idsOf(found)).toEqual(allOf(model))
    expect(limits().slice(0, 4)).toEqual([100, 50, 25, 12])
  })

  // The deadline of the call passes before the time limit of the request.
  const late = { requestTimeoutMs: 60_000, fetchTimeoutMs: 20_000 }

  test('that takes longer than fetchTimeoutMs: a smaller one gets a deadline of its own', async () => {
    const model = modelOf(10)
    api().always('poll', upTo(1, after(20_000, stall), model))
    const found = await collect(client(late).pollOrders({ lastUpdatedAfter: AFTER, limit: 5 }))
    expect(idsOf(found)).toEqual(allOf(model))
    expect(limits().slice(0, 3)).toEqual([5, 2, 1])
  })

  test.each<[string, Script, object]>([
    ['400', status(400), { apiStatus: 400 }],
    ['an answer without a list', body('{}'), { apiStatus: 200 }],
  ])('is not what %s means: the poll ends at once', async (_what, script, expected) => {
    api().always('poll', upTo(0, script, modelOf(1)))
    expect(await failureOf(client().pollOrders({ lastUpdatedAfter: AFTER }))).toMatchObject(expected)
    expect(limits()).toEqual([100])
  })

  test('is not what 429 means: the limit stays', async () => {
    withoutJitter()
    api().next('poll', status(429))
    api().always('poll', serving(modelOf(3)))
    await collect(client().pollOrders({ lastUpdatedAfter: AFTER }))
    expect(limits()).toEqual([100])
  })

  test('of a server that answers nothing: ends with the smallest page', async () => {
    api().always('poll', upTo(0, after(20_000, hang), modelOf(1)))
    const error = await failureOf(client(late).pollOrders({ lastUpdatedAfter: AFTER, limit: 8 }))
    expect(error).toMatchObject({ code: 'fetch_timeout' })
    expect(limits()).toEqual([8, 4, 2, 1])
  })

  test('is no reason to poll on while no one can log in', async () => {
    api().always('login', after(20_000, hang))
    const error = await failureOf(client(late).pollOrders({ lastUpdatedAfter: AFTER }))
    expect(error).toMatchObject({ code: 'fetch_timeout' })
    expect(bodies).toEqual([])
  })

  test('more is asked for again after it, and less often where that fails', async () => {
    const model = modelOf(900)
    const large = new Set(['PO-3', 'PO-4'])
    api().always(
      'poll',
      upTo(100, never, model, (id) => (large.has(id) ? 'x'.repeat(60_000) : '')),
    )
    const found = await collect(client({ maxResponseBytes: 100_000 }).pollOrders({ lastUpdatedAfter: AFTER }))
    expect(idsOf(found)).toEqual(allOf(model))
    expect(limits()).toContain(1)
    expect(limits().at(-1)).toBeGreaterThanOrEqual(64)
  })
})

test.each([
  [undefined, 'lastUpdatedAfter'],
  [{}, 'lastUpdatedAfter'],
  [{ lastUpdatedAfter: '' }, 'lastUpdatedAfter'],
  [{ lastUpdatedAfter: AFTER, limit: 101 }, 'limit'],
  [{ lastUpdatedAfter: AFTER, limit: 1 }, 'limit'],
  [{ lastUpdatedAfter: AFTER, filters: 7 }, 'filters'],
  [{ lastUpdatedAfter: AFTER, filter: {} }, 'filter'],
])('refuses %j at once', (options, named) => {
  const poll = () => client().pollOrders(options as never)
  expect(poll).toThrow(TradecloudWebhookError)
  expect(poll).toThrow(named)
})

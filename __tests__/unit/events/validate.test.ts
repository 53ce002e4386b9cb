/** Validation lists a limited number of deviations, and never changes the value; users' own schemas are enforced. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { Turns } from '../../../lib/bytes/turns'
import { MAX_ISSUES } from '../../../lib/events/deviations'
import { createValidator, withIssues, type UserSchemas, type Validator } from '../../../lib/events/validate'
import { refusalOf } from '../receive/refusal'

const line = (more: object = {}) => ({ id: 'L', buyerLine: { position: '1', notes: ['a'] }, ...more })
const GOOD = {
  eventName: 'OrderIssuedByBuyer',
  orderEvent: {
    orderId: 'O-1',
    version: 3,
    lastUpdatedAt: '2025-04-23T10:01:53.812Z',
    lines: [line(), line()],
    buyerOrder: null,
    unknownField: { of: ['tomorrow'] },
    status: { processStatus: 'StatusOfTomorrow' },
  },
  meta: { messageId: 'm', source: {} },
}

const refusal = (schemas: unknown): string => refusalOf(() => createValidator('off', schemas as UserSchemas))

describe('deviations', () => {
  const tolerant = createValidator('tolerant')
  const deviations: Validator['deviations'] = (...args) => tolerant.deviations(...args)

  it('of a documented body are none, unknown fields and values included', () => {
    expect(deviations('orderWebhookBody', GOOD)).toEqual([])
    expect(deviations('orderWebhookBody', {})).toEqual([])
    expect(deviations('order', null)).toEqual([])
    expect(deviations('shipmentWebhookBody', { eventName: null, shipment: null })).toEqual([])
  })

  it('are listed with pointer and reason, and quote no value', () => {
    const { orderEvent } = GOOD
    const lines = ['hunter2', line({ buyerLine: { notes: ['a', 7] } })]
    const body = { eventName: 5, orderEvent: { ...orderEvent, version: 'hunter2', lastUpdatedAt: 'hunter2', lines } }
    const issues = deviations('orderWebhookBody', body)
    expect(issues.map(({ pointer }) => pointer).sort()).toEqual([
      '/eventName',
      '/orderEvent/lastUpdatedAt',
      '/orderEvent/lines/0',
      '/orderEvent/lines/1/buyerLine/notes/1',
      '/orderEvent/version',
    ])
    expect(issues.every(({ message }) => message.length > 5)).toBe(true)
    expect(JSON.stringify(issues)).not.toContain('hunter2')
  })

  it('leave the value as it was, to the last reference', () => {
    const odd = { toString: () => 'x' }
    const lines = [odd, 5, null, [odd], line({ id: odd, deliverySchedule: 'x' })]
    const body = { ...GOOD, orderEvent: { ...GOOD.orderEvent, lines, version: [1] }, meta: 'x' }
    const before = [...lines]
    const text = JSON.stringify(body)
    const keys = JSON.stringify(Object.keys(body.orderEvent))
    expect(deviations('orderWebhookBody', body).length).toBeGreaterThan(4)
    expect(JSON.stringify(body)).toBe(text)
    expect(JSON.stringify(Object.keys(body.orderEvent))).toBe(keys)
    expect(body.orderEvent.lines).toBe(lines)
    before.forEach((entry, i) => expect(lines[i]).toBe(entry))
  })

  it('are no more than twenty and a note, however many there are', () => {
    const body = { orderEvent: { orderId: '1', lines: Array.from({ length: 500 }, () => ({ id: 5, buyerLine: [] })) } }
    const before = JSON.stringify(body)
    const issues = deviations('orderWebhookBody', body)
    expect(issues).toHaveLength(MAX_ISSUES + 1)
    expect(issues.at(-1)).toEqual({ pointer: '', message: expect.stringContaining('further') })
    expect(new Set(issues.map(({ pointer }) => pointer)).size).toBe(MAX_ISSUES + 1)
    expect(JSON.stringify(body)).toBe(before)
  })

  it('are exactly twenty without a note', () => {
    const lines = Array.from({ length: MAX_ISSUES }, () => ({ id: 5 }))
    const issues = deviations('order', { lines })
    expect(issues).toHaveLength(MAX_ISSUES)
    expect(issues.every(({ pointer }) => pointer.startsWith('/lines/'))).toBe(true)
  })

  it.each([[[]], ['text'], [5], [true]])('of %j as a whole are one', (value) => {
    expect(deviations('order', value)).toEqual([{ pointer: '', message: expect.any(String) }])
  })

  it("point to keys with slashes and tildes of the user's schema as RFC 6901 says", () => {
    const schema = { properties: { 'a/b~c': { type: 'object', properties: { d: { type: 'number' } } } } }
    const user = createValidator('off', { order: schema })
    const [issue] = user.refusals('order', { 'a/b~c': { d: 'x' } }, '/orderEvent')
    expect(issue).toMatchObject({ pointer: '/orderEvent/a~1b~0c/d' })
  })

  it('say a date in words that a person understands', () => {
    const [issue] = deviations('order', { lastUpdatedAt: '23.04.2025' })
    expect(issue).toMatchObject({ pointer: '/lastUpdatedAt' })
    expect(issue!.message).toBe('does not have its documented form, a date or time of ISO 8601')
    const user = createValidator('off', { order: { properties: { id: { pattern: '^A' } } } })
    expect(user.refusals('order', { id: 'B' }, '')).toMatchObject([{ message: expect.stringContaining('^A') }])
  })

  it('of the same body are the same each time', () => {
    const body = { orderEvent: { lines: [{ id: 5 }, { id: 6 }] } }
    expect(deviations('orderWebhookBody', body)).toEqual(deviations('orderWebhookBody', body))
  })

  it("are not looked for with 'off'", () => {
    expect(createValidator('off').deviations('order', { version: 'x' })).toEqual([])
  })

  it("are looked for with 'strict' just the same", () => {
    expect(createValidator('strict').deviations('order', { version: 'x' })).toMatchObject([{ pointer: '/version' }])
  })

  it('of a fetched shipment and of a shipment body', () => {
    expect(deviations('shipment', { lines: 5 })).toMatchObject([{ pointer: '/lines' }])
    const body = { shipment: { lines: 5 } }
    expect(deviations('shipmentWebhookBody', body)).toMatchObject([{ pointer: '/shipment/lines' }])
  })
})

test('a long list that is wrong in every entry is not kept once for each deviation', () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const used: number[] = []
  // The list is shortened during validation, restored, and shortened again for the next deviation.
  const watched = (list: number[]): number[] =>
    Object.defineProperty(list, 'slice', {
      value: (at: number) => {
        collectGarbage()
        used.push(process.memoryUsage().heapUsed)
        return watched(Array.prototype.slice.call(list, at) as number[])
      },
    })
  const body = { orderEvent: { orderId: 'O-1', lines: watched(Array<number>(1_000_000).fill(0)) } }
  expect(createValidator('tolerant').deviations('orderWebhookBody', body)).toHaveLength(MAX_ISSUES + 1)
  expect(used.length).toBeGreaterThan(15)
  // Each copy of the list takes up to 8 MB, so keeping one for each deviation would exceed this limit.
  expect((used.at(-1) ?? 0) - (used[2] ?? 0)).toBeLessThan(30_000_000)
  expect(body.orderEvent.lines).toHaveLength(1_000_000)
  expect(body.orderEvent.lines.every((entry) => entry === 0)).toBe(true)
})

it('a message names the first issues and the number of the others', () => {
  const issues = ['/a', '/b\n', '', '/d', '/e'].map((pointer) => ({ pointer, message: 'must be text' }))
  expect(withIssues('It does not fit', issues.slice(0, 1))).toBe('It does not fit: "/a" must be text.')
  expect(withIssues('It does not fit', issues)).toBe(
    'It does not fit: "/a" must be text; "/b\\n" must be text; the body must be text. And 2 more.',
  )
  const long = [{ pointer: '/'.repeat(10_000), message: 'x'.repeat(10_000) }]
  expect(withIssues('It does not fit', [...long, ...long, ...long]).length).toBeLessThan(1_100)
})

describe("the user's own schemas", () => {
  it.each<[string, object, object, object]>([
    ['draft-07 without saying so', { properties: { a: { items: [{ type: 'number' }] } } }, { a: [1] }, { a: ['x'] }],
    ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', required: ['a'] }, { a: 1 }, {}],
    [
      '2019-09',
      { $schema: 'https://json-schema.org/draft/2019-09/schema', dependentRequired: { a: ['b'] } },
      {},
      { a: 1 },
    ],
    [
      '2020-12',
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        properties: { a: { prefixItems: [{ type: 'number' }] } },
      },
      { a: [1] },
      { a: ['x'] },
    ],
  ])('may be %s', (_draft, schema, good, bad) => {
    const user = createValidator('off', { order: schema })
    expect(user.refusals('order', good, '')).toEqual([])
    expect(user.refusals('order', bad, '')).toHaveLength(1)
  })

  it('are enforced for their kind only, whatever the mode', () => {
    for (const mode of ['off', 'tolerant', 'strict'] as const) {
      const user = createValidator(mode, { shipment: { required: ['x'] }, order: undefined })
      expect(user.refusals('shipment', {}, '')).toHaveLength(1)
      expect(user.refusals('order', {}, '')).toEqual([])
      expect(user.refusals('unknown', {}, '')).toEqual([])
    }
  })

  it('tell one reason, below the pointer of the event', () => {
    const user = createValidator('off', { order: { properties: { a: { type: 'number' }, b: { type: 'number' } } } })
    expect(user.refusals('order', { a: 'hunter2', b: 'hunter2' }, '/orderEvent')).toEqual([
      { pointer: '/orderEvent/a', message: expect.stringContaining('number') },
    ])
  })

  it('know formats, and do not change what they check', () => {
    const schema = { properties: { a: { format: 'date' }, b: { default: 5 }, n: { type: 'number' } } }
    const user = createValidator('off', { order: schema })
    expect(user.refusals('order', { a: '2025-13-01' }, '')).toHaveLength(1)
    const value = { a: '2025-01-01', c: 1 }
    expect(user.refusals('order', value, '')).toEqual([])
    expect(value).toEqual({ a: '2025-01-01', c: 1 })
    expect(user.refusals('order', { n: '5' }, '')).toHaveLength(1)
  })

  it('may have keywords of their own, and the same $id for two kinds', () => {
    const schema = { $id: 'https://example.com/x', 'x-own': true, required: ['a'] }
    const user = createValidator('off', { order: schema, shipment: schema })
    expect(user.refusals('shipment', {}, '')).toHaveLength(1)
  })

  it('cut what they say', () => {
    const user = createValidator('off', { order: { additionalProperties: { type: 'number' } } })
    const [issue] = user.refusals('order', { ['x'.repeat(5000)]: 'x' }, '')
    expect(issue!.pointer.length).toBeLessThanOrEqual(300)
    expect(issue!.message.length).toBeLessThanOrEqual(300)
  })

  it.each<[string, unknown, string]>([
    [
      'an unknown kind',
      { orders: {} },
      '`schemas` has the unknown key "orders"; expected one of order, orderDocuments, shipment',
    ],
    ['true', { order: true }, '`schemas.order` is not a JSON Schema object'],
    ['null', { order: null }, '`schemas.order` is not a JSON Schema object'],
    ['a list', { order: [] }, '`schemas.order` is not a JSON Schema object'],
    ['an asynchronous schema', { order: { $async: true } }, '`schemas.order` is asynchronous'],
    ['a wrong type', { order: { type: 'text' } }, '`schemas.order` cannot be compiled'],
    [
      'a schema elsewhere',
      { shipment: { $ref: 'https://example.com/x.json' } },
      '`schemas.shipment` cannot be compiled',
    ],
    [
      'another draft',
      { order: { $schema: 'http://json-schema.org/draft-04/schema#' } },
      '`schemas.order` cannot be compiled',
    ],
  ])('%s is refused', (_what, schemas, expected) => {
    expect(refusal(schemas)).toContain(expected)
  })

  it('are none when absent', () => {
    expect(createValidator('off').refusals('order', {}, '')).toEqual([])
    expect(createValidator('off', undefined).refusals('order', {}, '')).toEqual([])
  })
})

describe('in turns', () => {
  const wrong = fc.constantFrom<unknown>(1, 'text', true, null, [], {}, { id: {} })
  const party = fc.record(
    { id: wrong, names: fc.oneof(wrong, fc.array(wrong, { maxLength: 3 })), email: wrong },
    { requiredKeys: [] },
  )
  const line = fc.oneof(
    { weight: 4, arbitrary: fc.constant<unknown>({ id: '1', buyerLine: { position: '1' } }) },
    {
      weight: 1,
      arbitrary: fc.oneof(
        wrong,
        fc.record(
          { id: wrong, buyerLine: fc.oneof(wrong, fc.record({ position: wrong, deliverySchedule: fc.array(wrong) })) },
          { requiredKeys: [] },
        ),
      ),
    },
  )
  // Orders with fields that ajv checks before the lines, and fields that it checks after them.
  const order = fc.record(
    {
      orderId: wrong,
      buyerOrder: fc.oneof(wrong, fc.record({ buyerParty: party }, { requiredKeys: [] })),
      lines: fc.array(line, { maxLength: 60 }),
      version: wrong,
      status: fc.oneof(wrong, fc.record({ processStatus: wrong })),
      lastUpdatedAt: wrong,
      meta: wrong,
    },
    { requiredKeys: ['lines'] },
  )

  it('finds the same, in the same order', async () => {
    const validator = createValidator('tolerant')
    let found = 0
    const holders = fc.constantFrom('orderEvent', 'singleDeliveryOrderEvent')
    await fc.assert(
      fc.asyncProperty(order, holders, wrong, async (content, field, eventName) => {
        const body = { eventName, [field]: content }
        const before = structuredClone(body)
        const list = { holder: content as Record<string, unknown>, key: 'lines', pointer: `/${field}/lines` }
        const issues = await validator.deviationsInTurns('orderWebhookBody', body, list, new Turns(0))
        expect(body).toEqual(before)
        expect(issues).toEqual(validator.deviations('orderWebhookBody', body))
        expect(body).toEqual(before)
        found = Math.max(found, issues.length)
      }),
      // An order with more issues than the limit, which random orders rarely have.
      {
        numRuns: 1000,
        examples: [[{ lines: Array.from({ length: 60 }, () => ({ buyerLine: 5 })) }, 'orderEvent', 'x']],
      },
    )
    expect(found).toBe(MAX_ISSUES + 1)
  })

  it('finds nothing with validation off, and in an empty list', async () => {
    const content = { lines: [] as unknown[], orderId: {} }
    const list = { holder: content, key: 'lines', pointer: '/orderEvent/lines' }
    const read = (mode: 'off' | 'tolerant') =>
      createValidator(mode).deviationsInTurns('orderWebhookBody', { orderEvent: content }, list, new Turns(0))
    expect(await read('off')).toEqual([])
    expect(await read('tolerant')).toEqual(
      createValidator('tolerant').deviations('orderWebhookBody', { orderEvent: content }),
    )
    content.lines = [5]
    expect(await read('off')).toEqual([])
  })
})

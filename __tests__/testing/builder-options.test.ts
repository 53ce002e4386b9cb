/** The options of the builders: overrides, seed, size, and invalid options. */
import fc from 'fast-check'
import {
  maximumOrderEvent,
  order,
  orderDocumentsEvent,
  orderEvent,
  shipment,
  shipmentEvent,
  singleDeliveryOrderEvent,
} from '../../lib/testing'
import { ALL, type Build, EVENTS, fits, messageIdOf, objectsIn, read, UUID } from './builders'

describe('overrides', () => {
  it('merge objects field by field, replace lists, and leave all else as it was', () => {
    const plain = orderEvent().orderEvent
    const changed = orderEvent({
      buyerOrder: { contact: { firstName: 'Ada' }, notes: [], terms: null, description: undefined },
      status: { processStatus: 'Cancelled' },
      meta: { source: { origin: 'Legacy' } },
      portalUrl: 'https://portal.example/1',
    }).orderEvent
    expect(changed).toEqual({
      ...plain,
      buyerOrder: {
        ...plain.buyerOrder,
        contact: { ...plain.buyerOrder?.contact, firstName: 'Ada' },
        notes: [],
        terms: null,
      },
      status: { ...plain.status, processStatus: 'Cancelled' },
      meta: { ...plain.meta, source: { ...plain.meta.source, origin: 'Legacy' } },
      portalUrl: 'https://portal.example/1',
    })
  })

  it('go into the lines one by one', () => {
    const plain = order({ lines: 3 }).lines
    const { lines } = order({ lines: [{}, { buyerLine: { item: { revision: 'D' } }, deliverySchedule: [] }, {}] })
    expect(lines).toEqual([
      plain[0],
      {
        ...plain[1],
        buyerLine: { ...plain[1]?.buyerLine, item: { ...plain[1]?.buyerLine?.item, revision: 'D' } },
        deliverySchedule: [],
      },
      plain[2],
    ])
    const [affected] = orderEvent({ firstLine: 2, lines: [{ reason: 'late' }] }).orderEvent.lines
    expect(affected).toEqual({ ...plain[1], reason: 'late' })
  })

  it.each(ALL)('of %s may be fields that this version does not know, inside of those that it knows', (name, build) => {
    const part = name.startsWith('shipment') ? 'buyerShipment' : 'buyerOrder'
    const built = build({ [part]: { addedTomorrow: { by: ['Tradecloud'] } } })
    const content = EVENTS.find(([event]) => event === name)?.[2]
    const holder = content === undefined ? built : built[content]
    expect(holder[part]).toHaveProperty('addedTomorrow', { by: ['Tradecloud'] })
  })

  it('are all that goes in: no option becomes a field', () => {
    const both = { seed: 2, version: 2, lastUpdatedAt: '2025-04-23T10:01:53Z', lines: [{}], documents: 1 }
    const ofOrder = { ...both, orderId: 'a-1' }
    const ofEvent = { ...ofOrder, firstLine: 2, eventName: 'OrderSynced', meta: {} }
    const ofShipment = { ...both, shipmentId: 's-1', loadCarriers: [{}] }
    fits('order', order({ ...ofOrder, deliveries: 1 }))
    fits('orderWebhookBody', orderEvent({ ...ofEvent, deliveries: 1 }))
    fits('orderWebhookBody', singleDeliveryOrderEvent({ ...ofEvent, deliveries: 1 }))
    fits('orderWebhookBody', orderDocumentsEvent(ofEvent))
    fits('shipment', shipment(ofShipment))
    fits('shipmentWebhookBody', shipmentEvent({ ...ofShipment, eventName: 'ShipmentResentByBuyer', messageMeta: {} }))
  })

  it('keep values that are no plain objects', () => {
    const date = new Date(0)
    const bare = Object.assign(Object.create(null), { a: 1 })
    const built = order({ eventDates: date, customLabels: [date], predictions: bare })
    expect(built.eventDates).toBe(date)
    expect(built.customLabels).toEqual([date])
    expect(built.predictions).toEqual({ a: 1 })
  })

  it.each(ALL)('of %s never reach a prototype', (name, build) => {
    const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":{"polluted":1}}'
    const part = name.startsWith('shipment') ? 'Shipment' : 'Order'
    const options = JSON.parse(`{"lines":[${hostile}],"buyer${part}":${hostile},"supplier${part}":${hostile}}`)
    const built = build(options)
    for (const object of [{}, [], () => 0, Object.prototype, Object]) expect(object).not.toHaveProperty('polluted')
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    for (const object of objectsIn(built)) {
      expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(object))
    }
    // The field is kept as data, so that a test can send it.
    expect(JSON.stringify(built).split('"__proto__":{"polluted":1}').length).toBeGreaterThanOrEqual(4)
  })
})

describe('the same seed', () => {
  it.each(ALL)('gives the same JSON of %s each time, and another seed other IDs', (_, build) => {
    const json = (seed?: number) => JSON.stringify(build({ seed, lines: 3, documents: 2 }))
    expect(json(7)).toBe(json(7))
    expect(json()).toBe(json(1))
    const idsOf = (text: string) => {
      const found = text.match(/"(?:orderId|id|messageId|traceId|objectId)":"[^"]+"/g) ?? []
      return found.filter((id) => !id.includes('GLN') && !id.includes('"871'))
    }
    const [one, two] = [idsOf(json(1)), idsOf(json(2))]
    expect(one.length).toBeGreaterThan(2)
    expect(one.filter((id) => two.includes(id))).toEqual([])
  })

  it('gives the same line whatever the number of lines and deliveries', () => {
    const [few] = order({ lines: 1, deliveries: 2 }).lines
    const [many] = order({ lines: 500, deliveries: 100 }).lines
    expect(few).toEqual({
      ...many,
      buyerLine: { ...many?.buyerLine, deliverySchedule: many?.buyerLine?.deliverySchedule?.slice(0, 2) },
      confirmedLine: { ...many?.confirmedLine, deliverySchedule: many?.confirmedLine?.deliverySchedule?.slice(0, 2) },
      deliverySchedule: many?.deliverySchedule?.slice(0, 2),
      deliveryScheduleIncludingRequests: many?.deliveryScheduleIncludingRequests?.slice(0, 2),
    })
  })

  it('of neighbours gives different contents', () => {
    const pricesOf = (seed: number) => JSON.stringify(order({ seed }).lines.map((line) => line.prices))
    expect(new Set(Array.from({ length: 200 }, (_, seed) => pricesOf(seed))).size).toBe(200)
  })
})

describe('options', () => {
  const NUMBERS: Array<[option: string, builders: Build[], from: number, to: number]> = [
    ['seed', ALL.map(([, build]) => build), 0, Number.MAX_SAFE_INTEGER],
    ['version', ALL.map(([, build]) => build), 0, 2 ** 31 - 1],
    ['lines', ALL.map(([, build]) => build), 0, 500],
    ['documents', ALL.map(([, build]) => build), 0, 100],
    ['deliveries', [orderEvent, order], 0, 100],
    ['deliveries', [singleDeliveryOrderEvent], 1, 100],
    ['firstLine', [orderEvent, singleDeliveryOrderEvent, orderDocumentsEvent], 1, 500],
    ['loadCarriers', [shipment, shipmentEvent], 0, 100],
    ['lines', [maximumOrderEvent], 0, 500],
    ['deliveries', [maximumOrderEvent], 0, 100],
  ]

  it.each(NUMBERS)('%s throws where it is no whole number in bounds', (option, builders, from, to) => {
    const others = option === 'lines' ? {} : { lines: 1 }
    for (const build of builders) {
      for (const value of [from - 1, to + 1, -1, 0.5, NaN, Infinity, -Infinity, '3', true, {}, null]) {
        const wrong = () => build({ ...others, [option]: value })
        expect(wrong).toThrow(TypeError)
        expect(wrong).toThrow(`${option} must be a whole number from ${from} to ${to}, not `)
      }
      expect(() => build({ ...others, [option]: from })).not.toThrow()
      expect(() => build({ ...others, [option]: to })).not.toThrow()
    }
  })

  it.each([
    ['eventName', EVENTS.map(([, build]) => build)],
    ['lastUpdatedAt', ALL.map(([, build]) => build)],
    ['orderId', [order, orderEvent, singleDeliveryOrderEvent, orderDocumentsEvent]],
    ['shipmentId', [shipment, shipmentEvent]],
  ])('%s throws where it is no text, and names itself', (option, builders: Build[]) => {
    for (const build of builders) {
      for (const value of [3, {}, [], false, null, Symbol('id')]) {
        expect(() => build({ [option]: value })).toThrow(TypeError)
        expect(() => build({ [option]: value })).toThrow(`${option} must be a string, not `)
      }
      expect(() => build({ [option]: '' })).not.toThrow()
    }
  })

  it.each(ALL)('of %s that are undefined count as absent', (_, build) => {
    const names = ['seed', 'version', 'lines', 'documents', 'lastUpdatedAt', 'orderId', 'shipmentId', 'loadCarriers']
    const more = ['deliveries', 'firstLine', 'eventName', 'meta', 'messageMeta', 'id', 'status']
    expect(build(Object.fromEntries([...names, ...more].map((name) => [name, undefined])))).toEqual(build())
  })

  it('lists throw for too many entries and for entries that are no objects', () => {
    const many = Array.from({ length: 501 }, () => ({}))
    expect(() => order({ lines: many })).toThrow('the number of lines must be a whole number from 0 to 500, not 501')
    expect(() => shipment({ loadCarriers: many })).toThrow(/the number of loadCarriers .* 100, not 501/)
    for (const wrong of [null, undefined, 3, 'line', [], new Date()]) {
      expect(() => (order as Build)({ lines: [{}, wrong] })).toThrow(/^lines\[1\] must be an object, not /)
    }
  })

  it('do not lead beyond the last line of an order', () => {
    expect(orderEvent({ firstLine: 500, lines: 1 }).orderEvent.lines[0]?.buyerLine?.position).toBe('5000')
    const beyond = () => orderEvent({ firstLine: 500, lines: 2 })
    expect(beyond).toThrow(new TypeError('firstLine and lines lead to line 501: an order has at most 500 lines'))
  })

  it.each<[string, Build, Record<string, unknown>]>([
    ['order', order, { eventName: 'OrderIssuedByBuyer' }],
    ['order', order, { firstLine: 2 }],
    ['order', order, { meta: {} }],
    ['order', order, { id: 'a-1' }],
    ['orderEvent', orderEvent, { id: 'a-1' }],
    ['singleDeliveryOrderEvent', singleDeliveryOrderEvent, { id: 'a-1' }],
    ['orderDocumentsEvent', orderDocumentsEvent, { id: 'a-1' }],
    ['orderDocumentsEvent', orderDocumentsEvent, { deliveries: 2 }],
    ['shipment', shipment, { eventName: 'ShipmentIssuedBySupplier' }],
    ['shipment', shipment, { messageMeta: {} }],
    ['shipment', shipment, { id: 's-1' }],
    ['shipmentEvent', shipmentEvent, { id: 's-1' }],
  ])('that %s does not have throw: %#', (name, build, options) => {
    expect(() => build(options)).toThrow(new TypeError(`${Object.keys(options)[0]} is not an option of ${name}`))
  })

  it.each(ALL)('that %s does not know throw, and the closest name is suggested', (name, build) => {
    for (const [wrong, meant] of [
      ['line', 'lines'],
      ['lastUpdateAt', 'lastUpdatedAt'],
      ['Seed', 'seed'],
      ['statuz', undefined],
    ] as const) {
      expect(() => build({ [wrong]: 2 })).toThrow(TypeError)
      expect(() => build({ [wrong]: 2 })).toThrow(
        `${wrong} is neither an option of ${name} nor a field of what it builds; `,
      )
      if (meant !== undefined) expect(() => build({ [wrong]: 2 })).toThrow(`: did you mean ${meant}?`)
      expect(() => build({ [wrong]: undefined })).not.toThrow()
    }
    for (const key of ['__proto__', 'constructor', 'addedTomorrow'])
      expect(() => build(JSON.parse(`{"${key}":{}}`))).toThrow(`${key} is neither an option`)
  })

  it.each(EVENTS)('eventName of %s must be a known name', (_, build) => {
    const wrong = () => build({ eventName: 'OrderLinesAcceptedBySuplier' })
    expect(wrong).toThrow(TypeError)
    expect(wrong).toThrow("'OrderLinesAcceptedBySuplier' is not known")
    expect(wrong).toThrow(': did you mean OrderLinesAcceptedBySupplier?')
  })

  it.each(ALL)('of %s must be an object', (name, build) => {
    for (const wrong of [null, 3, 'seed', []]) {
      expect(() => build(wrong)).toThrow(`the options of ${name} must be an object, not `)
    }
  })
})

describe('any size', () => {
  const seed = fc.maxSafeNat()
  const version = fc.nat(2 ** 31 - 1)
  const lines = fc.nat(12)
  const documents = fc.nat(4)

  it('of an order is built as asked, fits the schema, and is read back', () => {
    const sizes = fc.record({ seed, version, lines, documents, deliveries: fc.integer({ min: 1, max: 8 }) })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 488 }), (options, firstLine) => {
        const whole = order(options)
        expect(whole.lines).toHaveLength(options.lines)
        fits('order', whole)
        const event = orderEvent({ ...options, firstLine })
        const split = singleDeliveryOrderEvent({ ...options, firstLine })
        const { deliveries, ...rest } = options
        const attached = orderDocumentsEvent({ ...rest, firstLine })
        for (const body of [event, split, attached]) {
          fits('orderWebhookBody', body)
          expect(read(body).entity).toEqual({ kind: 'order', id: whole.id })
          expect(messageIdOf(body)).toMatch(UUID)
        }
        expect(event.orderEvent.lines).toHaveLength(options.lines)
        expect(event.orderEvent.lines.every((line) => line.deliverySchedule?.length === deliveries)).toBe(true)
        const splitLines = split.singleDeliveryOrderEvent.lines
        expect(splitLines).toHaveLength(options.lines * deliveries)
        expect(new Set(splitLines.map(({ id }) => id)).size).toBe(splitLines.length)
        expect(attached.orderDocumentsEvent.lines).toHaveLength(options.lines)
      }),
      { numRuns: 60, seed: 20261120 },
    )
  })

  it('of a shipment is built as asked, fits the schema, and is read back', () => {
    const sizes = fc.record({ seed, version, lines, documents, loadCarriers: fc.nat(8) })
    fc.assert(
      fc.property(sizes, (options) => {
        const body = shipmentEvent(options)
        fits('shipmentWebhookBody', body)
        expect(read(body).entity).toEqual({ kind: 'shipment', id: body.shipment.id })
        const { loadCarriers, lines: loose, supplierShipment } = body.shipment
        expect(loadCarriers).toHaveLength(options.loadCarriers)
        expect(loadCarriers.flatMap((carrier) => carrier.lines ?? []).length + loose.length).toBe(options.lines)
        expect(supplierShipment?.documents).toHaveLength(options.documents)
      }),
      { numRuns: 60, seed: 20261120 },
    )
  })

  it('goes up to what Tradecloud documents', () => {
    const whole = order({ lines: 500, deliveries: 100 })
    expect(whole.lines).toHaveLength(500)
    expect(whole.lines[499]?.buyerLine?.position).toBe('5000')
    expect(whole.lines[499]?.deliverySchedule).toHaveLength(100)
    fits('order', whole)
    expect(order({ documents: 100 }).lines[1]?.supplierLine?.documents).toHaveLength(100)
    const shipped = shipment({ lines: 500, loadCarriers: 100, documents: 100 })
    expect(shipped.loadCarriers.flatMap((carrier) => carrier.lines ?? [])).toHaveLength(496)
    fits('shipment', shipped)
    const split = singleDeliveryOrderEvent({ lines: 2, deliveries: 100 }).singleDeliveryOrderEvent
    expect(split.lines).toHaveLength(200)
  })
})

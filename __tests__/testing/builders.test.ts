/**
 * The builders of orders, shipments and events: what they build is what Tradecloud documents, the same for the same
 * seed, of the size that was asked for, and with exactly the overrides that were given.
 */
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { orderDocumentsEventNames, orderEventNames, shipmentEventNames } from '../../lib/tradecloud/event-names'
import { identify, readEvent } from '../../lib/receive/event/read-event'
import { schemas } from '../../lib/schema'
import { createValidator, type BodySchema } from '../../lib/events/validate'
import {
  maximumOrderEvent,
  order,
  orderDocumentsEvent,
  orderEvent,
  shipment,
  shipmentEvent,
  singleDeliveryOrderEvent,
} from '../../lib/testing'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const validator = createValidator('tolerant')

/** The schemas, but closed: what they do not know is wrong. */
const closed = new Ajv({
  allowUnionTypes: true,
  schemas: JSON.parse(JSON.stringify(Object.values(schemas)), (_, node) =>
    typeof node?.properties === 'object' && node.description !== undefined
      ? { ...node, additionalProperties: false }
      : node,
  ),
})

function fits(schema: BodySchema, value: unknown): void {
  expect(validator.deviations(schema, value)).toEqual([])
  const validate = closed.getSchema(schemas[schema].$id)!
  expect([validate(value), validate.errors]).toEqual([true, null])
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into all of them in one way
type Build = (options?: any) => any

const EVENTS: Array<[name: string, build: Build, field: string, schema: BodySchema]> = [
  ['orderEvent', orderEvent, 'orderEvent', 'orderWebhookBody'],
  ['singleDeliveryOrderEvent', singleDeliveryOrderEvent, 'singleDeliveryOrderEvent', 'orderWebhookBody'],
  ['orderDocumentsEvent', orderDocumentsEvent, 'orderDocumentsEvent', 'orderWebhookBody'],
  ['shipmentEvent', shipmentEvent, 'shipment', 'shipmentWebhookBody'],
]
const FETCHED: Array<[name: string, build: Build, schema: BodySchema]> = [
  ['order', order, 'order'],
  ['shipment', shipment, 'shipment'],
]
const ALL: Array<[name: string, build: Build]> = [
  ...EVENTS.map(([name, build]) => [name, build] as [string, Build]),
  ...FETCHED.map(([name, build]) => [name, build] as [string, Build]),
]

/** The typed event that a callback would get. */
function read(body: unknown) {
  const found = identify(body)
  if (!found.ok) throw new Error('refused')
  const result = readEvent(found, 'POST', undefined, [])
  if (!result.ok) throw new Error('refused')
  return result
}

/** Every object in a value, lists too, each as often as it is met. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}

const messageIdOf = (body: unknown): unknown => read(body).event.meta?.messageId

const CANCELLATION_NAMES = [
  'OrderLinesCancelledBySupplier',
  'OrderLinesCancellationRequestedByBuyer',
  'OrderLinesCancellationRequestedBySupplier',
  'OrderLinesCancellationRequestApprovedByBuyer',
  'OrderLinesCancellationRequestApprovedBySupplier',
  'OrderLinesCancellationRequestRejectedByBuyer',
  'OrderLinesCancellationRequestRejectedBySupplier',
]

describe('what is built', () => {
  const sizes = { lines: 3, documents: 2 }

  it.each(EVENTS)('by %s fits the schema, with no field that it does not know', (_, build, field, schema) => {
    fits(schema, build())
    fits(schema, build(sizes))
    expect(build()[field]).toBeDefined()
  })

  it.each(FETCHED)('by %s fits the schema, with no field that it does not know', (_, build, schema) => {
    fits(schema, build())
    fits(schema, build(sizes))
  })

  it('is read as the right kind, with its IDs and its state', () => {
    const read1 = read(orderEvent({ orderId: 'a-1', version: 4, lines: 3 }))
    expect(read1).toMatchObject({ entity: { kind: 'order', id: 'a-1' }, identified: true })
    expect(read1.event).toMatchObject({ kind: 'order', orderId: 'a-1', lineForm: 'deliverySchedule', version: 4 })
    expect(read1.event.issues).toEqual([])
    expect(read1.event).toHaveProperty('affectedLines.length', 3)

    const read2 = read(singleDeliveryOrderEvent({ orderId: 'a-1' })).event
    expect(read2).toMatchObject({ kind: 'order', orderId: 'a-1', lineForm: 'singleDelivery', version: 1 })

    const read3 = read(orderDocumentsEvent({ orderId: 'a-1', lines: 1, documents: 2 })).event
    expect(read3).toMatchObject({ kind: 'orderDocuments', orderId: 'a-1' })
    expect(read3.kind === 'orderDocuments' && read3.documents.map(({ party, lineId }) => [party, lineId])).toEqual([
      ...[
        ['supplier', undefined],
        ['supplier', undefined],
      ],
      ...[
        ['supplier', 'a-1-0010'],
        ['supplier', 'a-1-0010'],
      ],
    ])

    const read4 = read(shipmentEvent({ shipmentId: 's-1' }))
    expect(read4).toMatchObject({ entity: { kind: 'shipment', id: 's-1' }, identified: true })
    expect(read4.event).toMatchObject({ kind: 'shipment', shipmentId: 's-1', completeness: 'all-lines' })
    expect(read4.event.lastUpdatedAt).toMatch(/^2026-11-20T13:45:01\.\d{3}Z$/)
  })

  it.each(EVENTS)('by %s has a message ID of its own form, trace, sender and time', (_, build) => {
    const { meta } = read(build()).event
    expect(meta?.messageId).toMatch(UUID)
    expect(meta?.source).toMatchObject({ traceId: expect.stringMatching(UUID), userId: expect.stringMatching(UUID) })
    expect(meta?.createdDateTime).toBe(read(build()).event.lastUpdatedAt)
    const sender = (eventName: string) => read(build({ eventName })).event.meta?.source?.companyId
    const { supplierShipment, buyerShipment } = shipment()
    const others = [sender('OrderLinesAcceptedBySupplier'), sender('OrderSynced')]
    expect(others).toEqual(Array(2).fill(supplierShipment?.companyId))
    expect(sender('OrderIssuedByBuyer')).toBe(buyerShipment?.companyId)
  })

  it('knows every event name that is documented', () => {
    expect([orderEventNames.length, orderDocumentsEventNames.length, shipmentEventNames.length]).toEqual([56, 2, 9])
    expect(new Set([...orderEventNames, ...orderDocumentsEventNames, ...shipmentEventNames]).size).toBe(67)
    expect(orderEventNames).toEqual(expect.arrayContaining(CANCELLATION_NAMES))
    const built = CANCELLATION_NAMES.map((eventName) => read(orderEvent({ eventName })).event)
    expect(built.map(({ eventName }) => eventName)).toEqual(CANCELLATION_NAMES)
  })

  it('has a known event name unless told another', () => {
    expect(orderEventNames).toContain(orderEvent().eventName)
    expect(orderEventNames).toContain(singleDeliveryOrderEvent().eventName)
    expect(orderDocumentsEventNames).toContain(orderDocumentsEvent().eventName)
    expect(shipmentEventNames).toContain(shipmentEvent().eventName)
    for (const [, build] of EVENTS) {
      for (const known of [...orderEventNames, ...orderDocumentsEventNames, ...shipmentEventNames]) {
        const { eventName, ...rest } = build({ eventName: known })
        expect(eventName).toBe(known)
        expect(JSON.stringify(rest)).not.toContain(known)
      }
    }
  })

  it.each(ALL)('by %s shares nothing, neither inside nor with another result, nor with the options', (_, build) => {
    const options = { lines: [{ x: { y: [{}] } }, {}], documents: 3, seed: 5, lastUpdatedAt: undefined }
    const objects = [build(options), build(options), build(), build(), options].flatMap(objectsIn)
    expect(objects.length).toBeGreaterThan(100)
    expect(new Set(objects).size).toBe(objects.length)
  })

  it('is the maximum order without anything shared inside', () => {
    const objects = objectsIn(maximumOrderEvent({ lines: 2, deliveries: 2 }))
    expect(new Set(objects).size).toBe(objects.length)
  })
})

describe('an order event', () => {
  it('holds lines by position, each with its deliveries in all schedules of the line', () => {
    const { lines, orderId } = orderEvent({ lines: 3, deliveries: 2 }).orderEvent
    expect(lines.map(({ id }) => id)).toEqual(['0010', '0020', '0030'].map((position) => `${orderId}-${position}`))
    expect(lines.map(({ buyerLine }) => buyerLine?.position)).toEqual(['0010', '0020', '0030'])
    for (const line of lines) {
      const agreed = line.confirmedLine?.deliverySchedule
      expect(agreed?.map(({ position }) => position)).toEqual(['0001', '0002'])
      expect(line.buyerLine?.deliverySchedule).toEqual(agreed)
      expect(line.deliverySchedule).toMatchObject(agreed ?? [])
      expect(line.deliverySchedule).toEqual(line.deliveryScheduleIncludingRequests)
      expect(line.deliverySchedule?.every(({ eta, date, etd }) => eta === date && etd! < date!)).toBe(true)
      expect(agreed![0]!.date! < agreed![1]!.date!).toBe(true)
    }
  })

  it('is about the order that order() builds for the same options', () => {
    const options = { seed: 12, version: 3, deliveries: 2, documents: 1 }
    const whole = order({ ...options, lines: 5 })
    const { orderId, meta, lines, ...header } = orderEvent({ ...options, lines: 2, firstLine: 3 }).orderEvent
    const { id, lines: allLines, ...wholeHeader } = whole
    expect(id).toBe(orderId)
    expect(header).toEqual(wholeHeader)
    expect(lines).toEqual(allLines.slice(2, 4))
    expect(whole).not.toHaveProperty('meta')
    expect(meta.messageId).toMatch(UUID)
  })

  it('has another message ID for each difference in the options, and the same order', () => {
    const differing = [
      {},
      { version: 2 },
      { lines: 3 },
      { firstLine: 2 },
      { deliveries: 2 },
      { documents: 1 },
      { eventName: 'OrderResentByBuyer' },
      { lastUpdatedAt: '2026-01-01T00:00:00Z' },
      { orderId: 'a-1' },
      { seed: 2 },
    ]
    const all = [...differing.map(orderEvent), ...differing.map(singleDeliveryOrderEvent), orderDocumentsEvent()]
    expect(new Set(all.map(messageIdOf)).size).toBe(all.length)
    expect(new Set(differing.slice(0, 8).map((options) => orderEvent(options).orderEvent.orderId)).size).toBe(1)
    const first = orderEvent({ version: 1 }).orderEvent
    const second = orderEvent({ version: 2 }).orderEvent
    expect(second.lastUpdatedAt > first.lastUpdatedAt).toBe(true)
    expect([first.version, second.version]).toEqual([1, 2])
    expect(new Date(second.lastUpdatedAt).getTime() - new Date(first.lastUpdatedAt).getTime()).toBe(1000)
  })

  it('says of order and lines when they last changed', () => {
    const lastUpdatedAt = '2025-04-23T10:01:53'
    const { orderEvent: event } = orderEvent({ lastUpdatedAt })
    const times = [event.lastUpdatedAt, ...event.lines.map((line) => line.lastUpdatedAt)]
    expect(times).toEqual(Array(3).fill(lastUpdatedAt))
    expect(event.meta.createdDateTime).toBe(lastUpdatedAt)
  })

  it('holds as many documents as asked for in all four lists, stored in turn here and there', () => {
    const whole = order({ lines: 1, documents: 3 })
    const [line] = whole.lines
    const lists = [whole.buyerOrder, whole.supplierOrder, line?.buyerLine, line?.supplierLine].map((x) => x?.documents)
    for (const documents of lists) {
      expect(documents?.map(({ objectId, url }) => [objectId !== undefined, url !== undefined])).toEqual([
        [true, false],
        [false, true],
        [true, false],
      ])
    }
    const all = lists.flatMap((documents) => documents ?? [])
    expect(new Set(all.map(({ code }) => code)).size).toBe(12)
    expect(new Set(all.flatMap(({ objectId }) => objectId ?? [])).size).toBe(8)
    expect(order().buyerOrder?.documents).toEqual([])
  })
})

describe('a single delivery order event', () => {
  it('splits a line with several deliveries', () => {
    const options = { lines: 2, deliveries: 3, seed: 4 }
    const { orderId, lines } = singleDeliveryOrderEvent(options).singleDeliveryOrderEvent
    const ends = ['0010', '0010-split-1', '0010-split-2', '0020', '0020-split-1', '0020-split-2']
    expect(lines.map(({ id }) => id)).toEqual(ends.map((end) => `${orderId}-${end}`))
    expect(lines.map(({ buyerLine }) => [buyerLine?.position, buyerLine?.originalPosition])).toEqual(
      ['0010', '0020'].flatMap((position) => [
        [position, undefined],
        [undefined, position],
        [undefined, position],
      ]),
    )
    expect(lines[1]?.buyerLine).not.toHaveProperty('position')
  })

  it('holds the deliveries and prices of the same order in schedules, without positions', () => {
    const options = { lines: 2, deliveries: 3, seed: 4 }
    const { lines } = singleDeliveryOrderEvent(options).singleDeliveryOrderEvent
    const scheduled = order(options).lines
    const withoutPosition = ({ position, ...delivery }: { position?: string | null }) => [position, delivery][1]
    expect(lines.map(({ statusLine }) => statusLine?.scheduledDelivery)).toEqual(
      scheduled.flatMap(({ deliverySchedule }) => deliverySchedule!.map(withoutPosition)),
    )
    expect(lines.map(({ confirmedLine }) => confirmedLine?.scheduledDelivery)).toEqual(
      scheduled.flatMap(({ confirmedLine }) => confirmedLine!.deliverySchedule!.map(withoutPosition)),
    )
    expect(lines[5]?.statusLine?.pricesInclRequests).toEqual(scheduled[1]?.prices)
    expect(lines[5]?.buyerLine?.item).toEqual(scheduled[1]?.buyerLine?.item)
    for (const field of ['deliverySchedule', 'deliveryScheduleIncludingRequests', 'prices']) {
      expect(lines[0]).not.toHaveProperty(field)
    }
  })

  it('takes an override of a line into all its parts', () => {
    const lines = [{}, { status: { processStatus: 'Rejected' } }]
    const event = singleDeliveryOrderEvent({ lines, deliveries: 2 }).singleDeliveryOrderEvent
    expect(event.lines.map(({ status }) => status)).toEqual([
      ...Array(2).fill({ processStatus: 'Confirmed', logisticsStatus: 'Open' }),
      ...Array(2).fill({ processStatus: 'Rejected', logisticsStatus: 'Open' }),
    ])
  })
})

describe('an order documents event', () => {
  it('holds the documents that the whole order holds on that side', () => {
    const whole = order({ seed: 3, documents: 2, lines: 4 })
    const supplied = orderDocumentsEvent({ seed: 3, documents: 2, firstLine: 2 }).orderDocumentsEvent
    expect(supplied.orderId).toBe(whole.id)
    expect(supplied.supplierOrder?.documents).toEqual(whole.supplierOrder?.documents)
    expect(supplied.buyerOrder).not.toHaveProperty('documents')
    expect(supplied.lines).toEqual(
      whole.lines.slice(1, 3).map(({ id, buyerLine, supplierLine }) => ({
        id,
        buyerLine: { position: buyerLine?.position },
        supplierLine: { documents: supplierLine?.documents },
      })),
    )

    const eventName = 'OrderDocumentsAttachedByBuyer'
    const bought = orderDocumentsEvent({ seed: 3, documents: 2, eventName }).orderDocumentsEvent
    expect(bought.buyerOrder?.documents).toEqual(whole.buyerOrder?.documents)
    expect(bought.supplierOrder).not.toHaveProperty('documents')
    expect(bought.lines.map(({ buyerLine }) => buyerLine?.documents)).toEqual(
      whole.lines.slice(0, 2).map(({ buyerLine }) => buyerLine?.documents),
    )
    expect(bought.lines[0]).not.toHaveProperty('supplierLine')
  })
})

describe('a shipment', () => {
  it('is the same in an event and fetched, and ships the order of the same seed', () => {
    const options = { seed: 9, lines: 3, version: 2, documents: 2, loadCarriers: 2 }
    const body = shipmentEvent(options)
    expect(body.shipment).toEqual(shipment(options))
    const lines = [...body.shipment.loadCarriers.flatMap((carrier) => carrier.lines ?? []), ...body.shipment.lines]
    const ordered = order({ seed: 9, lines: 3 })
    expect(lines.map((line) => line.purchaseOrderLinePosition)).toEqual(['0010', '0020', '0030'])
    for (const [index, line] of lines.entries()) {
      const { buyerLine, deliverySchedule } = ordered.lines[index]!
      expect(line.purchaseOrderNumber).toBe(ordered.buyerOrder?.purchaseOrderNumber)
      const { number, name } = buyerLine?.item ?? {}
      expect(line.item).toMatchObject({ buyerItemNumber: number, buyerItemName: name })
      expect(line.deliverySchedulePosition).toBe(deliverySchedule?.[0]?.position)
      expect(line.supplierLine?.despatchQuantity).toBe(deliverySchedule?.[0]?.quantity)
    }
  })

  it('deals its lines out to load carriers and to itself', () => {
    const places = (built: ReturnType<typeof shipment>) =>
      [...built.loadCarriers, built].map(({ lines }) => lines?.map((line) => line.purchaseOrderLinePosition))
    expect(places(shipment({ lines: 5, loadCarriers: 2 }))).toEqual([['0010', '0040'], ['0020', '0050'], ['0030']])
    expect(places(shipment())).toEqual([['0010'], ['0020']])
    expect(places(shipment({ loadCarriers: 0 }))).toEqual([['0010', '0020']])
    expect(places(shipment({ lines: 0 }))).toEqual([[], []])
  })

  it('marks all lines and documents as changed', () => {
    const { meta, lines, loadCarriers, supplierShipment, buyerShipment } = shipment({ lines: 4, version: 6 })
    const marked = [
      ...lines,
      ...loadCarriers.flatMap((carrier) => carrier.lines ?? []),
      ...(supplierShipment?.documents ?? []),
      ...(buyerShipment?.documents ?? []),
    ]
    expect(marked).toHaveLength(6)
    expect(new Set(marked.map((part) => part.meta?.lastUpdatedAt))).toEqual(new Set([meta?.lastUpdatedAt]))
  })

  it('takes overrides of its lines, its load carriers, its own meta and the meta of the message', () => {
    const body = shipmentEvent({
      lines: [{ supplierLine: { despatchQuantity: 7 } }, {}],
      loadCarriers: [{ containerNumber: 'C-1' }],
      meta: { supplierErpMeta: { despatchAdviceErpIssueDateTime: '2027-01-01T00:00:00' } },
      messageMeta: { messageId: 'mine' },
    })
    expect(body.shipment.loadCarriers).toHaveLength(1)
    expect(body.shipment.loadCarriers[0]).toMatchObject({ containerNumber: 'C-1', packageType: 'PX' })
    expect(body.shipment.loadCarriers[0]?.lines?.[0]?.supplierLine).toMatchObject({
      despatchQuantity: 7,
      backorderQuantity: 0,
    })
    expect(body.shipment.meta).toEqual({
      ...shipment().meta,
      supplierErpMeta: { despatchAdviceErpIssueDateTime: '2027-01-01T00:00:00' },
    })
    expect(body.meta).toEqual({ ...shipmentEvent().meta, messageId: 'mine' })
    expect(messageIdOf(shipmentEvent({ version: 2 }))).not.toBe(messageIdOf(shipmentEvent()))
  })
})

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
    // Kept as data, so that a test can send it.
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
        expect(() => build({ [option]: value })).toThrow(`${option} must be a text, not `)
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
    expect(beyond).toThrow(new TypeError('firstLine and lines lead to line 501: orders end at 500'))
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
    expect(() => build(options)).toThrow(new TypeError(`${Object.keys(options)[0]} is no option of ${name}`))
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

/** The builders produce orders, shipments and events as they are in Tradecloud's documentation. */
import { orderDocumentsEventNames, orderEventNames, shipmentEventNames } from '../../lib/events/event-names'
import {
  maximumOrderEvent,
  order,
  orderDocumentsEvent,
  orderEvent,
  shipment,
  shipmentEvent,
  singleDeliveryOrderEvent,
} from '../../lib/testing'
import { ALL, CANCELLATION_NAMES, EVENTS, FETCHED, fits, messageIdOf, objectsIn, read, UUID } from './builders'

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

/** The order event of the documented maximum size. */
import { schemas } from '../../../lib/schema'
import { maximumOrderEvent } from '../../../lib/testing/maximum-order-event'
import { check, fields, filledFields, type Node, unknownFields } from './fields'

describe('the maximum order event', () => {
  const body = maximumOrderEvent()
  const line = body.orderEvent.lines[499]!

  it('is as large as documented, and stays below the default body limit', () => {
    const bytes = Buffer.byteLength(JSON.stringify(body))
    expect(bytes).toBeGreaterThan(20e6)
    expect(bytes).toBeLessThan(50e6)
    expect(body.orderEvent.lines).toHaveLength(500)
    const schedules = [
      line.buyerLine?.deliverySchedule,
      line.buyerLine?.requests?.reopenRequest?.deliverySchedule,
      line.supplierLine?.deliverySchedule,
      line.supplierLine?.requests?.proposal?.deliverySchedule,
      line.supplierLine?.requests?.reopenRequest?.deliverySchedule,
      line.confirmedLine?.deliverySchedule,
      line.deliverySchedule,
      line.deliveryScheduleIncludingRequests,
    ]
    expect(schedules.map((schedule) => schedule?.length)).toEqual(Array(8).fill(100))
    expect(new Set(body.orderEvent.lines.map(({ id }) => id)).size).toBe(500)
  })

  it('fits the schema, and has no field that the schema does not know', () => {
    expect(check('orderWebhookBody', body)).toEqual([])
    const { $id } = schemas.orderWebhookBody
    expect(
      unknownFields(maximumOrderEvent({ lines: 2, deliveries: 2 }), schemas.orderWebhookBody as Node, $id),
    ).toEqual([])
  })

  it('fills every field of an order event but those that belong elsewhere', () => {
    const small = maximumOrderEvent({ lines: 1, deliveries: 1 }).orderEvent
    const filled = filledFields([small], { items: { $ref: 'order.schema.json' } }, schemas.order.$id)
    const order = fields.filter(
      ({ ref }) => ref.startsWith(schemas.order.$id) || ref.startsWith(schemas.orderParts.$id),
    )
    const shapeOf = (ref: string): string => ref.split('#/definitions/')[1] ?? 'Order'
    const empty = order.map(({ ref, name }) => `${shapeOf(ref)}.${name}`).filter((field) => !filled.has(field))
    expect(empty.sort()).toEqual([
      // Two fields that only a draft of the docs has in buyerLine, and an object that only one page of the docs has.
      'BuyerLine.chargeReasonCode',
      'BuyerLine.lineType',
      'NestedItemDetails.mergedItemDetails',
      // Fields of a fetched order, names from earlier years, and fields that only the pages on order search and polling
      // show.
      'Order.customLabels',
      'Order.eventDates',
      'Order.firstDeliveryDate',
      'Order.id',
      'Order.lastChangedAt',
      'Order.predictions',
      'Order.totalAmountIncludingRequests',
      'OrderLine.customLabels',
      'OrderLine.eventDates',
      'OrderLine.firstDeliveryDate',
      'OrderLine.itemDetails',
      'OrderLine.lastChangedAt',
      'OrderLine.predictions',
      'OrderLine.totalAmountIncludingRequests',
      'OrderLineStatus.deliveryLineStatus',
      'OrderStatus.deliveryLineStatus',
      'OrderStatus.inProgressStatus',
      'Price.priceInLocalCurrency',
      'SupplierLine.position',
      'SupplierLine.proposal',
    ])
  })

  it('is the same each time, shares nothing, and takes other sizes', () => {
    const options = { lines: 3, deliveries: 2, orderId: 'buyer-PO1' }
    const first = maximumOrderEvent(options)
    expect(first).toEqual(maximumOrderEvent(options))
    expect(first.orderEvent.orderId).toBe('buyer-PO1')
    expect(first.orderEvent.lines.map(({ id }) => id)).toEqual(['buyer-PO1-0010', 'buyer-PO1-0020', 'buyer-PO1-0030'])
    expect(first.orderEvent.lines[2]?.deliveryHistory).toHaveLength(2)
    first.orderEvent.lines[0]!.prices!.netPrice!.priceInBaseCurrency!.value = 0
    expect(first.orderEvent.lines[1]?.prices?.netPrice?.priceInBaseCurrency?.value).not.toBe(0)
    expect(maximumOrderEvent(options)).not.toEqual(first)
  })
})

/** Types of the builders, checked by the compiler only: results, and options that must not compile. */
import {
  order,
  orderDocumentsEvent,
  orderEvent,
  shipment,
  shipmentEvent,
  singleDeliveryOrderEvent,
  type FetchedOrder,
  type FetchedShipment,
  type OrderDocumentsEventBody,
  type OrderDocumentsEventOptions,
  type OrderEventBody,
  type OrderEventOptions,
  type OrderOptions,
  type ShipmentEventBody,
  type ShipmentEventOptions,
  type ShipmentOptions,
  type SingleDeliveryOrderEventBody,
  type SingleDeliveryOrderEventOptions,
} from 'tradecloud-webhook/testing'
import type { OrderLine, Shipment, SingleDeliveryOrderLine } from 'tradecloud-webhook'

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function expectType<T>(value: T): void {
  if (value === undefined) return // no assertions: the compiler checks the types
}

export function results(): void {
  const body: OrderEventBody = orderEvent()
  expectType<string>(body.orderEvent.orderId)
  expectType<number>(body.orderEvent.version)
  expectType<OrderLine[]>(body.orderEvent.lines)
  expectType<string | null | undefined>(body.orderEvent.meta.messageId)
  const split: SingleDeliveryOrderEventBody = singleDeliveryOrderEvent()
  expectType<SingleDeliveryOrderLine[]>(split.singleDeliveryOrderEvent.lines)
  const documents: OrderDocumentsEventBody = orderDocumentsEvent()
  expectType<string>(documents.orderDocumentsEvent.orderId)
  const whole: FetchedOrder = order()
  expectType<string>(whole.id)
  const sent: ShipmentEventBody = shipmentEvent()
  expectType<Shipment>(sent.shipment)
  const fetched: FetchedShipment = shipment()
  expectType<string>(fetched.id)
  // @ts-expect-error `id` may be missing in an order event, unlike in a fetched order
  expectType<string>(body.orderEvent.id)
  // @ts-expect-error the body of an order event has no single delivery order event
  expectType<unknown>(body.singleDeliveryOrderEvent)
}

export function right(): void {
  const size = { seed: 3, lines: 2, deliveries: 4, documents: 1, version: 2, status: { processStatus: 'InProgress' } }
  const all: [OrderOptions, OrderEventOptions, SingleDeliveryOrderEventOptions] = [size, size, size]
  expectType<unknown>(all)
  const ofDocuments: OrderDocumentsEventOptions = { lines: [{ buyerLine: { documents: [] } }], supplierOrder: null }
  const ofShipment: ShipmentOptions & ShipmentEventOptions = { lines: 3, loadCarriers: [{ packageType: 'PX' }] }
  expectType<unknown>([ofDocuments, ofShipment])
  orderEvent({ eventName: 'OrderIssuedByBuyer', seed: undefined, buyerOrder: { contact: { email: 'me@example.com' } } })
  orderEvent({ lines: [{ deliverySchedule: [{ quantity: 3 }] }, {}] as const })
  shipmentEvent({ messageMeta: { messageId: 'mine' }, meta: { lastUpdatedAt: '2025-04-23T10:01:53' } })
}

export function wrong(): void {
  // @ts-expect-error no such option and no such field
  orderEvent({ delivries: 2 })
  // @ts-expect-error a misspelled field of a nested object
  orderEvent({ buyerOrder: { contact: { emial: 'me@example.com' } } })
  // @ts-expect-error a quantity is a number
  orderEvent({ lines: [{ deliverySchedule: [{ quantity: '3' }] }] })
  // @ts-expect-error an object is not a list
  orderEvent({ buyerOrder: { notes: { 0: 'first' } } })
  // @ts-expect-error `seed` must be a number, not text
  orderEvent({ seed: '3' })
  // @ts-expect-error an option must not be null
  orderEvent({ version: null })
  // @ts-expect-error the option is `orderId`
  orderEvent({ id: 'a-1' })
  // @ts-expect-error the option for the ID of a fetched order is `orderId` too
  order({ id: 'a-1' })
  // @ts-expect-error a fetched order has no event name
  order({ eventName: 'OrderIssuedByBuyer' })
  const forEvent = { seed: 1, eventName: 'OrderIssuedByBuyer' }
  // @ts-expect-error a fetched order has no event name, even if a variable contains the options
  order(forEvent)
  // @ts-expect-error a fetched order has all its lines, so `firstLine` is not an option
  order({ firstLine: 2 })
  // @ts-expect-error a fetched order has no message meta
  order({ meta: { messageId: 'mine' } })
  // @ts-expect-error a line of the single delivery form has no schedule
  singleDeliveryOrderEvent({ lines: [{ deliverySchedule: [] }] })
  // @ts-expect-error an event with documents has no deliveries
  orderDocumentsEvent({ deliveries: 2 })
  // @ts-expect-error a shipment has no order ID
  shipment({ orderId: 'a-1' })
  // @ts-expect-error a fetched shipment has no message meta
  shipment({ messageMeta: { messageId: 'mine' } })
  // @ts-expect-error the message ID is in messageMeta
  shipmentEvent({ meta: { messageId: 'mine' } })
}

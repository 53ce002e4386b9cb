/**
 * Builders of an order as it is fetched, and of its events in delivery schedules and in the single delivery form.
 */
import type { OrderEventName } from '../../tradecloud/event-names'
import type { MessageMeta, Order, OrderLine, SingleDeliveryOrder, SingleDeliveryOrderLine } from '../../schema'
import { merge } from './merge'
import { knownEventName, overridesIn, requireOptions } from './options'
import { buyerOrder, orderLine, singleDeliveryLines, supplierOrder } from './order-parts'
import { affectedLines, ORDER_OPTIONS, orderPlan, type AffectedLinesOptions, type OrderPlan } from './order-plan'
import type { OrderDeliveryOptions, OrderOverrides } from './order-plan'
import { messageMeta } from './parts'

/** All other fields of an order go over what is built. */
export interface OrderOptions extends OrderDeliveryOptions<OrderLine>, OrderOverrides {
  // Options of events, named so that the compiler finds an object that was meant for an event.
  eventName?: undefined
  firstLine?: undefined
  meta?: undefined
}

/** Options of both builders of an order event. */
export interface AnyOrderEventOptions<Line> extends OrderDeliveryOptions<Line>, AffectedLinesOptions, OrderOverrides {
  /** A known name; any other throws. Default: 'OrderLinesAcceptedBySupplier'. */
  eventName?: OrderEventName | (string & {}) | undefined
  /** Goes over the message meta inside the event. Default: an ID that follows from the options, overrides aside. */
  meta?: MessageMeta | undefined
}

/** All other fields of an order go over what is built. */
export type OrderEventOptions = AnyOrderEventOptions<OrderLine>
/** All other fields of an order go over what is built. */
export type SingleDeliveryOrderEventOptions = AnyOrderEventOptions<SingleDeliveryOrderLine>

/** An order as the API answers it. */
export type FetchedOrder = Order & { id: string; lines: OrderLine[]; version: number; lastUpdatedAt: string }

/** Fields that every built event has. */
export interface OrderEventFields {
  orderId: string
  version: number
  meta: MessageMeta
  lastUpdatedAt: string
}

/** Body of an order webhook with an event in delivery schedules. */
export interface OrderEventBody {
  eventName: string
  orderEvent: Order & OrderEventFields & { lines: OrderLine[] }
}

/** Body of an order webhook with an event in the single delivery form. */
export interface SingleDeliveryOrderEventBody {
  eventName: string
  singleDeliveryOrderEvent: SingleDeliveryOrder & OrderEventFields & { lines: SingleDeliveryOrderLine[] }
}

/**
 * An order as `GET /order/{orderId}` answers it, with all its lines: what a simulator serves for `orderEvent` and
 * `singleDeliveryOrderEvent`. With the same `seed`, `orderId`, `version`, `lastUpdatedAt`, `deliveries` and `documents`
 * it is the same order: same ID, same header, and line by line the same content as far as both have the line.
 *
 * Overrides are merged field by field at any depth; lists are replaced, but for `lines`, whose entries are merged into
 * the lines; `null` is written, `undefined` leaves what was built. An override changes its own field and no other.
 * Nothing is shared with another result, so a test may change any part of it. Throws a `TypeError` that names a wrong
 * option, also one that is neither an option nor a documented field: set a new field in what was built.
 *
 * ```ts
 * const { orderEvent: { orderId } } = orderEvent({ seed: 7, lines: 2 })
 * tradecloud.api.setOrder(orderId, order({ seed: 7, lines: 5 }))
 * ```
 */
export function order(options: OrderOptions = {}): FetchedOrder {
  requireOptions(options, 'order', {
    options: ORDER_OPTIONS,
    schema: 'order',
    refused: ['id', 'eventName', 'firstLine', 'meta'],
  })
  const planned = orderPlan(options)
  const lines = affectedLines(options).map(({ index, override }) => merge(orderLine(planned, index), override))
  return merge({ id: planned.id, ...header(planned, lines) }, overridesIn(options, ORDER_OPTIONS))
}

/**
 * Body of an order webhook with `orderEvent`, in delivery schedules. It holds the lines that the event affects: see
 * `firstLine`. For several events of one order keep the `seed` and raise the `version`: same order, another message ID,
 * a later `lastUpdatedAt`. For other orders take another `seed`.
 *
 * The statuses do not follow the `eventName`: which one goes with which event is not documented, so set what a test
 * needs. Overrides and errors: as for `order`.
 *
 * ```ts
 * orderEvent({ lines: 3, deliveries: 2, buyerOrder: { contact: { email: 'me@example.com' } } })
 * orderEvent({ lines: [{}, { status: { processStatus: 'Rejected' } }], version: 2 })
 * ```
 */
export function orderEvent(options: OrderEventOptions = {}): OrderEventBody {
  const { planned, affected, eventName, meta } = planEvent('orderEvent', options)
  const lines = affected.map(({ index, override }) => merge(orderLine(planned, index), override))
  const content = { orderId: planned.id, ...header(planned, lines), meta }
  return { eventName, orderEvent: merge(content, overridesIn(options, ORDER_OPTIONS)) }
}

/**
 * Body of an order webhook with `singleDeliveryOrderEvent`. A line with several deliveries is split into as many lines
 * beside each other, so the event holds `lines` times `deliveries` lines: the first has the `position`, the others have
 * none but its `originalPosition`, as newly split lines do. An override of a line goes into all its parts. All else: as
 * for `orderEvent`.
 */
export function singleDeliveryOrderEvent(options: SingleDeliveryOrderEventOptions = {}): SingleDeliveryOrderEventBody {
  const { planned, affected, eventName, meta } = planEvent('singleDeliveryOrderEvent', options, 1)
  const lines = affected.flatMap(({ index, override }) =>
    singleDeliveryLines(planned, index).map((line) => merge(line, override)),
  )
  const content = { orderId: planned.id, ...header(planned, lines), meta }
  return { eventName, singleDeliveryOrderEvent: merge(content, overridesIn(options, ORDER_OPTIONS)) }
}

function planEvent<Line extends object>(builder: string, options: AnyOrderEventOptions<Line>, minDeliveries = 0) {
  requireOptions(options, builder, { options: ORDER_OPTIONS, schema: 'order', refused: ['id'] })
  const planned = orderPlan(options, minDeliveries)
  const affected = affectedLines(options)
  const { eventName = 'OrderLinesAcceptedBySupplier' } = options
  const sizes = [affected[0]?.index ?? 0, affected.length, planned.deliveries]
  const meta = messageMeta(planned, builder, knownEventName(eventName), sizes)
  return { planned, affected, eventName, meta }
}

function header<Line>(planned: OrderPlan, lines: Line[]) {
  return {
    buyerOrder: buyerOrder(planned),
    supplierOrder: supplierOrder(planned),
    lines,
    indicators: { deliveryOverdue: false },
    status: { processStatus: 'Confirmed', logisticsStatus: 'Open' },
    version: planned.version,
    lastUpdatedAt: planned.lastUpdatedAt,
  }
}

/** Builders of a fetched order, and of its events with delivery schedules or in single delivery form. */
import type { OrderEventName } from '../../events/event-names'
import type { MessageMeta, Order, OrderLine, SingleDeliveryOrder, SingleDeliveryOrderLine } from '../../schema'
import { merge } from './merge'
import { knownEventName, overridesIn, requireOptions } from './options'
import { buyerOrder, orderLine, singleDeliveryLines, supplierOrder } from './order-parts'
import { affectedLines, ORDER_OPTIONS, orderPlan, type AffectedLinesOptions, type OrderPlan } from './order-plan'
import type { OrderDeliveryOptions, OrderOverrides } from './order-plan'
import { messageMeta } from './parts'

/** Options of `order`. Fields of an order can be given too, and override the built values. */
export interface OrderOptions extends OrderDeliveryOptions<OrderLine>, OrderOverrides {
  // Options that only events have: declared as `undefined`, so that passing an event's options is a type error.
  eventName?: undefined
  firstLine?: undefined
  meta?: undefined
}

/** Options of both builders of an order event. */
export interface AnyOrderEventOptions<Line> extends OrderDeliveryOptions<Line>, AffectedLinesOptions, OrderOverrides {
  /** A known name or an empty one; any other name throws. Default: 'OrderLinesAcceptedBySupplier'. */
  eventName?: OrderEventName | (string & {}) | undefined
  /**
   * Overrides fields of `meta` in the event. By default, its `messageId` is derived from the options; events that
   * differ only in overrides have the same `messageId`.
   */
  meta?: MessageMeta | undefined
}

/** Options of `orderEvent`. Fields of an order can be given too, and override the built values. */
export type OrderEventOptions = AnyOrderEventOptions<OrderLine>
/** Options of `singleDeliveryOrderEvent`. Fields of an order can be given too, and override the built values. */
export type SingleDeliveryOrderEventOptions = AnyOrderEventOptions<SingleDeliveryOrderLine>

/** An order as the API returns it. */
export type FetchedOrder = Order & { id: string; lines: OrderLine[]; version: number; lastUpdatedAt: string }

/** Fields that every built event of an order has, except a documents event. */
export interface OrderEventFields {
  orderId: string
  version: number
  meta: MessageMeta
  lastUpdatedAt: string
}

/** Body of an order webhook: an event with delivery schedules. */
export interface OrderEventBody {
  eventName: string
  orderEvent: Order & OrderEventFields & { lines: OrderLine[] }
}

/** Body of an order webhook: an event in single delivery form. */
export interface SingleDeliveryOrderEventBody {
  eventName: string
  singleDeliveryOrderEvent: SingleDeliveryOrder & OrderEventFields & { lines: SingleDeliveryOrderLine[] }
}

/**
 * An order with all its lines, as `GET /order/{orderId}` returns it. The simulator can serve it for the events of
 * `orderEvent` and `singleDeliveryOrderEvent`. For the same order as in an event, pass the same `seed`, `orderId`,
 * `version`, `lastUpdatedAt`, `deliveries` and `documents`. The ID and the header are then the same, and so is each
 * line that both contain.
 *
 * Overrides are merged field by field at any depth. The entries of `lines` are merged into the built lines; any other
 * list replaces the built list. `null` is written, `undefined` has no effect. An override changes only its own field.
 * Results share no objects, so a test may change any part.
 *
 * Throws a `TypeError` that names the invalid option. A name that is neither an option nor a documented field is
 * invalid too: set such a field in the result.
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
 * Body of an order webhook: an `orderEvent` with delivery schedules. It contains only the lines that the event affects,
 * see `firstLine`. For a later event of the same order, keep the `seed` and increase the `version`: the event gets
 * another message ID and a later `lastUpdatedAt`. For another order, use another `seed`.
 *
 * The statuses do not follow the `eventName`, because Tradecloud does not document which status belongs to which event.
 * Set the statuses that a test needs. Overrides and errors: as for `order`.
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
 * Body of an order webhook with `singleDeliveryOrderEvent`. A line with several deliveries is split into one part per
 * delivery, so the event contains `lines` times `deliveries` lines. The first part of each line keeps the `position` of
 * the original line. The other parts have only `originalPosition`, like newly split lines. An override of a line
 * applies to all its parts. Everything else: as for `orderEvent`.
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

/** Bodies of orders and shipments in the API, in single delivery form, and in events. */
import { BUYER_ID, SUPPLIER_ID } from '../builders/parts'
import { Seeded } from '../builders/seeded'

export type Json = Record<string, unknown>

/** An order or shipment as `GET` shows it. */
export interface Entity extends Record<string, unknown> {
  id: string
}

export interface OrderLineJson extends Json {
  id: string
}

export const linesOf = (order: Json): OrderLineJson[] => (order.lines ?? []) as OrderLineJson[]

/**
 * Converts an order to one line per delivery. All parts of a split line get the same ID here. Tradecloud does not
 * document which ID a new line without a position has. A shared ID is the worst case.
 */
export function singleDeliveryOf(order: Json): Json {
  return { ...order, lines: linesOf(order).flatMap(singleDeliveryLines) }
}

function singleDeliveryLines(line: OrderLineJson): OrderLineJson[] {
  const { deliverySchedule, deliveryScheduleIncludingRequests, prices, pricesIncludingRequests, ...rest } = line
  const { confirmedLine, buyerLine, ...common } = rest
  const current = listOf(deliverySchedule)
  const requested = listOf(deliveryScheduleIncludingRequests)
  const { position, ...buyerFields } = without(buyerLine, 'deliverySchedule')
  const confirmed = confirmedLine as Json | undefined
  const agreed = listOf(confirmed?.deliverySchedule)
  return (current.length > 0 ? current : [{}]).map((delivery, part) => ({
    ...common,
    id: line.id,
    buyerLine: { ...(part === 0 ? { position } : { originalPosition: position }), ...buyerFields },
    ...(confirmed && { confirmedLine: { scheduledDelivery: agreed[part], prices: confirmed.prices } }),
    statusLine: {
      scheduledDelivery: without(delivery, 'position'),
      scheduledDeliveryInclRequests: without(requested[part] ?? delivery, 'position'),
      prices,
      pricesInclRequests: pricesIncludingRequests,
    },
  }))
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

function without(value: unknown, field: string): Json {
  return Object.fromEntries(Object.entries((value ?? {}) as Json).filter(([name]) => name !== field))
}

interface Message {
  eventName: string
  lastUpdatedAt: string
  /** Makes each message ID unique. */
  number: number
}

/** Body of an order event; it contains only the lines in `lineIds`. */
export function orderBody(order: Entity, lineIds: readonly string[], field: string, message: Message): object {
  const { id, ...header } = order
  const lines = linesOf(order).filter((line) => lineIds.includes(line.id))
  return {
    eventName: message.eventName,
    [field]: { orderId: id, ...header, lines, meta: messageMeta(id, message) },
  }
}

/** Built by analogy to an order, because Tradecloud does not document the fields of an order documents event. */
export function documentsBody(order: Entity, lineIds: readonly string[], message: Message): object {
  const lines = linesOf(order).filter((line) => lineIds.includes(line.id))
  const documentsOf = (part: unknown) => ({ documents: ((part ?? {}) as Json).documents })
  return {
    eventName: message.eventName,
    orderDocumentsEvent: {
      orderId: order.id,
      ...(lineIds.length === 0 && { supplierOrder: documentsOf(order.supplierOrder) }),
      lines: lines.map(({ id, supplierLine }) => ({ id, supplierLine: documentsOf(supplierLine) })),
      meta: messageMeta(order.id, message),
      lastUpdatedAt: message.lastUpdatedAt,
    },
  }
}

export function shipmentBody(shipment: Entity, message: Message): object {
  return { eventName: message.eventName, shipment, meta: messageMeta(shipment.id, message) }
}

function messageMeta(id: string, { eventName, lastUpdatedAt, number }: Message): object {
  const seeded = new Seeded(number)
  const companyId = eventName.endsWith('ByBuyer') ? BUYER_ID : SUPPLIER_ID
  return {
    messageId: seeded.uuid('message', id),
    source: { traceId: seeded.uuid('trace', id), companyId },
    createdDateTime: lastUpdatedAt,
  }
}

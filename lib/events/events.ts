/**
 * The typed events that callbacks receive. The event of an order or shipment is a union over `completeness`: the order
 * or shipment is present unless only its ID is known.
 */
import type { OrderDocumentsEventName, OrderEventName, ShipmentEventName } from './event-names'
import type {
  MessageMeta,
  Order,
  OrderDocuments,
  OrderLine,
  Shipment,
  SingleDeliveryOrder,
  SingleDeliveryOrderLine,
  TradecloudDocument,
} from '../schema'

/** What an event is about. `unknown`: a body of a kind that this version of the package does not know. */
export type EventKind = 'order' | 'orderDocuments' | 'shipment' | 'unknown'

/**
 * A defect of a body, or of an order or shipment from the API: mostly a deviation from its schema. With
 * `validation: 'tolerant'`, the event is delivered nevertheless.
 */
export interface Issue {
  /**
   * JSON pointer (RFC 6901) into the body of the request. If there was no body, or if `message` begins with
   * `fetched: `, the pointer is into the order or shipment.
   */
  pointer: string
  /** The error, such as `must be number,null`. Never quotes the value. */
  message: string
}

/**
 * A known name, or any other text, because Tradecloud may add names later. GET triggers, bodies without a name, and
 * changes that the catch-up found have no `eventName`.
 */
export type OpenName<Known extends string> = Known | (string & {})

/** Fields of all events. */
export interface EventBase {
  /** Method of the request that brought the event. `'GET'` if the catch-up found it. */
  method: 'GET' | 'POST' | 'PUT'
  /** Order version: a whole number that most likely rises with each change. */
  version?: number | undefined
  /** When the order or shipment last changed, as Tradecloud wrote it: ISO 8601, mostly with a time zone. */
  lastUpdatedAt?: string | undefined
  /**
   * The message meta of the body, such as message ID and trace ID. Absent for a GET trigger, and for an event that the
   * catch-up found.
   */
  meta?: MessageMeta | undefined
  /**
   * Deviations from the schema, and removed keys. At most 20 are listed; if there are more, one further entry says so.
   * Empty for nearly every event.
   */
  issues: Issue[]
}

/** Fields of all order events. */
export interface OrderEventBase extends EventBase {
  kind: 'order'
  eventName?: OpenName<OrderEventName> | undefined
  /** Tradecloud's order ID. Always set. */
  orderId: string
}

/** An order event as received in a body, in the form of delivery schedules: several deliveries per line. */
export interface AffectedOrderLinesEvent extends OrderEventBase {
  completeness: 'affected-lines'
  lineForm: 'deliverySchedule'
  /** The order in the body. **Its `lines` are only the lines that the event changed.** */
  order: Order
  /** The lines that the event changed. */
  affectedLines: OrderLine[]
}

/** An order event as received in a body, in the single delivery form: one delivery per line. */
export interface AffectedSingleDeliveryOrderLinesEvent extends OrderEventBase {
  completeness: 'affected-lines'
  lineForm: 'singleDelivery'
  /** The order in the body. **Its `lines` are only the lines that the event changed.** */
  order: SingleDeliveryOrder
  /** The lines that the event changed. */
  affectedLines: SingleDeliveryOrderLine[]
}

/**
 * An event with the whole order. Either the catch-up found the order, or the order was fetched: for a GET trigger, or
 * for a body with `fetch: 'always'`.
 */
export interface WholeOrderEvent extends OrderEventBase {
  completeness: 'all-lines'
  lineForm: 'deliverySchedule'
  /** The fetched or found order with all its lines, not modified. */
  order: Order
  /**
   * The lines that the event changed. If the catch-up found the order: the lines that the catch-up delivers. Absent for
   * a GET trigger, which does not say which lines changed.
   */
  affectedLines?: OrderLine[] | undefined
}

/**
 * An event with the whole order, whose changed lines are in the single delivery form. The order was fetched with
 * `fetch: 'always'`, or found by the catch-up.
 */
export interface WholeOrderOfSingleDeliveryEvent extends OrderEventBase {
  completeness: 'all-lines'
  /** The form of `affectedLines`, and of an order that the catch-up found. A fetched order has delivery schedules. */
  lineForm: 'singleDelivery'
  /** The fetched or found order with all its lines, not modified. */
  order: Order | SingleDeliveryOrder
  /** The lines that the event changed. If the catch-up found the order: the lines that the catch-up delivers. */
  affectedLines: SingleDeliveryOrderLine[]
}

/**
 * An event for a GET trigger whose order is not fetched, because the option `api` is missing or `fetch` is `'never'`:
 * only the ID is known.
 */
export interface OrderIdEvent extends OrderEventBase {
  completeness: 'id-only'
  lineForm: 'deliverySchedule'
  order?: undefined
  affectedLines?: undefined
}

/** The event that `onOrder` receives. TypeScript narrows it by `completeness` and `lineForm`. */
export type OrderEvent =
  | AffectedOrderLinesEvent
  | AffectedSingleDeliveryOrderLinesEvent
  | WholeOrderEvent
  | WholeOrderOfSingleDeliveryEvent
  | OrderIdEvent

/** An attached document, and where it is attached. */
export interface AttachedDocument {
  document: TradecloudDocument
  /**
   * Whether the document is in the buyer's or the supplier's part of the order or line; `unknown` if it is in neither
   * part.
   */
  party: 'buyer' | 'supplier' | 'unknown'
  /** ID of the line; absent for a document of the order itself. */
  lineId?: string | undefined
}

/** Fields of all order documents events. */
export interface OrderDocumentsEventBase extends EventBase {
  kind: 'orderDocuments'
  eventName?: OpenName<OrderDocumentsEventName> | undefined
  /** Tradecloud's order ID. Always set. */
  orderId: string
  /** All documents in the body. May be empty, because Tradecloud does not document the fields of this event. */
  documents: AttachedDocument[]
}

/** The event that `onOrderDocuments` receives. It contains no files, only references to them. */
export type OrderDocumentsEvent =
  | (OrderDocumentsEventBase & { completeness: 'affected-lines'; order: OrderDocuments })
  | (OrderDocumentsEventBase & { completeness: 'all-lines'; order: Order })

/** Fields of all shipment events. */
export interface ShipmentEventBase extends EventBase {
  kind: 'shipment'
  eventName?: OpenName<ShipmentEventName> | undefined
  /** Tradecloud's shipment ID. Always set. */
  shipmentId: string
}

/** The event that `onShipment` receives. If `shipment` is set, it has all its lines and documents. */
export type ShipmentEvent =
  | (ShipmentEventBase & { completeness: 'all-lines'; shipment: Shipment })
  | (ShipmentEventBase & { completeness: 'id-only'; shipment?: undefined })

/** The event that `onUnknown` receives: a body with an `eventName` but with no field that this version knows. */
export interface UnknownEvent extends EventBase {
  kind: 'unknown'
  eventName: string
  /** The whole body. */
  body: Record<string, unknown>
}

export type WebhookEvent = OrderEvent | OrderDocumentsEvent | ShipmentEvent | UnknownEvent

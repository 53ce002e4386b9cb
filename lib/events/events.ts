/**
 * The typed events that callbacks get, and the context that comes with each. A union over `completeness`: the order
 * or shipment is there unless only its ID is known.
 */
import type { TradecloudClient } from '../api'
import type { OrderDocumentsEventName, OrderEventName, ShipmentEventName } from '../tradecloud/event-names'
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

/** What an event is about. `unknown` is a body kind that this version of the package does not know. */
export type EventKind = 'order' | 'orderDocuments' | 'shipment' | 'unknown'

/** A place where a body deviates from its schema. Delivered all the same in `validation: 'tolerant'`. */
export interface Issue {
  /** JSON pointer (RFC 6901) into the body; for a fetched order or shipment, into that. */
  pointer: string
  /** What is wrong there, e.g. `must be number,null`. Never quotes the value. */
  message: string
}

/** A known name, open to names that Tradecloud adds later. Absent for GET triggers and bare orders. */
export type OpenName<Known extends string> = Known | (string & {})

/** What all events have. */
export interface EventBase {
  /** Method of the request that brought the event. */
  method: 'GET' | 'POST' | 'PUT'
  /** Order version: a whole number that most likely rises with each change. */
  version?: number | undefined
  /** When the order or shipment last changed, as Tradecloud wrote it: ISO 8601, mostly with a time zone. */
  lastUpdatedAt?: string | undefined
  /** Message meta: message ID and trace ID. Absent for GET triggers. */
  meta?: MessageMeta | undefined
  /** Deviations from the schema, at most 20 and a note that there are more. Empty for nearly every event. */
  issues: Issue[]
}

/** What all order events have. */
export interface OrderEventBase extends EventBase {
  kind: 'order'
  eventName?: OpenName<OrderEventName> | undefined
  /** Tradecloud's order ID. Always set. */
  orderId: string
}

/** An order event as it came in a body, in delivery schedules: several deliveries a line. */
export interface AffectedOrderLinesEvent extends OrderEventBase {
  completeness: 'affected-lines'
  lineForm: 'deliverySchedule'
  /** The order of the body. **Its `lines` are only those that the event changed.** */
  order: Order
  /** The lines that the event changed. */
  affectedLines: OrderLine[]
}

/** An order event as it came in a body, in the single delivery form: one delivery a line. */
export interface AffectedSingleDeliveryOrderLinesEvent extends OrderEventBase {
  completeness: 'affected-lines'
  lineForm: 'singleDelivery'
  /** The order of the body. **Its `lines` are only those that the event changed.** */
  order: SingleDeliveryOrder
  /** The lines that the event changed. */
  affectedLines: SingleDeliveryOrderLine[]
}

/** The whole order, fetched for a GET trigger, or for a body with `fetch: 'always'`. */
export interface WholeOrderEvent extends OrderEventBase {
  completeness: 'all-lines'
  lineForm: 'deliverySchedule'
  /** The order as fetched, with all its lines, not modified. */
  order: Order
  /** The lines that the event changed; absent for a GET trigger, which does not tell. */
  affectedLines?: OrderLine[] | undefined
}

/** The whole order, fetched for a body in the single delivery form with `fetch: 'always'`. */
export interface WholeOrderOfSingleDeliveryEvent extends OrderEventBase {
  completeness: 'all-lines'
  /** The form of `affectedLines`. The fetched order is in delivery schedules. */
  lineForm: 'singleDelivery'
  /** The order as fetched, with all its lines, not modified. */
  order: Order
  /** The lines that the event changed. */
  affectedLines: SingleDeliveryOrderLine[]
}

/** A GET trigger without `api`: only the ID is known. */
export interface OrderIdEvent extends OrderEventBase {
  completeness: 'id-only'
  lineForm: 'deliverySchedule'
  order?: undefined
  affectedLines?: undefined
}

/** Given to `onOrder`. Narrows by `completeness` and `lineForm`. */
export type OrderEvent =
  | AffectedOrderLinesEvent
  | AffectedSingleDeliveryOrderLinesEvent
  | WholeOrderEvent
  | WholeOrderOfSingleDeliveryEvent
  | OrderIdEvent

/** A document that was attached, with where it hangs. */
export interface AttachedDocument {
  document: TradecloudDocument
  /** Whose part of the order or line the document is in. `unknown` where it is in the part of neither. */
  party: 'buyer' | 'supplier' | 'unknown'
  /** ID of the line; absent for a document of the order itself. */
  lineId?: string | undefined
}

/** What all order documents events have. */
export interface OrderDocumentsEventBase extends EventBase {
  kind: 'orderDocuments'
  eventName?: OpenName<OrderDocumentsEventName> | undefined
  /** Tradecloud's order ID. Always set. */
  orderId: string
  /** All documents in the body. Tradecloud does not document the fields of this event: expect an empty list too. */
  documents: AttachedDocument[]
}

/** Given to `onOrderDocuments`. The files are not in the event. */
export type OrderDocumentsEvent =
  | (OrderDocumentsEventBase & { completeness: 'affected-lines'; order: OrderDocuments })
  | (OrderDocumentsEventBase & { completeness: 'all-lines'; order: Order })

/** What all shipment events have. */
export interface ShipmentEventBase extends EventBase {
  kind: 'shipment'
  eventName?: OpenName<ShipmentEventName> | undefined
  /** Tradecloud's shipment ID. Always set. */
  shipmentId: string
}

/** Given to `onShipment`. A shipment always comes with all its lines and documents. */
export type ShipmentEvent =
  | (ShipmentEventBase & { completeness: 'all-lines'; shipment: Shipment })
  | (ShipmentEventBase & { completeness: 'id-only'; shipment?: undefined })

/** Given to `onUnknown`: a body with an `eventName` but with no field that this version knows. */
export interface UnknownEvent extends EventBase {
  kind: 'unknown'
  eventName: string
  /** The whole body. */
  body: Record<string, unknown>
}

export type WebhookEvent = OrderEvent | OrderDocumentsEvent | ShipmentEvent | UnknownEvent

/** What a callback is told beside the event. */
export interface WebhookContext {
  /**
   * The same in every retry of an event: store it in the transaction of the ERP write to make the write idempotent.
   * A UUID. For a GET trigger it derives from the ID and the fetched content. An event that a person has resent, and an
   * identical body without message ID, version and time of change, gets a new one once the event before it was delivered.
   */
  deliveryId: string
  /** One for each request. A UUID. */
  requestId: string
  /**
   * 1 for the first call, one more for each call of this process for the same event after a failed one. With an inbox: one
   * more each time that the event was handed out, also by a process that ended meanwhile.
   */
  attempt: number
  /** When the headers of the request had arrived. */
  receivedAt: Date
  /** Aborted only when `close()` ran out of patience, or the lease of a shared store or inbox was lost. */
  readonly signal: AbortSignal
  /**
   * The body after decompression. Absent for GET triggers and for bodies that the app had parsed to an object. The pieces
   * that a large body came in are joined when this is first read.
   */
  readonly rawBody?: Buffer | undefined
  /** True when this process has delivered a newer state of the same order or shipment before. */
  outdated: boolean
  /** True for an event out of the inbox that somebody asked to deliver again: `inbox.replay`. */
  replay: boolean
  /** The client of the `api` option, to fetch more. */
  api?: TradecloudClient | undefined
  /**
   * With `delivery: { transaction: true }`: a client in the transaction that also marks the event as delivered; with
   * `postgresInbox` a client of `pg`. Do not end the transaction. After a deadlock the callback runs again.
   */
  transaction?: TransactionClient | undefined
}

/** What a client of `pg` offers, as far as it is needed here. */
export interface TransactionClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Array<Record<string, unknown>>; rowCount: number | null }>
}

/** Any of the user's callbacks. Sync or async; may throw anything. */
export type Handler = (event: WebhookEvent, context: WebhookContext) => unknown

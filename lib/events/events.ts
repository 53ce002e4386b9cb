/**
 * The typed events that callbacks receive, and their context. A union over `completeness`: the order or shipment is
 * present unless only its ID is known.
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

/** A deviation of a body from its schema. The event is delivered nevertheless with `validation: 'tolerant'`. */
export interface Issue {
  /** JSON pointer (RFC 6901) into the body; for a fetched order or shipment, into that. */
  pointer: string
  /** The error, e.g. `must be number,null`. Never quotes the value. */
  message: string
}

/** A known name, open to names that Tradecloud adds later. Absent for GET triggers and bare orders. */
export type OpenName<Known extends string> = Known | (string & {})

/** Fields of all events. */
export interface EventBase {
  /** Method of the request that brought the event. `'GET'` if the catch-up found it. */
  method: 'GET' | 'POST' | 'PUT'
  /** Order version: a whole number that most likely rises with each change. */
  version?: number | undefined
  /** When the order or shipment last changed, as Tradecloud wrote it: ISO 8601, mostly with a time zone. */
  lastUpdatedAt?: string | undefined
  /** Message meta: message ID and trace ID. Absent for GET triggers. */
  meta?: MessageMeta | undefined
  /** Deviations from the schema: at most 20, and a note if there are more. Empty for nearly every event. */
  issues: Issue[]
}

/** Fields of all order events. */
export interface OrderEventBase extends EventBase {
  kind: 'order'
  eventName?: OpenName<OrderEventName> | undefined
  /** Tradecloud's order ID. Always set. */
  orderId: string
}

/** An order event as received in a body, in delivery schedules: several deliveries per line. */
export interface AffectedOrderLinesEvent extends OrderEventBase {
  completeness: 'affected-lines'
  lineForm: 'deliverySchedule'
  /** The order of the body. **Its `lines` are only those that the event changed.** */
  order: Order
  /** The lines that the event changed. */
  affectedLines: OrderLine[]
}

/** An order event as received in a body, in the single delivery form: one delivery per line. */
export interface AffectedSingleDeliveryOrderLinesEvent extends OrderEventBase {
  completeness: 'affected-lines'
  lineForm: 'singleDelivery'
  /** The order of the body. **Its `lines` are only those that the event changed.** */
  order: SingleDeliveryOrder
  /** The lines that the event changed. */
  affectedLines: SingleDeliveryOrderLine[]
}

/** The whole order, fetched for a GET trigger or for a body with `fetch: 'always'`, or found by the catch-up. */
export interface WholeOrderEvent extends OrderEventBase {
  completeness: 'all-lines'
  lineForm: 'deliverySchedule'
  /** The order as fetched, with all its lines, not modified. */
  order: Order
  /** The lines that the event changed, or that had not arrived; absent for a GET trigger, which does not name them. */
  affectedLines?: OrderLine[] | undefined
}

/** The whole order, for lines in the single delivery form: fetched with `fetch: 'always'`, or found by the catch-up. */
export interface WholeOrderOfSingleDeliveryEvent extends OrderEventBase {
  completeness: 'all-lines'
  /** The form of `affectedLines`, and of an order that the catch-up found. A fetched order is in delivery schedules. */
  lineForm: 'singleDelivery'
  /** The order as fetched or found, with all its lines, not modified. */
  order: Order | SingleDeliveryOrder
  /** The lines that the event changed, or that had not arrived. */
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

/** An attached document and its place. */
export interface AttachedDocument {
  document: TradecloudDocument
  /** The party in whose part of the order or line the document is. `unknown` if it is in neither part. */
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

/** Given to `onOrderDocuments`. The files are not in the event. */
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

/** The second argument of each callback. */
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
  /** When the headers of the request arrived. */
  receivedAt: Date
  /** Aborted only when `close()` has timed out, or when the lease of a shared store or inbox was lost. */
  readonly signal: AbortSignal
  /**
   * The body after decompression. Absent for GET triggers and for bodies that the app had parsed to an object. The chunks
   * of a large body are joined when this is first read.
   */
  readonly rawBody?: Buffer | undefined
  /**
   * True if this process has already delivered a newer state of the same order or shipment. For an event that the catch-up
   * found: if any process has received a newer one.
   */
  outdated: boolean
  /** `'catch-up'`: the event never arrived, and was found by polling. It has no event name. */
  source: 'webhook' | 'catch-up'
  /** True for an event from the inbox that is delivered again on request: `inbox.replay`. */
  replay: boolean
  /** The client of the `api` option, for further requests. */
  api?: TradecloudClient | undefined
  /**
   * With `delivery: { transaction: true }`: a client in the transaction that also marks the event as delivered; with
   * `postgresInbox` a client of `pg`. Do not end the transaction. After a deadlock the callback runs again.
   */
  transaction?: TransactionClient | undefined
}

/** The part of a `pg` client that is needed here. */
export interface TransactionClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Array<Record<string, unknown>>; rowCount: number | null }>
}

/** Any of the user's callbacks. Sync or async; may throw anything. */
export type Handler = (event: WebhookEvent, context: WebhookContext) => unknown

/** What a test tells the simulated Tradecloud to change, and what comes of it. */
import type { OrderDocumentsEventName, OrderEventName, ShipmentEventName } from '../../tradecloud/event-names'
import { requireKnown, requireMs, requireOneOf, requireWhole } from '../checks'

/**
 * What becomes of the event of a change: it is sent; it is lost on its way; it is sent later; it is sent twice; or
 * there is none, because the portal has it switched off.
 */
export type EventFate = 'send' | 'lose' | 'delay' | 'twice' | 'none'

/** What changes of orders and shipments have in common. */
export interface ChangeOptions {
  /** What becomes of the event. Default: 'send'. */
  deliver?: EventFate | undefined
  /** When a delayed event is sent, or the second of two, in milliseconds after the change. Default: 60000. */
  delayMs?: number | undefined
  /** A POST with the event, or a GET with the ID alone. Default: 'POST'. */
  method?: 'POST' | 'GET' | undefined
  /** When the API shows the change, in milliseconds after it was made. Default: 0. */
  visibleAfterMs?: number | undefined
  /** How many milliseconds ago the change was made: for changes that are older than the test. Default: 0, now. */
  agoMs?: number | undefined
}

/** A field that is `null` is written; one that is `undefined` stays as it was. */
export interface LineChange {
  id: string
  [field: string]: unknown
}

/** One change of an order. */
export interface OrderChange extends ChangeOptions {
  /**
   * With the name of an order documents event, a document is attached to the order or to the `lines`. Default:
   * 'OrderLinesUpdatedBySupplier'.
   */
  eventName?: OrderEventName | OrderDocumentsEventName | (string & {}) | undefined
  /**
   * The lines that change, which are those in the event: the ID of a line, whose description then changes, or an object
   * that is merged into the line with its `id`. A new ID is a new line. Default: none, the header alone changes.
   */
  lines?: ReadonlyArray<string | LineChange> | undefined
  /** Merged into the order. Default: if there are no `lines`, a new description of the order. */
  header?: Readonly<Record<string, unknown>> | undefined
  /** False: the lines tell no `lastUpdatedAt`. Default: true. */
  timed?: boolean | undefined
  /** The form of the event. The API has both. Default: 'deliverySchedule'. */
  form?: 'deliverySchedule' | 'singleDelivery' | undefined
}

/** One change of a shipment. */
export interface ShipmentChange extends ChangeOptions {
  /** Default: 'ShipmentReissuedBySupplier'. */
  eventName?: ShipmentEventName | (string & {}) | undefined
  /** Merged into the shipment. Default: another tracking number. */
  header?: Readonly<Record<string, unknown>> | undefined
}

/** A change that was made. */
export interface WorldChange {
  kind: 'order' | 'shipment'
  id: string
  /** The `lastUpdatedAt` that Tradecloud wrote. */
  lastUpdatedAt: string
  eventName: string
  /** IDs of the lines that changed. */
  lineIds: string[]
  deliver: EventFate
}

/** An event on its way to the webhook. */
export interface WorldEvent {
  change: WorldChange
  /** When it is sent, by `clock.now()`. */
  dueAt: number
  method: 'POST' | 'GET'
  /** Absent for a GET. Equal for both of an event that is sent twice. */
  body?: object | undefined
}

const COMMON = ['deliver', 'delayMs', 'method', 'visibleAfterMs', 'agoMs', 'eventName', 'header']
const FATES: readonly EventFate[] = ['send', 'lose', 'delay', 'twice', 'none']

/** With the defaults. Throws a `TypeError` that names a wrong option. */
export function resolveChange<T extends OrderChange | ShipmentChange>(change: T, kind: WorldChange['kind']) {
  requireKnown('change', change, kind === 'order' ? [...COMMON, 'lines', 'timed', 'form'] : COMMON)
  const { deliver = 'send', delayMs = 60_000, method = 'POST', visibleAfterMs = 0, agoMs = 0 } = change
  requireOneOf('deliver', deliver, FATES)
  requireOneOf('method', method, ['POST', 'GET'])
  if (delayMs !== 0) requireMs('delayMs', delayMs)
  requireWhole('visibleAfterMs', visibleAfterMs, 0)
  requireWhole('agoMs', agoMs, 0)
  return { ...change, deliver, delayMs, method, visibleAfterMs, agoMs }
}

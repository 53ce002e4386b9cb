/** Changes that a test makes in the simulated Tradecloud, and their results. */
import type { OrderDocumentsEventName, OrderEventName, ShipmentEventName } from '../../events/event-names'
import { requireKnown, requireMs, requireOneOf, requireWhole } from '../checks'

/**
 * What happens to the event of a change: it is sent, lost, sent later, or sent twice. `none`: there is no event,
 * because it is disabled in the portal.
 */
export type EventFate = 'send' | 'lose' | 'delay' | 'twice' | 'none'

/** Options that changes of orders and of shipments share. */
export interface ChangeOptions {
  /** What happens to the event. Default: 'send'. */
  deliver?: EventFate | undefined
  /** Milliseconds from the change until a delayed event, or the second of two events, is sent. Default: 60000. */
  delayMs?: number | undefined
  /** Whether the event is sent as a POST, or as a GET with only the ID. Default: 'POST'. */
  method?: 'POST' | 'GET' | undefined
  /** When the change becomes visible in the API, in milliseconds after the change. Default: 0. */
  visibleAfterMs?: number | undefined
  /** How many milliseconds ago the change was made, for changes older than the test. Default: 0, now. */
  agoMs?: number | undefined
}

/** The change of a line. A `null` field is written; an `undefined` one is left unchanged. */
export interface LineChange {
  id: string
  [field: string]: unknown
}

export interface OrderChange extends ChangeOptions {
  /**
   * Name of the event. With the name of an order documents event, a document is attached to the order or to the
   * `lines`. Default: 'OrderLinesUpdatedBySupplier'.
   */
  eventName?: OrderEventName | OrderDocumentsEventName | (string & {}) | undefined
  /**
   * The lines that change. The event contains only these lines. A string is the ID of a line whose description changes;
   * an object is merged into the line with its `id`. An unknown ID adds a line. Default: none, only the header changes.
   */
  lines?: ReadonlyArray<string | LineChange> | undefined
  /** Fields that are merged into the order. Default: a new description of the order if there are no `lines`. */
  header?: Readonly<Record<string, unknown>> | undefined
  /** If false, the changed lines have no `lastUpdatedAt`. Default: true. */
  timed?: boolean | undefined
  /** The form of the event. Polls of the API support both forms. Default: 'deliverySchedule'. */
  form?: 'deliverySchedule' | 'singleDelivery' | undefined
}

export interface ShipmentChange extends ChangeOptions {
  /** Name of the event. Default: 'ShipmentReissuedBySupplier'. */
  eventName?: ShipmentEventName | (string & {}) | undefined
  /** Fields that are merged into the shipment. Default: a new tracking number. */
  header?: Readonly<Record<string, unknown>> | undefined
}

/** A completed change. */
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

/** An event that was sent or has to be sent. */
export interface WorldEvent {
  change: WorldChange
  /** The event is due when `clock.now()` reaches this time. */
  dueAt: number
  method: 'POST' | 'GET'
  /** Absent for a GET. If an event is sent twice, both copies have the same body. */
  body?: object | undefined
}

const COMMON = ['deliver', 'delayMs', 'method', 'visibleAfterMs', 'agoMs', 'eventName', 'header']
const FATES: readonly EventFate[] = ['send', 'lose', 'delay', 'twice', 'none']

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

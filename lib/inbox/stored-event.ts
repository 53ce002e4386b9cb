/** The states of an event in an inbox, and what is stored about an event in addition to its bytes. */
import type { EventKind, Issue } from '../events/events'
import type { LineForm } from './catch-up/parts'

/**
 * The state of an event in an inbox.
 * - `waiting`: to be delivered.
 * - `running`: a process is delivering it.
 * - `delivered`: the body is kept as `keepDelivered` says, and the key is kept for `dedupeTtlMs`.
 * - `dead`: failed permanently.
 * - `quarantined`: the body is not readable or not valid, or there is no callback for the event.
 *
 * Dead and quarantined events are kept until an operator replays or purges them, or until Tradecloud sends them again.
 */
export type InboxState = 'waiting' | 'running' | 'delivered' | 'dead' | 'quarantined'

/** The index of a state in this list is its number in SQL. */
export const STATES: readonly InboxState[] = ['waiting', 'running', 'delivered', 'dead', 'quarantined']

/**
 * What is stored about an event in addition to its bytes, as JSON. From the headers, three things are stored: the
 * content type, the content encoding, and what adapters of `telemetry` have read (`trace`).
 */
export interface StoredEvent {
  /** Version of this format. */
  format: 1
  /** Name of the webhook (option `name`). Webhooks that share an inbox take only their own events. */
  name: string
  /**
   * UUID of the event. For most events with a body, it is also their `context.deliveryId`. Events with the same `key`
   * have the same ID, unless they are `repeatable`.
   */
  id: string
  /**
   * Dedupe key: another event with the same key is a duplicate (but see `repeatable`). Absent for a GET trigger, which
   * is never a duplicate.
   */
  key?: string | undefined
  /**
   * True if the same body may be a new event: a person resent the body, or it has neither message ID nor version nor
   * time. Until this event has been delivered, an identical body is a duplicate. After that, an identical body is a new
   * event with an ID of its own.
   */
  repeatable?: true | undefined
  /** `'body'`: the event has a body. `'id'`: a GET trigger, which has only the ID of the entity to fetch. */
  trigger: 'body' | 'id'
  /** `'unknown'` also for a quarantined body whose kind could not be read. */
  kind: EventKind
  eventName?: string | undefined
  /**
   * Events of one order or shipment are delivered one after another. An event without an entity has a queue of its own.
   */
  entity?: { kind: 'order' | 'shipment'; id: string } | undefined
  method: 'GET' | 'POST' | 'PUT'
  /** Path below the mount path, without the query, which may contain secrets. */
  path: string
  contentType?: string | undefined
  /** Only for a quarantined body that could not be decoded. All other bodies are stored decoded. */
  contentEncoding?: string | undefined
  /** SHA-256 of the bytes, in hex. */
  digest: string
  /**
   * True if the bytes are not those that were sent, but JSON written from the object that the app's body parser
   * returned.
   */
  reserialized?: true | undefined
  requestId: string
  /** When the request arrived, or the catch-up found the event, as ISO 8601 in UTC. */
  receivedAt: string
  /**
   * Set if the catch-up found the event. The body is then the order or shipment itself, as JSON. Absent if a request
   * brought the event.
   */
  found?: FoundFacts | undefined
  /** Trace context of the request, which an adapter of `telemetry` has set. */
  trace?: TraceContext | undefined
  /** Why the event was quarantined when it arrived. */
  quarantine?: { code: string; reason: string; issues?: Issue[] | undefined } | undefined
}

/** What the catch-up stores about an event that it found. */
export interface FoundFacts {
  form: LineForm
  /** Indexes of the affected lines in the order's `lines`. Elements that are not objects are not counted. */
  lines: number[]
  /** True if something newer had already arrived. */
  outdated: boolean
}

/** The trace to which the deliveries of an event belong, such as `{ traceparent: '00-…' }`. */
export type TraceContext = Readonly<Record<string, string>>

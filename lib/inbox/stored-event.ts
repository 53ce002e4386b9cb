/** The states of an event in an inbox, and what is stored of it next to its bytes. */
import type { EventKind, Issue } from '../events/events'
import type { LineForm } from './catch-up/parts'

/**
 * `waiting`: to be delivered. `running`: a process is delivering it. `delivered`: kept for `keepDelivered`, then only its
 * key. `dead`: given up. `quarantined`: could not be read. The last two are kept until a person replays or purges them.
 */
export type InboxState = 'waiting' | 'running' | 'delivered' | 'dead' | 'quarantined'

/** Their places here are their numbers in SQL. */
export const STATES: readonly InboxState[] = ['waiting', 'running', 'delivered', 'dead', 'quarantined']

/** What is stored next to the bytes of an event. Plain JSON; of the headers, it holds only the content type and encoding. */
export interface StoredEvent {
  /** Version of this format. */
  format: 1
  /** Name of the webhook (option `name`): webhooks that share an inbox take only their own events. */
  name: string
  /** UUID of the event, and its `context.deliveryId` if it has a body. Events with the same `key` have the same one. */
  id: string
  /** Dedupe key: another event with the same key is a duplicate. Absent for a GET trigger, which is never one. */
  key?: string | undefined
  /**
   * The same body may be a new event: it was resent by a person, or has no message ID, version or time. It is then a
   * duplicate only until the event with the same key has been delivered, and later gets an ID of its own.
   */
  repeatable?: true | undefined
  /** An event with its body, or only the ID of what to fetch. */
  trigger: 'body' | 'id'
  /** `'unknown'` also for a quarantined body whose kind could not be read. */
  kind: EventKind
  eventName?: string | undefined
  /** Events of one order or shipment are delivered one after another. An event without an entity has a queue of its own. */
  entity?: { kind: 'order' | 'shipment'; id: string } | undefined
  method: 'GET' | 'POST' | 'PUT'
  /** Below the mount path, without the query, which may contain secrets. */
  path: string
  contentType?: string | undefined
  /** Of a quarantined body that could not be decoded. All other bodies are stored without it. */
  contentEncoding?: string | undefined
  /** SHA-256 of the bytes, in hex. */
  digest: string
  /** The bytes are JSON that was written again from the object that the app's body parser left, not those that were sent. */
  reserialized?: true | undefined
  requestId: string
  /** ISO 8601, UTC. */
  receivedAt: string
  /** Set if the catch-up found the event. Its body is then the order or shipment itself, as JSON. Absent: a request brought it. */
  found?: FoundFacts | undefined
  /** Trace context of the request, by an adapter of `telemetry`. */
  trace?: TraceContext | undefined
  /** Why the event goes to quarantine instead of a callback. */
  quarantine?: { code: string; reason: string; issues?: Issue[] | undefined } | undefined
}

/** What the catch-up knows about an event that it found. */
export interface FoundFacts {
  form: LineForm
  /** Indexes of the lines that had not arrived, in the `lines` of the order. */
  lines: number[]
  /** Something newer had arrived before. */
  outdated: boolean
}

/** What the spans of the deliveries of an event refer to, as in `{ traceparent: '00-…' }`. */
export type TraceContext = Readonly<Record<string, string>>

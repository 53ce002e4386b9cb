/**
 * What an inbox must do: store events before Tradecloud is answered, and hand them out for delivery until they are
 * settled. There are inboxes for SQLite and PostgreSQL, and users may write others. Independent of HTTP and of
 * callbacks.
 */
import type { Arrival } from './catch-up/arrivals'
import type { CatchUpInbox } from './catch-up/storage'
import type { TradecloudWebhookError } from '../errors/errors'
import type { EventKind } from '../events/events'
import type { InboxState, StoredEvent } from './stored-event'

/**
 * The result of storing an event. All four results mean that the event is safe. `merged`: a waiting GET trigger for the
 * same order or shipment covers it.
 */
export interface Accepted {
  result: 'queued' | 'quarantined' | 'duplicate' | 'merged'
  /** ID under which the event is stored. */
  id: string
}

/** The events that a process has callbacks for. */
export interface Wanted {
  kind: EventKind
  /** The event names, if there are callbacks only for these. Absent: all events of the kind, and its GET triggers. */
  eventNames?: readonly string[] | undefined
}

/** An event that was taken for delivery to the callback. */
export interface InboxDelivery {
  event: StoredEvent
  /** The body; empty for a GET trigger. */
  bytes: Buffer
  /**
   * 1 for the first delivery; each delivery that began adds one, even if a crash ended it. 1 again after a settled
   * event was queued again.
   */
  attempt: number
  /** When attempt 1 began. */
  firstAttemptAt: Date
  /** True if an operator has replayed the event. */
  replay: boolean
  /**
   * False once the inbox is closed, or once another process may own the event, for example because this process was
   * suspended. Check it before calling the callback. If it is false, settle the delivery with a retry, because
   * otherwise the event stays with this process.
   */
  isOwned(): boolean
}

/** The result of a delivery. */
export type Settlement =
  | { result: 'delivered' }
  /** To be delivered again after `delayMs`. Until then, the other events of its order or shipment wait. */
  | { result: 'retry'; delayMs: number; outcome: string; reason: string }
  /** Given up, but kept. If Tradecloud sends the event again, it is queued again. */
  | { result: 'dead'; outcome: string; reason: string }
  /** The body is not readable or not valid, or there is no callback for the event. The event is kept. */
  | { result: 'quarantined'; outcome: string; reason: string }

/** One event in a list. */
export interface InboxEntry extends Pick<
  StoredEvent,
  'id' | 'name' | 'trigger' | 'kind' | 'eventName' | 'entity' | 'receivedAt' | 'requestId'
> {
  state: InboxState
  /**
   * Number of deliveries that have begun since the event was stored, or since it was queued again after it was settled.
   */
  attempts: number
  /** Size of the body in bytes. */
  bytes: number
  /**
   * Outcome of the last attempt, or of the request if the event was quarantined when it arrived. `'given_up'` if an
   * operator gave the event up.
   */
  outcome?: string | undefined
  reason?: string | undefined
  /** When a waiting event that has failed is tried again, as ISO 8601 in UTC. */
  nextAttemptAt?: string | undefined
  /** ID of another event of the same order or shipment that has to be settled first. Absent if there is none. */
  waitsBehind?: string | undefined
  /** When the event became delivered, dead or quarantined, as ISO 8601 in UTC. */
  settledAt?: string | undefined
}

/** One delivery of an event, as shown to an operator. Times are ISO 8601 in UTC. */
export interface InboxAttempt {
  begunAt: string
  /** Absent while the delivery runs, or if the process ended during it. */
  endedAt?: string | undefined
  outcome?: string | undefined
  reason?: string | undefined
}

export interface InboxFilter {
  /** The ID of an event, or the beginning of its ID. Default: any. */
  id?: string | undefined
  /** State of the event. Default: any. */
  state?: InboxState | undefined
  /** What the event is about. Default: any. */
  kind?: EventKind | undefined
  /** The complete event name. Default: any. */
  eventName?: string | undefined
  /** Order ID or shipment ID, or the end of it, such as a purchase order number. Default: any. */
  entityId?: string | undefined
  /** Received at or after this time. Default: any. */
  since?: Date | undefined
  /** Received before this time. Default: any. */
  before?: Date | undefined
}

export interface ListOptions extends InboxFilter {
  /** Maximum number of events per page. Default: 100. */
  limit?: number | undefined
  /** The `next` of the previous page. Default: none, which returns the first page. */
  after?: string | undefined
  /** True if the newest event comes first. Default: false, the oldest event comes first. */
  newestFirst?: boolean | undefined
}

export interface InboxPage {
  entries: InboxEntry[]
  /** To be passed as `after` to get the next page. Absent on the last page. */
  next?: string | undefined
}

export interface InboxStats {
  waiting: number
  running: number
  delivered: number
  dead: number
  quarantined: number
  /** Total size of the bodies of waiting and running events, in bytes. */
  waitingBytes: number
  /** When the oldest waiting or running event was received. Monitoring should raise an alarm if this is long ago. */
  oldestWaitingAt?: Date | undefined
}

export interface ShowOptions {
  /** How many bytes of the body to read, from its start. Default: all. */
  bodyBytes?: number | undefined
}

/** Number of events of one state that were received within one hour. */
export interface HourCount {
  /** Start of the hour. */
  hour: Date
  state: InboxState
  count: number
}

/** A process that is attached to the inbox, usually to take events. */
export interface InboxHost {
  name: string
  wanted: readonly Wanted[]
  /** True if this process has a catch-up. */
  catchUp?: boolean | undefined
  /**
   * The longest delay of a retry. An event that is due later than this delay from now was stored while the clock was
   * wrong.
   */
  maxDelayMs: number
  /**
   * If an event has been due for this long and no process has a callback for it, the inbox raises an alarm. This is
   * also the time limit of a callback's transaction: a transaction that takes longer is rolled back, to free its
   * connection. Absent: no alarm and no limit.
   */
  handlerTimeoutMs?: number | undefined
  /** Called when there may be events to take; it may be called at any time. */
  wake(): void
  /**
   * Called when this process has lost its lease, for example because it was suspended: other processes may deliver the
   * events that it had taken.
   */
  leaseLost(): void
  /** Raises an alarm for operators. */
  alarm(error: TradecloudWebhookError): void
}

/**
 * Stores events durably, and hands them out for delivery.
 *
 * Guarantees: an accepted event is handed out, repeatedly if necessary, until it is settled as delivered, dead or
 * quarantined, no matter which processes end in between. Events of one entity are delivered one at a time, in the order
 * in which they were accepted. An event that fails does not delay other entities.
 */
export interface Inbox {
  /**
   * Resolves once events can be accepted. If a process is attached, also waits until `isWanted` takes its callbacks
   * into account in all processes. Rejects if events cannot be accepted: the process should then not start. Set
   * `transaction` if `withTransaction` will be called.
   */
  ready(options?: { transaction?: boolean }): Promise<void>
  /**
   * Stores an event, and resolves when it is safe from a crash. If it cannot be stored, rejects (for a small body,
   * within 2.5 s), and the response is 503. `arrival` is what the event covers; it is recorded for the catch-up in the
   * same transaction.
   */
  accept(event: StoredEvent, bytes: Buffer, arrival?: Arrival): Promise<Accepted>
  /**
   * Whether any process that shares the inbox has a callback for events of this kind and name. Processes that ended in
   * the last hour count too, because they may be restarting. Must not return a cached `false`: a process with the
   * callback may have joined since, and an event that is not wanted is not stored.
   */
  isWanted(name: string, kind: EventKind, eventName: string | undefined): Promise<boolean>
  /** Registers a process and its callbacks. The returned function ends the registration. */
  attach(host: InboxHost): () => void
  /**
   * Takes at most `limit` events that are due, whose entity has no other event running, and whose bodies together fit
   * into `maxBytes`. `nextDueInMs` is the time until the next event is due; absent if events were taken, or if none is
   * waiting.
   */
  take(options: { limit: number; maxBytes: number }): Promise<{ deliveries: InboxDelivery[]; nextDueInMs?: number }>
  /**
   * Records the result of a delivery. Returns false if another process owns the event by now. Rejects if the result
   * could not be recorded. `arrival` is what was delivered. It is set only if the event covered something else when it
   * was stored. Unless the event is retried or quarantined, `arrival` replaces the arrival records in the same
   * transaction.
   */
  settle(delivery: InboxDelivery, settlement: Settlement, arrival?: Arrival): Promise<boolean>
  /**
   * Present only if callbacks can write into the database of the inbox. Runs `work` with a client in a transaction, and
   * settles the delivery as delivered in the same transaction. `work` may be called again, for example after a
   * deadlock.
   *
   * Resolves with true if the transaction was committed, and with false if another process owns the event. Rejects if
   * `work` or the database failed. If it resolves with false or rejects, nothing was committed. Exception: if the inbox
   * is closed before the outcome of a commit is known, it rejects, although the transaction may have been committed.
   */
  withTransaction?(
    delivery: InboxDelivery,
    work: (client: unknown) => Promise<void>,
    arrival?: Arrival,
  ): Promise<boolean>
  /** The storage of the catch-up for the webhook with this name. Absent if the inbox does not support the catch-up. */
  catchUp?(name: string): CatchUpInbox
  /**
   * True if arrivals must be recorded: a process that shares the inbox has, or had, a catch-up for this name. Called
   * for each event. Absent: arrivals are never recorded.
   */
  recordsArrivals?(name: string): Promise<boolean>
  list(options?: ListOptions): Promise<InboxPage>
  /** `bytes` is absent if the event has no body, or if its body is no longer kept or is damaged. */
  show(
    id: string,
    options?: ShowOptions,
  ): Promise<{ entry: InboxEntry; event: StoredEvent; attempts: InboxAttempt[]; bytes?: Buffer } | undefined>
  /** Yields the stored body for a download. Rejects if it is not kept. Absent: `show()` is called for the body. */
  bodyPieces?(id: string): AsyncIterable<Buffer>
  /**
   * Delivers an event again. A waiting event becomes due at once; any other event goes to the end of its queue. Returns
   * false if the ID is unknown, the event is running, or the body of the event is no longer kept.
   */
  replay(id: string): Promise<boolean>
  /** Gives up a waiting event, which becomes dead. Returns false if the ID is unknown or the event is not waiting. */
  giveUp(id: string, reason: string): Promise<boolean>
  /** Removes a dead or quarantined event permanently. Returns false for any other event. */
  purge(id: string): Promise<boolean>
  stats(): Promise<InboxStats>
  /**
   * Tests with a small write whether an event could be stored now. If not, rejects within 2.5 s. Used by `health()`,
   * which calls `stats()` if this method is absent.
   */
  check?(): Promise<void>
  /** Counts the events received since a time, by hour and state, for a chart. Absent: there is no chart. */
  countByHour?(since: Date): Promise<HourCount[]>
  /**
   * After this call, no event is stored or taken. Events that are not settled are delivered by other processes, or
   * after the next start.
   */
  close(): Promise<void>
}

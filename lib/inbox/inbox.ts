/**
 * What an inbox must do: it stores events before Tradecloud is answered, and hands them out until they are settled.
 * Implemented on SQLite, on PostgreSQL, and by users on other databases. Knows no HTTP and no callbacks.
 */
import type { Arrival } from './catch-up/arrivals'
import type { CatchUpInbox } from './catch-up/storage'
import type { TradecloudWebhookError } from '../errors/errors'
import type { EventKind } from '../events/events'
import type { InboxState, StoredEvent } from './stored-event'

/** In all four cases the event is safe. `merged`: a waiting GET trigger for the same ID covers it. */
export interface Accepted {
  result: 'queued' | 'quarantined' | 'duplicate' | 'merged'
  /** ID under which the event is stored. */
  id: string
}

/** The events that a process has callbacks for. */
export interface Wanted {
  kind: EventKind
  /** Only these event names. Absent: all events of the kind, and its GET triggers. */
  eventNames?: readonly string[] | undefined
}

/** One event on its way to the callback. */
export interface InboxDelivery {
  event: StoredEvent
  /** The body; empty for a GET trigger. */
  bytes: Buffer
  /** 1 for the first, and one more for each delivery that began, including those that a crash cut short. 1 after a replay. */
  attempt: number
  /** Start of attempt 1. */
  firstAttemptAt: Date
  /** The event was replayed by a person. */
  replay: boolean
  /**
   * False once another process may own the event, because this one stood still. Ask before the callback is called, and
   * settle the delivery with a retry instead: otherwise the event stays with this process.
   */
  isOwned(): boolean
}

/** The result of a delivery. */
export type Settlement =
  | { result: 'delivered' }
  /** Delivered again after `delayMs`; until then the other events of its order or shipment wait. */
  | { result: 'retry'; delayMs: number; outcome: string; reason: string }
  /** Given up. It is kept; if Tradecloud sends the event again, it is queued again. */
  | { result: 'dead'; outcome: string; reason: string }
  /** It cannot be read. It is kept. */
  | { result: 'quarantined'; outcome: string; reason: string }

/** One event in a list. */
export interface InboxEntry extends Pick<
  StoredEvent,
  'id' | 'name' | 'trigger' | 'kind' | 'eventName' | 'entity' | 'receivedAt' | 'requestId'
> {
  state: InboxState
  /** Deliveries that have begun, since the event was stored or replayed. */
  attempts: number
  /** Bytes of the body. */
  bytes: number
  /** Outcome of the last attempt that failed, or of the request if it went to quarantine. */
  outcome?: string | undefined
  reason?: string | undefined
  /** When a waiting event is tried next. ISO 8601, UTC. */
  nextAttemptAt?: string | undefined
  /** ID of the event of the same order or shipment that has to be settled first. Absent if there is none. */
  waitsBehind?: string | undefined
  /** When it was delivered, given up or quarantined. ISO 8601, UTC. */
  settledAt?: string | undefined
}

/** One delivery of an event, as it is shown to a person. Times are ISO 8601, UTC. */
export interface InboxAttempt {
  begunAt: string
  /** Absent while it runs, and if the process ended during it. */
  endedAt?: string | undefined
  outcome?: string | undefined
  reason?: string | undefined
}

export interface InboxFilter {
  /** The ID of an event, or the beginning of one. Default: any. */
  id?: string | undefined
  /** State of the event. Default: any. */
  state?: InboxState | undefined
  /** What the event is about. Default: any. */
  kind?: EventKind | undefined
  /** The whole name. Default: any. */
  eventName?: string | undefined
  /** Order ID or shipment ID, or the end of one: a purchase order number is enough. Default: any. */
  entityId?: string | undefined
  /** Received at or after this time. Default: any. */
  since?: Date | undefined
  /** Received before this time. Default: any. */
  before?: Date | undefined
}

export interface ListOptions extends InboxFilter {
  /** Events of one page. Default: 100. */
  limit?: number | undefined
  /** `next` of the page before. Default: none, the first page. */
  after?: string | undefined
  /** Which end of the list comes first. Default: false, the oldest event. */
  newestFirst?: boolean | undefined
}

export interface InboxPage {
  entries: InboxEntry[]
  /** Pass it as `after` to get the next page. Absent on the last page. */
  next?: string | undefined
}

export interface InboxStats {
  waiting: number
  running: number
  delivered: number
  dead: number
  quarantined: number
  /** Bytes of the bodies that wait or run. */
  waitingBytes: number
  /** When the oldest waiting or running event was received. Raise an alarm if it gets old. */
  oldestWaitingAt?: Date | undefined
}

export interface ShowOptions {
  /** The most bytes of the body to read, from its start. Default: all. */
  bodyBytes?: number | undefined
}

/** Events of one state that were received within one hour. */
export interface HourCount {
  /** When the hour began. */
  hour: Date
  state: InboxState
  count: number
}

/** The process that takes deliveries. */
export interface InboxHost {
  name: string
  wanted: readonly Wanted[]
  /** This process has a catch-up. */
  catchUp?: boolean | undefined
  /** The longest wait of a retry. An event that is due later was stored by a wrong clock. */
  maxDelayMs: number
  /**
   * An alarm is raised for an event that has been due for this long without a process that has a callback for it. A
   * callback's transaction that takes longer is rolled back, so that others can use its connection. Absent: neither.
   */
  handlerTimeoutMs?: number | undefined
  /** There may be events to take. May be called at any time. */
  wake(): void
  /** The lease was lost, because the process stood still: other processes may deliver what it had taken. */
  leaseLost(): void
  /** An alarm for operators. */
  alarm(error: TradecloudWebhookError): void
}

/**
 * Stores events durably and hands them out.
 *
 * Its promises: an accepted event is handed out until it is settled as delivered, dead or quarantined, whatever process
 * ends in between. Events of one entity are handed out one at a time, in the order in which they were accepted. An event
 * that fails holds up no other entity.
 */
export interface Inbox {
  /**
   * Resolves once events can be accepted. Rejects if they never can: the process should not start. `transaction`:
   * `withTransaction` will be used.
   */
  ready(options?: { transaction?: boolean }): Promise<void>
  /**
   * Stores an event. Resolves only once it survives a crash; rejects if it may not, within 2.5 s: the response is 503.
   * `arrival`: what the event covers, recorded for the catch-up in the same transaction.
   */
  accept(event: StoredEvent, bytes: Buffer, arrival?: Arrival): Promise<Accepted>
  /**
   * Whether any process that shares the inbox has a callback for such an event. Processes that ended in the last hour
   * count, because they may be restarting.
   */
  isWanted(name: string, kind: EventKind, eventName: string | undefined): Promise<boolean>
  /** Announces a process that takes deliveries, and what it has callbacks for. The returned function withdraws it. */
  attach(host: InboxHost): () => void
  /**
   * Takes at most `limit` events that are due, whose entity has no other event running, and whose bodies fit into
   * `maxBytes` together. `nextDueInMs`: when the next one will be due. Absent: call again after `wake()`.
   */
  take(options: { limit: number; maxBytes: number }): Promise<{ deliveries: InboxDelivery[]; nextDueInMs?: number }>
  /**
   * Records the result of a delivery. False if another process owns the event by now. Rejects if it could not be
   * recorded. `arrival`: what was delivered, if that differs from what the event covered when it was stored: it
   * replaces those records in the same transaction, unless the event is tried again.
   */
  settle(delivery: InboxDelivery, settlement: Settlement, arrival?: Arrival): Promise<boolean>
  /**
   * Only where callbacks can write into the same database: runs `work` with a client in a transaction, and settles the
   * delivery as delivered in that transaction. Both are committed once, or nothing is: if it rejects, as `work` did or
   * because of the database, and if it resolves with false, as another process owns the event by now. `work` runs again
   * after a deadlock.
   */
  withTransaction?(
    delivery: InboxDelivery,
    work: (client: unknown) => Promise<void>,
    arrival?: Arrival,
  ): Promise<boolean>
  /** Only if the catch-up can be used: what it stores for the webhook of this name. */
  catchUp?(name: string): CatchUpInbox
  /**
   * Whether arrivals must be recorded, because a process that shares the inbox has, or had, a catch-up for this name.
   * Called for each event. Absent: never.
   */
  recordsArrivals?(name: string): Promise<boolean>
  list(options?: ListOptions): Promise<InboxPage>
  /** `bytes` is absent if the event has no body, or if it is no longer kept. */
  show(
    id: string,
    options?: ShowOptions,
  ): Promise<{ entry: InboxEntry; event: StoredEvent; attempts: InboxAttempt[]; bytes?: Buffer } | undefined>
  /** The stored body for a download. Rejects if it is not kept. Without it, `show()` is asked for the whole body. */
  bodyPieces?(id: string): AsyncIterable<Buffer>
  /**
   * Delivers an event again: a waiting one is tried at once, any other goes to the end of its queue. False for an ID that
   * is unknown, that is running, or whose body is no longer kept.
   */
  replay(id: string): Promise<boolean>
  /** Gives up a waiting event: it becomes dead. False for an ID that is unknown or does not wait. */
  giveUp(id: string, reason: string): Promise<boolean>
  /** Removes a dead or quarantined event for good. False for any other. */
  purge(id: string): Promise<boolean>
  stats(): Promise<InboxStats>
  /**
   * Resolves if an event could be stored now, tried by a small write of its own; rejects if not, within 2.5 s. For
   * `health()`, which asks `stats()` of an inbox without it.
   */
  check?(): Promise<void>
  /** Counts the events that were received since then, by hour and state: for a chart. An inbox without it has none. */
  countByHour?(since: Date): Promise<HourCount[]>
  /** Stops taking and handing out events. Unsettled events are delivered after the next start. */
  close(): Promise<void>
}

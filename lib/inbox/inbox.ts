/**
 * The inbox that events are stored in before Tradecloud is answered, and delivered from afterwards: what an inbox must
 * do, for the one on files, the one on BullMQ, and those that users write. Knows no HTTP and no callback.
 */
import type { TradecloudWebhookError } from '../errors/errors'
import type { EventKind, Issue } from '../events/events'

/** What is stored beside the bytes of an event. Plain JSON; never holds a header but the content type. */
export interface StoredEvent {
  /** Version of this form. */
  format: 1
  /**
   * A UUID that names the event in this inbox. That of a body derives from `key` and is its `context.deliveryId`, so it
   * is the same when Tradecloud sends the event again.
   */
  id: string
  /** What duplicates are told by. Holds the request ID where the same bytes may be a new event. */
  key: string
  /** An event with its body, or only the ID of what to fetch. */
  trigger: 'body' | 'id'
  /** `'unknown'` also for a quarantined body whose kind cannot be told. */
  kind: EventKind
  eventName?: string | undefined
  /** Whose turn it takes: events of one order or shipment are delivered one after the other. Absent: of nobody. */
  entity?: { kind: 'order' | 'shipment'; id: string } | undefined
  method: 'GET' | 'POST' | 'PUT'
  /** Below the mount path, without the query, which may hold secrets. */
  path: string
  contentType?: string | undefined
  /** SHA-256 of the bytes, in hex: tells a damaged copy. */
  digest: string
  /** The bytes are what the app's body parser left, written as JSON again: not those that Tradecloud sent. */
  reserialized?: true | undefined
  requestId: string
  /** ISO 8601, UTC. */
  receivedAt: string
  /** Why it goes to quarantine, where it does. */
  quarantine?: { code: string; reason: string; issues?: Issue[] | undefined } | undefined
}

/**
 * `waiting`: stored, and delivered in its turn. `running`: at a callback. `dead`: given up, kept for a person.
 * `quarantined`: could not be read, kept for a person. `delivered`: only its key is left.
 */
export type InboxState = 'waiting' | 'running' | 'dead' | 'quarantined' | 'delivered'

/** `merged`: a trigger with an ID that one which still waits stands for. All three mean: it is safe. */
export type Accepted = 'queued' | 'duplicate' | 'merged'

/** One event on its way to the callback. */
export interface InboxDelivery {
  event: StoredEvent
  /** The body; empty for a trigger with an ID. */
  bytes: Buffer
  /** 1 for the first, one more each time, deliveries that a crash cut short included. Begins anew with a replay. */
  attempt: number
  /** When attempt 1 began. */
  firstAttemptAt: Date
  /** A person asked for it. */
  replay: boolean
  /** Aborted when another process may have got the event, for its lease was lost. */
  signal: AbortSignal
}

/** What became of a delivery. */
export type Settlement =
  /** The entity goes on to its next event; only the key is kept. */
  | { result: 'delivered' }
  /** Delivered again after `delayMs`; until then the entity's other events wait. */
  | { result: 'retry'; delayMs: number; reason: string }
  /** Given up. Kept with the reason; the same event sent again by Tradecloud is queued again. */
  | { result: 'dead'; reason: string }
  /** It cannot be read (any more). Kept with the reason. */
  | { result: 'quarantined'; reason: string }

/** Who takes deliveries: the webhook. */
export interface InboxHost {
  /** Calls of `run` that have not resolved, at most. */
  concurrency: number
  /** Bytes of the bodies that are out, in all; a larger one goes out alone. */
  maxBytes: number
  /**
   * Takes one event. Never rejects. Resolves when the inbox may hand out another one instead, which may be before the
   * event is settled; its entity stays blocked until then.
   */
  run(delivery: InboxDelivery): Promise<void>
  /** Something that a person should hear of. */
  alarm(error: TradecloudWebhookError): void
}

/** One event in a list. */
export interface InboxEntry extends Pick<
  StoredEvent,
  'id' | 'trigger' | 'kind' | 'eventName' | 'entity' | 'receivedAt' | 'requestId'
> {
  state: InboxState
  /** Deliveries that have begun. */
  attempts: number
  /** Bytes of the body. */
  bytes: number
  /** Why it waits for a retry, is dead or in quarantine. */
  reason?: string | undefined
  /** When it is tried again, where it failed before. ISO 8601, UTC. */
  nextAttemptAt?: string | undefined
}

export interface InboxFilter {
  state?: Exclude<InboxState, 'delivered'> | undefined
  kind?: EventKind | undefined
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  /** Received before this time. */
  before?: Date | undefined
}

/** Which events `purge` removes for good. Waiting and running ones never are. */
export interface PurgeFilter extends Omit<InboxFilter, 'state'> {
  state: 'dead' | 'quarantined'
}

export interface ReplayOptions {
  /** Called after each event. */
  onProgress?: ((progress: { done: number; total: number }) => void) | undefined
  /** Ends it after the event that is being replayed. */
  signal?: AbortSignal | undefined
}

/** For monitoring. */
export interface InboxStats {
  waiting: number
  running: number
  dead: number
  quarantined: number
  /** What waiting, running and dead events take up, in bytes. */
  bytes: number
  /** What quarantined ones take up, in bytes. */
  quarantineBytes: number
  /** When the oldest event that waits or runs was received. Alarm on its age. */
  oldestWaitingAt?: Date | undefined
}

/**
 * Stores events durably and hands them out. Belongs to one webhook, which closes it.
 *
 * What it promises: an event that was accepted is handed out until it is settled as delivered, dead or quarantined,
 * whatever ends in between; events of one entity one at a time, in the order in which they were accepted; events of
 * other entities are not held up by one that fails.
 */
export interface Inbox {
  /**
   * Stores an event, or the quarantined body of one. Resolves only once it is safe from a crash. Rejects where it is
   * not, within 2.5 s: the answer is then 503.
   */
  accept(event: StoredEvent, bytes: Buffer): Promise<Accepted>
  /** Begins to hand out events. Called once. The function that it returns ends that; what runs is settled all the same. */
  deliver(host: InboxHost): () => void
  /**
   * Notes what became of a delivery, and tries that until it works or the inbox is closed. False when it could not be
   * noted, or when the lease of the delivery was lost: the event is then delivered again.
   */
  settle(delivery: InboxDelivery, settlement: Settlement): Promise<boolean>
  /** The oldest first. Delivered events are not in it. */
  list(filter?: InboxFilter): AsyncIterable<InboxEntry>
  /**
   * Delivers an event again as if it had just come: a dead or quarantined one goes to the end of its entity's line, a
   * waiting one is tried at once. False for an ID that is not there, was delivered, or runs right now.
   */
  replay(id: string): Promise<boolean>
  /** Takes and hands out nothing more, and lets go of what it holds. What was not settled is delivered after the next start. */
  close(): Promise<void>
}

/** What the inboxes of this package offer beyond what a webhook needs: for those who look after them. */
export interface ManagedInbox extends Inbox {
  /** Resolves once events can be accepted. Rejects where they never will: then the process should not start. */
  ready(): Promise<void>
  /** One event with its body. `undefined` for an ID that is not there, or was delivered. */
  show(id: string): Promise<{ entry: InboxEntry; event: StoredEvent; bytes: Buffer } | undefined>
  /** Replays all that match. Resolves with how many there were. Default filter: all dead ones. */
  replayAll(filter?: InboxFilter, options?: ReplayOptions): Promise<number>
  /** Removes events for good. Resolves with how many there were. */
  purge(filter: PurgeFilter): Promise<number>
  stats(): Promise<InboxStats>
}

/** The context that a callback receives about the delivery of its event. */
import type { TradecloudClient } from '../api'

/** The second argument of each callback. */
export interface WebhookContext {
  /**
   * A UUID that is the same in every retry of an event. Store it in the transaction of the ERP write to make that write
   * idempotent. For a GET trigger, the UUID is derived from the ID and the fetched content or, without a fetch, from
   * the `requestId`.
   *
   * If a person resends an event that was delivered, the resent event gets a new UUID. A body that is identical to a
   * delivered body also gets a new UUID, if it has no message ID, no version and no time of change.
   */
  deliveryId: string
  /** A UUID that is unique for each request. */
  requestId: string
  /**
   * How often this process has called the callback for the event, including this call. With an inbox: how often the
   * event has been taken for delivery, by any process.
   */
  attempt: number
  /** When the headers of the request arrived. For an event that the catch-up found: when it was found. */
  receivedAt: Date
  /** Aborted only when `close()` has timed out, or when the lease of a shared store or inbox was lost. */
  readonly signal: AbortSignal
  /**
   * The body after decompression. Absent for GET triggers, for events that the catch-up found, and for bodies that the
   * app had parsed to an object. The chunks of a large body are joined when `rawBody` is first read.
   */
  readonly rawBody?: Buffer | undefined
  /**
   * True if this process has already delivered a newer state of the same order or shipment. For an event that the
   * catch-up found: true if any process has already received a newer state.
   */
  outdated: boolean
  /**
   * `'catch-up'`: the catch-up found the change by polling. The change never arrived, except in a run with `all`, which
   * also delivers what has arrived. Such an event has no event name.
   */
  source: 'webhook' | 'catch-up'
  /** True for an event from the inbox that is delivered again because `inbox.replay` was called. */
  replay: boolean
  /** The API client of the webhook, for further requests. Absent without the option `api`. */
  api?: TradecloudClient | undefined
  /**
   * With `delivery: { transaction: true }`: a database client. With `postgresInbox`, it is a client of `pg`. The event
   * is marked as delivered in the transaction of this client. Do not end the transaction. After a deadlock, the
   * callback runs again.
   */
  transaction?: TransactionClient | undefined
}

/** The part of a `pg` client that callbacks need. */
export interface TransactionClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Array<Record<string, unknown>>; rowCount: number | null }>
}

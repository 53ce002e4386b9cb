/** What `receive` passes to `deliver`: the event from a body, or the ID of an order or shipment. */
import type { EventKind, WebhookEvent } from './events'
import type { Pieces } from '../bytes/pieces'

/** The order or shipment whose events have to be delivered one after another. */
export interface Entity {
  kind: 'order' | 'shipment'
  id: string
}

/**
 * Any of the user's callbacks. It may be sync or async, and may throw anything. Its context is the `WebhookContext`
 * that `deliver` creates.
 */
export type Handler = (event: WebhookEvent, context: object) => unknown

interface TriggerBase {
  method: 'GET' | 'POST' | 'PUT'
  requestId: string
  receivedAt: Date
  /** Absent only with an inbox: another process that shares the inbox may have the callback. */
  handler?: Handler | undefined
}

export interface BodyTrigger extends TriggerBase {
  type: 'body'
  kind: EventKind
  eventName?: string | undefined
  /** The event for the callback. The callback may change the event, because nothing else reads it afterwards. */
  event: WebhookEvent
  entity?: Entity | undefined
  /** SHA-256 of the body, in hex. */
  digest: string
  /** False if identical bytes may be a new event, such as an event that a person has resent. */
  identified: boolean
  rawBody?: Pieces | undefined
  /** Set if the catch-up found the event: its order or shipment is complete and is not fetched again. */
  found?: { outdated: boolean } | undefined
}

export interface IdTrigger extends TriggerBase, Entity {
  type: 'id'
}

export type Trigger = BodyTrigger | IdTrigger

/** The known facts of an event, for records and log lines, even if it is refused. */
export interface Facts {
  kind?: EventKind | undefined
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  /** Number of deviations of the body from its schema. */
  issues?: number
}

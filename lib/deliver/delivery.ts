/** One delivery before the response, and what the requests that wait for it can see of it. */
import type { AttemptResult } from './attempt'
import type { Observable } from './observe'

/** A request that waits for a delivery. Several GET triggers for one ID may share a delivery. */
export interface Ticket {
  result: Promise<DeliveryResult>
  /** True if the request joined a delivery that another trigger had started. */
  merged: boolean
  /**
   * To be called when the request was answered. If its delivery has not started, it is abandoned, and Tradecloud
   * retries it.
   */
  leave: () => void
  /** What the delivery is waiting for. */
  progress: { readonly stage: Stage }
}

type Stage = 'turn' | 'fetch' | 'callback'

export type DeliveryResult = AttemptResult

export interface Delivery extends Observable {
  entity: string | undefined
  /** The dedupe key; `undefined` for a GET trigger. */
  key: string | undefined
  deliveryId?: string | undefined
  /** The key under which calls are counted, once the callback has been called. */
  eventKey?: string | undefined
  /** Number of identical events that were completed before. Only for a body that may be a new event. */
  completedBefore?: number | undefined
  result: Promise<DeliveryResult>
  stage: Stage
  /**
   * The number of requests that wait. At least 1 from the start, because it is checked before the ticket is returned.
   */
  waiters: number
  /** Ends the wait of the delivery for a turn or a slot. */
  abandon?: (() => void) | undefined
  abort: AbortController
}

/** A delivery without an inbox, from the arrival of its trigger to its result, which the response contains. */
import type { AttemptResult, DeliveryAttempt } from './attempt'
import type { Observable } from './observe'

export interface Delivery extends DeliveryAttempt, Observable {
  /** The dedupe key; `undefined` for a GET trigger. */
  key: string | undefined
  deliveryId?: string | undefined
  /** The key under which failed calls are counted. Set just before the callback is called. */
  eventKey?: string | undefined
  /** Number of identical events that were completed before. Set only for a body that is not `identified`. */
  completedBefore?: number | undefined
  /** Never rejects. */
  result: Promise<AttemptResult>
  /** The stage of the delivery: what it is waiting for. */
  stage: 'turn' | 'fetch' | 'callback'
  /** The number of requests that wait for the result. Several GET triggers for one ID may share a delivery. */
  waiters: number
  /** Ends the wait of the delivery for a turn or a slot. */
  abandon?: (() => void) | undefined
}

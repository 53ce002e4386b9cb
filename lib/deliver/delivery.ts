/** One delivery before the response, and what the requests that wait for it see of it. */
import type { AttemptResult } from './attempt'
import type { Observable } from './observe'

/** A request that waits for a delivery. Several GET triggers for one ID may share a delivery. */
export interface Ticket {
  result: Promise<DeliveryResult>
  /** Joined a delivery that another trigger had started. */
  merged: boolean
  /** The request was answered: a delivery that has not started is abandoned, and Tradecloud retries it. */
  leave: () => void
  /** What the delivery is waiting for. */
  progress: { readonly stage: Stage }
}

type Stage = 'turn' | 'fetch' | 'callback'

export type DeliveryResult = AttemptResult

export interface Delivery extends Observable {
  entity: string | undefined
  /** Dedupe key of a body. */
  key: string | undefined
  deliveryId?: string | undefined
  /** The key under which calls are counted, once the callback has been called. */
  eventKey?: string | undefined
  /** Identical events that were completed before; only for a body that may be a new event. */
  completedBefore?: number | undefined
  result: Promise<DeliveryResult>
  stage: Stage
  /** Set from the start, because it is checked before the ticket is returned. */
  waiters: number
  /** Ends the wait for a turn or a slot. */
  abandon?: (() => void) | undefined
  abort: AbortController
}

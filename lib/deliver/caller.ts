/** The call of the user's callback: its context, and what becomes of what it throws. */
import type { TradecloudClient } from '../api'
import type { EntityState } from '../tradecloud/entity-state'
import type { Handler, TransactionClient, WebhookContext, WebhookEvent } from '../events/events'
import type { Result } from '../answer/respond'
import type { Trigger } from '../events/trigger'
import { failureOf } from './failure'
import type { History } from './history'
import type { Watched } from './watch'

export interface Call {
  handler: Handler
  event: WebhookEvent
  trigger: Trigger
  /** Key of the order or shipment. */
  entity: string | undefined
  deliveryId: string
  attempt: number
  replay: boolean
  watched: Watched
  /** A client in the transaction that settles the delivery. */
  transaction?: unknown
}

export class Caller {
  readonly #history: History
  readonly #api: TradecloudClient | undefined

  constructor(history: History, api: TradecloudClient | undefined) {
    this.#history = history
    this.#api = api
  }

  /** Never rejects. */
  async call({
    handler,
    event,
    trigger,
    entity,
    deliveryId,
    attempt,
    replay,
    watched,
    transaction,
  }: Call): Promise<Result> {
    // Read before the call: the callback may change its event.
    const { version, lastUpdatedAt }: EntityState = event
    const state = { version, lastUpdatedAt }
    const outdated = entity !== undefined && this.#history.isOutdated(entity, state)
    const body = trigger.type === 'body' ? trigger.rawBody : undefined
    const context: WebhookContext = {
      deliveryId,
      requestId: trigger.requestId,
      attempt,
      receivedAt: new Date(trigger.receivedAt),
      signal: watched.abort.signal,
      // A getter, because joining the pieces of a large body copies it.
      get rawBody() {
        return body?.whole
      },
      outdated,
      replay,
      api: this.#api,
      transaction: transaction as TransactionClient | undefined,
    }
    watched.callingSince = Date.now()
    try {
      await handler(event, context)
    } catch (cause) {
      return failureOf(cause)
    } finally {
      watched.callingSince = undefined
    }
    if (entity !== undefined) this.#history.delivered(entity, state)
    return { outcome: 'delivered' }
  }
}

/** The call of the user's callback: its context, and what becomes of what it throws. */
import type { TradecloudClient } from '../api'
import type { EntityState } from '../tradecloud/entity-state'
import type { WebhookContext, WebhookEvent } from '../events/events'
import type { Pieces } from '../bytes/pieces'
import type { Result } from '../answer/respond'
import type { Trigger } from '../events/trigger'
import { failureOf } from './failure'
import type { Handler } from './handlers'
import type { History } from './history'
import type { LazyAbort } from '../wait/lazy-abort'
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
}

/**
 * A class, so that the getters are on the prototype: those of its own would keep each event until a full garbage collection. Of
 * what a callback does not look at nothing is made.
 */
class Context implements WebhookContext {
  readonly deliveryId: string
  readonly requestId: string
  readonly attempt: number
  readonly receivedAt: Date
  readonly outdated: boolean
  readonly replay: boolean
  readonly api: TradecloudClient | undefined
  readonly #body: Pieces | undefined
  readonly #abort: LazyAbort

  constructor(
    trigger: Trigger,
    { deliveryId, attempt, replay, watched }: Pick<Call, 'deliveryId' | 'attempt' | 'replay' | 'watched'>,
    outdated: boolean,
    api: TradecloudClient | undefined,
  ) {
    this.deliveryId = deliveryId
    this.requestId = trigger.requestId
    this.attempt = attempt
    this.receivedAt = new Date(trigger.receivedAt)
    this.#body = trigger.type === 'body' ? trigger.rawBody : undefined
    this.outdated = outdated
    this.replay = replay
    this.api = api
    this.#abort = watched.abort
  }

  get rawBody(): Buffer | undefined {
    return this.#body?.whole
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }
}

export class Caller {
  readonly #history: History
  readonly #api: TradecloudClient | undefined

  constructor(history: History, api: TradecloudClient | undefined) {
    this.#history = history
    this.#api = api
  }

  /** Never rejects. */
  async call({ handler, event, trigger, entity, deliveryId, attempt, replay, watched }: Call): Promise<Result> {
    // Read before the call: the callback may change its event.
    const { version, lastUpdatedAt }: EntityState = event
    const state = { version, lastUpdatedAt }
    const outdated = entity !== undefined && this.#history.isOutdated(entity, state)
    const context = new Context(trigger, { deliveryId, attempt, replay, watched }, outdated, this.#api)
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

/**
 * Attempts to deliver a trigger, with or without an inbox: fetches if needed, asks whether to begin, calls the
 * callback, and converts what the callback throws to a result. Meanwhile, renews the lease of the claim, aborts an
 * attempt whose lease was lost, and reports a callback that does not end.
 */
import type { Result } from '../answer/respond'
import type { TradecloudClient } from '../api'
import type { WebhookEvent } from '../events/events'
import type { Pieces } from '../bytes/pieces'
import type { Handler, Trigger } from '../events/trigger'
import { TradecloudWebhookError } from '../errors/errors'
import { InProgress } from '../wait/queues'
import { startInterval, type Timer } from '../wait/timers'
import type { EntityState } from '../events/entity'
import type { TransactionClient, WebhookContext } from './context'
import type { Claim, Claims } from './dedupe/claims'
import { failureOf } from './failure'
import { History } from './history'
import { deliveryIdOfId } from './identity'
import { resolveEvent, type ResolvedEvent, type ResolveOptions } from './resolve-event'

export interface AttemptsOptions {
  name: string
  resolve: ResolveOptions
  api: TradecloudClient | undefined
  /** Absent with an inbox, and with `dedupe: false`. */
  claims?: Claims | undefined
  /** Raises an alarm: a callback does not end, or a lease was lost. */
  alarm: (error: TradecloudWebhookError, trigger: Trigger) => void
}

export interface DeliveryAttempt {
  trigger: Trigger
  abort: AbortController
  /** The claim whose lease is renewed. */
  claim?: Claim | undefined
  /** When the callback was called, on the monotonic clock. Absent before the call and after it. */
  callingSince?: number | undefined
  /** True if an alarm was raised because the callback does not end. */
  isReported?: boolean
  /** The key that identifies the order or shipment. */
  entity: string | undefined
  onFetch?: () => void
  /**
   * Called before the callback; may be asynchronous. If it returns `undefined`, the callback must not be called and the
   * event is given back. `fetchedId` is the delivery ID of a GET trigger. `event` must be read here, because the
   * callback may change it.
   */
  begin: (fetchedId: string | undefined, event: WebhookEvent) => Begun | undefined | Promise<Begun | undefined>
  /** Runs `call` in a transaction. `call` calls the callback. */
  inTransaction?: ((call: (transaction: unknown) => Promise<Result>) => Promise<AttemptResult>) | undefined
}

export interface Begun {
  deliveryId: string
  attempt: number
  replay: boolean
}

export interface AttemptResult extends Result {
  /** The number of the attempt, from `Begun`. Absent if `begin` returned `undefined` or was not called. */
  attempt?: number | undefined
  /** Whether a transaction has settled the event. Absent if there was no transaction, or if it failed. */
  settled?: boolean | undefined
}

/** The callback was not called, and a later attempt may call it. */
export const GIVEN_BACK: Result = {
  outcome: 'unavailable',
  detail: 'The event was given back before it was processed.',
}

export const LEASE_MS = 60_000
const STUCK_MS = 10 * 60_000
const TICK_MS = LEASE_MS / 3

export class Attempts<A extends DeliveryAttempt> {
  readonly history = new History()
  readonly running = new InProgress<A>()
  readonly #options: AttemptsOptions
  #timer: Timer | undefined

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /** Watches an attempt until it is deleted from `running`. */
  add(attempt: A): void {
    this.running.add(attempt)
    this.#timer ??= startInterval(() => this.#tick(), TICK_MS)
  }

  /** Stops renewing leases and watching callbacks. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async run(attempt: A): Promise<AttemptResult> {
    const { trigger, entity } = attempt
    const { handler } = trigger
    if (!handler) return { outcome: 'ignored' }
    const { resolve, name } = this.#options
    const { signal } = attempt.abort
    if (signal.aborted) return GIVEN_BACK
    let resolved: ResolvedEvent | Promise<ResolvedEvent> =
      trigger.type === 'body' && resolve.mode !== 'always'
        ? { ok: true, event: trigger.event }
        : resolveEvent(trigger, resolve, signal, attempt.onFetch)
    if (resolved instanceof Promise) {
      resolved = await resolved
      if (isAborted(signal)) return GIVEN_BACK
    }
    if (!resolved.ok) return resolved
    const { event, contentHash } = resolved
    const fetchedId = trigger.type === 'id' ? deliveryIdOfId(name, trigger, contentHash) : undefined
    if (trigger.type === 'id' && entity !== undefined) this.history.appeared(entity)
    const beginning = attempt.begin(fetchedId, event)
    const begun = beginning instanceof Promise ? await beginning : beginning
    if (!begun) return GIVEN_BACK
    if (!attempt.inTransaction) return this.#call(attempt, handler, event, begun)
    const result = await attempt.inTransaction((transaction) => this.#call(attempt, handler, event, begun, transaction))
    return { ...result, deliveryId: begun.deliveryId, attempt: begun.attempt }
  }

  /** Never rejects. */
  async #call(
    attempt: A,
    handler: Handler,
    event: WebhookEvent,
    begun: Begun,
    transaction?: unknown,
  ): Promise<AttemptResult> {
    const { trigger, entity } = attempt
    // Read before the call, because the callback may modify its event.
    const { version, lastUpdatedAt }: EntityState = event
    const state = { version, lastUpdatedAt }
    const { rawBody: body, found } = trigger.type === 'body' ? trigger : {}
    // For an event that the catch-up found, `outdated` was determined from the arrivals in all processes.
    const outdated = found?.outdated ?? (entity !== undefined && this.history.isOutdated(entity, state))
    const [whole, ...others] = body?.all ?? []
    const isInPieces = others.length > 0
    const context: WebhookContext = {
      deliveryId: begun.deliveryId,
      attempt: begun.attempt,
      replay: begun.replay,
      requestId: trigger.requestId,
      receivedAt: new Date(trigger.receivedAt),
      signal: attempt.abort.signal,
      rawBody: isInPieces ? undefined : whole,
      outdated,
      source: found ? 'catch-up' : 'webhook',
      api: this.#options.api,
      transaction: transaction as TransactionClient | undefined,
    }
    if (isInPieces) Object.defineProperties(context, { [PIECES]: { value: body }, rawBody: RAW_BODY })
    attempt.callingSince = performance.now()
    try {
      await handler(event, context)
    } catch (cause) {
      return { ...failureOf(cause), deliveryId: begun.deliveryId, attempt: begun.attempt }
    } finally {
      attempt.callingSince = undefined
    }
    if (entity !== undefined) this.history.delivered(entity, state)
    return { outcome: 'delivered', deliveryId: begun.deliveryId, attempt: begun.attempt }
  }

  #tick(): void {
    if (this.running.size === 0) this.stop()
    for (const attempt of this.running.all) {
      void this.#renew(attempt)
      const { callingSince } = attempt
      if (callingSince === undefined || performance.now() - callingSince < STUCK_MS || attempt.isReported) continue
      attempt.isReported = true
      const text = 'A callback has been running for more than 10 minutes.'
      this.#options.alarm(new TradecloudWebhookError('handler_stuck', text), attempt.trigger)
    }
  }

  async #renew(attempt: A): Promise<void> {
    const { claim, abort, trigger } = attempt
    const { claims, alarm } = this.#options
    if (!claim || !claims || abort.signal.aborted || (await claims.renew(claim))) return
    // The claim was settled during the renewal.
    if (attempt.claim !== claim) return
    const text = 'The lease of an event was lost: another process may call its callback as well.'
    const error = new TradecloudWebhookError('lease_lost', text)
    abort.abort(error)
    alarm(error, trigger)
  }
}

const PIECES = Symbol('pieces')

/**
 * Joining the pieces of a large body copies them. With this getter, the pieces are joined only if `rawBody` is read.
 * All contexts share the getter. If each context had a getter of its own, in an object literal, V8 would keep that
 * getter and its body in memory until the next full garbage collection.
 */
const RAW_BODY = {
  enumerable: true,
  configurable: true,
  get(this: { readonly [PIECES]?: Pieces | undefined }) {
    return this[PIECES]?.whole
  },
}

/** A function, because TypeScript assumes that a property that was false before an `await` is still false after it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}

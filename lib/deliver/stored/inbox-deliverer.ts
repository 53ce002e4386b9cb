/**
 * The way of a stored event out of the inbox to its callback: read, fetch, call, settle. The inbox decides whose turn it is;
 * what becomes of the event is decided here.
 */
import type { TradecloudClient } from '../../api'
import { TradecloudWebhookError } from '../../errors/errors'
import type { Inbox, InboxDelivery } from '../../inbox/inbox'
import type { Received } from '../../receive/event/read-trigger'
import type { SettledRecord } from '../../answer/report'
import type { Result } from '../../answer/respond'
import type { Trigger } from '../../events/trigger'
import { Caller } from '../caller'
import type { Handlers } from '../handlers'
import { History } from '../history'
import { deliveryIdOfBody, deliveryIdOfId, entityKey } from '../identity'
import { resolveEvent, type ResolveOptions } from '../resolve-event'
import { settlementOf, type SettlementOptions } from './settlement'
import { Watch } from '../watch'
import { restartTimer, startTimer } from '../../wait/timers'

export interface InboxDelivererOptions extends SettlementOptions {
  name: string
  inbox: Inbox
  handlers: Handlers
  /** Reads a stored event again, by the rules of today. */
  read: (delivery: InboxDelivery) => Promise<Received>
  resolve: ResolveOptions
  concurrency: number
  maxBytesInFlight: number
  handlerTimeoutMs: number
  api: TradecloudClient | undefined
  alarm: (error: TradecloudWebhookError, trigger?: Trigger) => void
  settled: (record: SettledRecord) => void
}

type Outcome = Result & { deliveryId?: string | undefined }

/** `close()` came before the callback was called: the event stays in the inbox as it is. */
const NOT_BEGUN = 'not begun'

export class InboxDeliverer {
  readonly #options: InboxDelivererOptions
  readonly #history = new History()
  readonly #caller: Caller
  readonly #watch: Watch
  readonly #running = new Map<Promise<void>, AbortController>()
  readonly #stop: () => void

  /** Begins to take events out of the inbox. */
  constructor(options: InboxDelivererOptions) {
    this.#options = options
    this.#caller = new Caller(this.#history, options.api)
    this.#watch = new Watch(options.alarm)
    this.#stop = options.inbox.deliver({
      concurrency: options.concurrency,
      maxBytes: options.maxBytesInFlight,
      run: (delivery) => this.#run(delivery),
      alarm: (error) => options.alarm(error),
    })
  }

  /** Takes nothing more. What runs goes on. */
  stop(): void {
    this.#stop()
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.keys())
  }

  /** Patience is over: what runs hears of it through `context.signal`. */
  abort(): void {
    this.#watch.stop()
    for (const abort of this.#running.values())
      abort.abort(new TradecloudWebhookError('unavailable', 'The webhook is closing.'))
  }

  /** Resolves when the event is settled, or when its callback has been running for so long that it lost its place. */
  async #run(delivery: InboxDelivery): Promise<void> {
    const abort = new AbortController()
    const onAbort = (): void => abort.abort(delivery.signal.reason)
    if (delivery.signal.aborted) onAbort()
    delivery.signal.addEventListener('abort', onAbort, { once: true })
    const { handlerTimeoutMs } = this.#options
    let timeOut = (): void => undefined
    const timeout = new Promise<void>((resolve) => (timeOut = resolve))
    let timer = startTimer(timeOut, handlerTimeoutMs)
    // Only the callback is on this clock: a fetch has its own.
    const onCall = (): void => void (timer = restartTimer(timer, timeOut, handlerTimeoutMs))
    const work = this.#deliver(delivery, abort, onCall).finally(() => {
      clearTimeout(timer)
      delivery.signal.removeEventListener('abort', onAbort)
      this.#running.delete(work)
    })
    this.#running.set(work, abort)
    await Promise.race([work, timeout])
  }

  async #deliver(delivery: InboxDelivery, abort: AbortController, onCall: () => void): Promise<void> {
    const startedAt = performance.now()
    const outcome = await this.#process(delivery, abort, onCall).catch((cause: unknown): Outcome => ({
      outcome: 'unavailable',
      detail: 'The receiver failed.',
      cause,
    }))
    if (outcome === NOT_BEGUN) return
    const { inbox, settled } = this.#options
    const settlement = settlementOf(outcome, delivery, this.#options)
    const settledAt = Date.now()
    const noted = await inbox.settle(delivery, settlement).catch(() => false)
    const { event, attempt, replay } = delivery
    const { result } = settlement
    settled({
      result,
      outcome: outcome.outcome,
      inboxId: event.id,
      deliveryId: outcome.deliveryId,
      kind: event.kind,
      eventName: event.eventName,
      entityId: event.entity?.id,
      requestId: event.requestId,
      receivedAt: new Date(event.receivedAt),
      attempt,
      replay,
      durationMs: performance.now() - startedAt,
      nextAttemptAt: result === 'retry' ? new Date(settledAt + settlement.delayMs) : undefined,
      noted,
      error:
        result === 'delivered'
          ? undefined
          : new TradecloudWebhookError(outcome.outcome, outcome.detail ?? 'The event was not delivered.', {
              ...('cause' in outcome && { cause: outcome.cause }),
            }),
    })
  }

  async #process(
    delivery: InboxDelivery,
    abort: AbortController,
    onCall: () => void,
  ): Promise<Outcome | typeof NOT_BEGUN> {
    const { read, handlers, resolve, name } = this.#options
    const { event: stored, attempt, replay } = delivery
    const received = await read(delivery)
    if (!received.ok) return received
    const { trigger } = received
    const handler = handlers.find(trigger.kind, trigger.type === 'body' ? trigger.eventName : undefined)
    if (!handler) return { outcome: 'ignored', detail: 'There is no callback for this kind of event any more.' }
    const resolved = await resolveEvent(trigger, resolve, abort.signal)
    if (abort.signal.aborted) return NOT_BEGUN
    if (!resolved.ok) return resolved
    const deliveryId =
      trigger.type === 'id'
        ? deliveryIdOfId(name, trigger, resolved.contentHash)
        : trigger.identified
          ? deliveryIdOfBody(name, trigger)
          : stored.id
    const watched = this.#watch.add({ trigger, claim: undefined, abort })
    onCall()
    try {
      const entity = entityKey(trigger)
      const { event } = resolved
      const call = { handler, event, trigger, entity, deliveryId, attempt, replay, watched }
      return { ...(await this.#caller.call(call)), deliveryId }
    } finally {
      this.#watch.remove(watched)
    }
  }
}

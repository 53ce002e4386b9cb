/**
 * The worker. It delivers events that other processes have stored in an inbox, or that the worker itself has found by
 * polling. It needs no port.
 */
import type { CatchUpReport, CatchUpRunOptions } from '../catch-up/catch-up-options'
import { startCatchUp } from './catch-up'
import { createHealth, type Health } from './health'
import { makeInspectable } from './inspection'
import { checkInbox, closeOnce, composeShared, startInbox } from './shared'
import { warnOfHandlers } from '../deliver/handlers'
import { TradecloudWebhookError } from '../errors/errors'
import type { CloseOptions, TradecloudWorkerOptions } from '../options/options'
import { resolveWorkerOptions } from '../options/resolve'
import { holdProcess } from '../wait/timers'

/** Until a worker is closed, it delivers events from an inbox and keeps the process alive. */
export interface TradecloudWorker {
  /**
   * Resolves once events can be taken. Rejects if the inbox cannot be used, or if the catch-up has neither a stored
   * position nor the option `from`. End the process in these cases.
   */
  ready(): Promise<void>
  /** Whether events can be taken from the inbox now. Never rejects; asks the inbox at most once a second. */
  health(): Promise<Health>
  /**
   * Takes no more events, lets running callbacks finish for at most `timeoutMs`, and aborts the rest through
   * `context.signal`. Then closes the inbox, and the API client unless you have created it. Never rejects. Call it
   * before the process ends. Only the first call has an effect.
   */
  close(options?: CloseOptions): Promise<void>
  /** Like `catchUp()` of a webhook. */
  catchUp(options?: CatchUpRunOptions): Promise<CatchUpReport>
}

/**
 * Creates a worker, which delivers the events of an inbox: for a webhook that only stores (`deliver: false`), or
 * together with a webhook that also delivers. With `catchUp`, the worker also polls. If Tradecloud cannot reach any of
 * your servers, use a worker with `catchUp` and `settleMs: 0`, and no webhook. A worker needs no port and no option
 * `auth`. Throws a `TradecloudWebhookError` with code `invalid_option` for an invalid option.
 *
 * ```ts
 * const onOrder = async (event: OrderEvent) => { await erp.upsert(event) }
 * const worker = createTradecloudWorker({ inbox: postgresInbox({ pool }), onOrder })
 * await worker.ready()
 * ```
 */
export function createTradecloudWorker(options: TradecloudWorkerOptions): TradecloudWorker {
  const settings = resolveWorkerOptions(options)
  const shared = composeShared(settings, { receives: false, isReady: async () => (await health()).ready })
  if (shared.handlers) warnOfHandlers(shared.handlers, shared.log)
  const { opening, deliverer } = startInbox(settings.inbox, settings, shared)
  // Keeps the process alive: an idle inbox does not, and a worker has no open port.
  const letProcessEnd = holdProcess()
  const catchUp = startCatchUp(settings, shared, opening)
  const work = {
    stop: () => {
      catchUp.stop()
      deliverer.stop()
    },
    idle: () => Promise.all([deliverer.idle(), catchUp.idle()]),
    abort: () => deliverer.abort(),
  }
  const closeNow = closeOnce(settings, shared, work, letProcessEnd)
  const closing = new AbortController()
  const health = createHealth({
    open: () => {
      if (closing.signal.aborted) throw new TradecloudWebhookError('unavailable', 'The worker is shutting down.')
    },
    ...checkInbox(settings.inbox),
  })
  const worker: TradecloudWorker = {
    ready: async () => {
      await opening
      await catchUp.ready
    },
    catchUp: catchUp.run,
    health,
    close: (options) => {
      closing.abort()
      return closeNow(options)
    },
  }
  const { log, reporter } = shared
  makeInspectable(worker, {
    ...{ inbox: settings.inbox, log, reporter, closing: closing.signal },
    catchUp: settings.catchUp && catchUp.run,
  })
  return worker
}

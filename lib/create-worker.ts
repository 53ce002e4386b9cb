/** Composes a worker: it delivers the events that other processes store in an inbox, without a port. */
import { createHandlers, warnOfHandlers } from './deliver/handlers'
import { InboxDeliverer } from './deliver/stored/inbox-deliverer'
import { readStored } from './deliver/stored/intake'
import { holdProcess } from './wait/timers'
import { within } from './wait/within'
import { Log } from './log/log'
import type { CloseOptions, TradecloudWorkerOptions } from './options/options'
import { Reporter } from './answer/report'
import { ABORT_GRACE_MS, CLOSE_TIMEOUT_MS, resolveWorkerOptions } from './options/resolve'
import { createValidator } from './events/validate'

/** Delivers events from an inbox, and keeps the process alive, until it is closed. */
export interface TradecloudWorker {
  /** Resolves once events can be taken. Rejects if the inbox can never be used: then the process should not start. */
  ready(): Promise<void>
  /**
   * Takes no more events, lets running callbacks finish for at most `timeoutMs`, then aborts them through `context.signal`;
   * closes the inbox, and logs out of the API. Never rejects. Call it before the process ends. The first call counts.
   */
  close(options?: CloseOptions): Promise<void>
}

/**
 * Creates a worker that delivers from an inbox: for receivers with `deliver: false`, and for more processes to share the
 * work of a webhook. Needs no port and no credentials. Throws a `TradecloudWebhookError` with code `invalid_option` for an
 * invalid option.
 *
 * ```ts
 * const worker = createTradecloudWorker({ inbox: postgresInbox({ pool }), onOrder: async (event) => { await erp.upsert(event) } })
 * await worker.ready()
 * ```
 */
export function createTradecloudWorker(options: TradecloudWorkerOptions): TradecloudWorker {
  const settings = resolveWorkerOptions(options)
  const { inbox, client, fetchTimeoutMs, delivery } = settings
  const handlers = createHandlers(settings)
  const validator = createValidator(settings.validation, settings.schemas)
  const strict = settings.validation === 'strict'
  const log = new Log(settings.logger)
  const reporter = new Reporter({ ...delivery, log })
  warnOfHandlers(handlers, log)
  const deliverer = new InboxDeliverer({
    ...settings,
    ...delivery,
    handlers,
    read: (stored) => readStored(stored, { validator, strict }),
    resolve: {
      ...{ client, mode: settings.fetch, fetchTimeoutMs, validator, strict },
      notKnown: (trigger, result) => reporter.notKnown(trigger, result),
    },
    api: client,
    alarm: (error, trigger) =>
      reporter.alarm(error, trigger ? { kind: trigger.kind, requestId: trigger.requestId } : {}),
    settled: (record) => reporter.settled(record),
  })
  const opening = inbox.ready({ transaction: delivery.transaction })
  // A failure is reported by the inbox as an alarm, and by `ready()`.
  opening.catch(() => undefined)
  // Nothing else may: an idle inbox does not, and a worker has no port.
  const letProcessEnd = holdProcess()
  let closing: Promise<void> | undefined

  async function close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    deliverer.stop()
    await within(timeoutMs, deliverer.idle(), () => undefined)
    deliverer.abort()
    await within(ABORT_GRACE_MS, deliverer.idle(), () => undefined)
    await inbox.close().catch(() => undefined)
    if (settings.ownsClient) await client?.close()
    log.close()
    letProcessEnd()
  }

  return {
    ready: () => opening,
    close: (closeOptions) => (closing ??= close(closeOptions)),
  }
}

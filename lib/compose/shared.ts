/**
 * The parts that webhooks and workers share: callbacks, validation, fetching, reports, deliveries from the inbox, and
 * closing.
 */
import { Reporter, type ReporterOptions } from '../answer/report'
import type { Telemetry, TelemetryAdapter, TelemetrySource } from '../answer/telemetry'
import { createHandlers, type Handlers } from '../deliver/handlers'
import type { ResolveOptions } from '../deliver/resolve-event'
import type { InboxDeliverer } from '../deliver/stored/inbox-deliverer'
import type { TradecloudWebhookError } from '../errors/errors'
import type { Trigger } from '../events/trigger'
import { createValidator } from '../events/validate'
import type { Inbox } from '../inbox/inbox'
import { Log } from '../log/log'
import type { CloseOptions } from '../options/options'
import { ABORT_GRACE_MS, CLOSE_TIMEOUT_MS, type ResolvedWorkerOptions } from '../options/resolve'
import { within } from '../wait/within'
import type { Check } from './health'

/** The options of a worker, plus options that only webhooks have. A worker leaves the latter `undefined`. */
export type SharedOptions = ResolvedWorkerOptions &
  Pick<ReporterOptions, 'onError' | 'onDelivery'> & { deliver?: boolean }

export interface Shared {
  log: Log
  /** `undefined` without the option `telemetry`. */
  telemetry: Telemetry | undefined
  reporter: Reporter
  /** Absent with `deliver: false`. */
  handlers: Handlers | undefined
  find: Handlers['find']
  resolve: ResolveOptions
  alarm: (error: TradecloudWebhookError, trigger?: Trigger) => void
}

/** Throws `invalid_option` for unusable callbacks and schemas. Attaches the adapters of `telemetry`. */
export function composeShared(
  settings: SharedOptions,
  observed: Pick<TelemetrySource, 'receives' | 'isReady'>,
): Shared {
  const { client, fetchTimeoutMs } = settings
  const handlers = settings.deliver === false ? undefined : createHandlers(settings)
  const validator = createValidator(settings.validation, settings.schemas)
  const log = new Log(settings.logger)
  const reporter = new Reporter({ ...settings, ...settings.delivery, log })
  const { name, inbox, catchUp } = settings
  const polls = catchUp !== undefined && catchUp.everyMs !== false
  const kinds = [...new Set((handlers?.wanted ?? []).map(({ kind }) => kind))]
  return {
    log,
    telemetry: createTelemetry(settings.telemetry, { ...observed, name, inbox, kinds, polls }, log),
    reporter,
    handlers,
    find: handlers?.find ?? (() => undefined),
    resolve: {
      ...{ client, mode: settings.fetch, fetchTimeoutMs, validator, strict: settings.validation === 'strict' },
      notKnown: (trigger, result) => reporter.notKnown(trigger, result),
    },
    alarm: (error, trigger) =>
      reporter.alarm(error, trigger ? { kind: trigger.kind, requestId: trigger.requestId } : {}),
  }
}

/** Opens the inbox and, unless `deliver` is false, begins to deliver its events. */
export function startInbox(
  inbox: Inbox,
  settings: SharedOptions,
  { handlers, find, resolve, alarm, reporter, telemetry }: Shared,
): { opening: Promise<void>; deliverer: InboxDeliverer } {
  const { InboxDeliverer, readStored } = loadDelivery()
  const { delivery, client } = settings
  const deliverer = new InboxDeliverer({
    ...settings,
    ...delivery,
    inbox,
    handlers,
    catchUp: settings.catchUp !== undefined,
    read: (stored) => readStored(stored, { ...resolve, find, readsUnhandled: true }),
    resolve,
    api: client,
    ...{ alarm, telemetry },
    settled: (record) => reporter.settled(record),
  })
  const opening = inbox.ready({ transaction: delivery.transaction })
  // `ready()` of the webhook or worker also rejects with this error, so the error needs no handling here.
  opening.catch(() => undefined)
  return { opening, deliverer }
}

/** An inbox of the user's own may have no `check`. */
export function checkInbox(inbox: Inbox): Record<string, Check> {
  return {
    inbox: async () => {
      await (inbox.check ? inbox.check() : inbox.stats())
    },
  }
}

/** A part that `close()` has to stop, such as the deliverer or the catch-up. */
export interface Work {
  /** Prevents new work from starting. */
  stop(): void
  /** Resolves when no work is running. */
  idle(): Promise<unknown>
  abort(): void
  /** Called after `idle()` or after the time limit, even if work is still running. */
  end?(): void
}

/** Only the first call of the returned function has an effect. It never rejects, and calls `onClosed` at the end. */
export function closeOnce(
  { inbox, client, ownsClient }: SharedOptions,
  { log, telemetry }: Shared,
  work: Work,
  onClosed?: () => void,
): (options?: CloseOptions) => Promise<void> {
  const close = async ({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> => {
    work.stop()
    await within(timeoutMs, work.idle(), () => undefined)
    work.abort()
    await within(ABORT_GRACE_MS, work.idle(), () => undefined)
    work.end?.()
    await inbox?.close().catch(() => undefined)
    if (ownsClient) await client?.close()
    log.close()
    telemetry?.close()
    onClosed?.()
  }
  let closing: Promise<void> | undefined
  return (options) => (closing ??= close(options))
}

/** Loaded lazily: only needed with an inbox. */
function loadDelivery() {
  return {
    ...(require('../deliver/stored/inbox-deliverer') as typeof import('../deliver/stored/inbox-deliverer')),
    ...(require('../deliver/stored/read-stored') as typeof import('../deliver/stored/read-stored')),
  }
}

/** Loaded lazily: only needed with `telemetry`. */
function createTelemetry(
  adapters: readonly TelemetryAdapter[],
  source: TelemetrySource,
  log: Log,
): Telemetry | undefined {
  if (adapters.length === 0) return undefined
  const { Telemetry } = require('../answer/telemetry') as typeof import('../answer/telemetry')
  return new Telemetry(adapters, source, log)
}

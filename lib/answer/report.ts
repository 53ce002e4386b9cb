/**
 * Reports each request, and each delivery from the inbox, to the user: records, `onError`, and log lines. None of these
 * can change a response or end the process.
 */
import { debugDeliver } from '../log/debug'
import { TradecloudWebhookError } from '../errors/errors'
import type { EventKind } from '../events/events'
import { IgnoredNames } from './ignored-names'
import { escapeControls } from '../bytes/quote'
import { describe, describeUnquoted, explain, locationOf } from '../log/describe-error'
import { subjectOf, type Log } from '../log/log'
import type { Pieces } from '../bytes/pieces'
import type { Answer, Outcome, Result } from './respond'
import { isThenable } from '../wait/thenable'
import type { BodyTrigger } from '../events/trigger'

/**
 * One record for each request to a path of the webhook, and for each request whose 404 the webhook has replaced
 * (`not_routed`). With `listener`, also for each request to any other path. Probes of `doctor` have no record.
 */
export interface DeliveryRecord {
  outcome: Outcome
  /** HTTP status of the response. */
  status: number
  /** True if the event was not processed and Tradecloud will not send it again. */
  givenUp: boolean
  /** False if no response could be sent, for example because the client had disconnected. */
  answered: boolean
  method: string
  /** The sender's address, as forwarded by the trusted proxies. Only with the option `allow`. */
  address?: string | undefined
  kind?: EventKind | undefined
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  deliveryId?: string | undefined
  /**
   * ID of the event in the inbox, if it was stored there. For an event with a body, it is the same as the `deliveryId`;
   * a quarantined body has no `deliveryId`.
   */
  inboxId?: string | undefined
  requestId: string
  /**
   * How often this process has called the callback for the event, including this call. Absent if it was not called.
   */
  attempt?: number | undefined
  /**
   * True for a GET trigger that shared the delivery of another GET trigger, or was merged into a GET trigger that waits
   * in the inbox.
   */
  merged: boolean
  /** Number of issues that were found in the body, such as deviations from its schema. */
  issues: number
  /** Size of the body after decompression, in bytes. */
  bodyBytes: number
  receivedAt: Date
  /** From the headers to the response, in milliseconds. */
  durationMs: number
}

/**
 * One record for each delivery of an event from the inbox, whether it succeeded or failed. There is none if the event
 * was given back before its callback was called.
 */
export interface SettledRecord {
  /**
   * `delivered`; `retry`: failed, and will be tried again; `dead`: failed permanently, but kept for `inbox.replay`;
   * `quarantined`: the stored body cannot be read, or no process has a callback for the event.
   */
  result: 'delivered' | 'retry' | 'dead' | 'quarantined'
  /** The outcome that the response would have had without an inbox. */
  outcome: Outcome
  /** ID of the event in the inbox. */
  inboxId: string
  deliveryId?: string | undefined
  kind: EventKind
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  /** The `requestId` of the request that brought the event. */
  requestId: string
  receivedAt: Date
  /** Number of deliveries that were started, including this one. */
  attempt: number
  /** True for a delivery that was requested with `inbox.replay`. */
  replay: boolean
  /** Duration of this delivery, in milliseconds. */
  durationMs: number
  /** Time of the next attempt; only with `retry`. */
  nextAttemptAt?: Date | undefined
  /** False if the inbox could not record the result, in which case the event may be delivered again. */
  noted: boolean
  /**
   * Absent if the event was delivered. `code` is the outcome; `cause` is the error behind it, such as what the callback
   * threw.
   */
  error?: TradecloudWebhookError | undefined
}

/** Second argument of `onError`. */
export interface ErrorContext extends DeliveryRecord {
  /**
   * The body, decompressed if possible. Absent if the webhook did not read the body, for example because the
   * credentials were invalid, or if the app passed on only a parsed object.
   */
  rawBody?: Buffer | undefined
}

export interface ReporterOptions {
  log: Log
  onError?: ((error: TradecloudWebhookError, context: ErrorContext) => unknown) | undefined
  onDelivery?: ((record: DeliveryRecord) => unknown) | undefined
  onSettled?: ((record: SettledRecord) => unknown) | undefined
}

/** Receives each record, and for a failed or quarantined request also the reason. Must not throw. */
export interface Watcher {
  request(record: DeliveryRecord, reason: string | undefined): void
  settled(record: SettledRecord): void
}

/**
 * Failures of the Tradecloud API or the network. They are logged without a stack frame, which would only show our code.
 */
const FETCHING: readonly Outcome[] = ['fetch_failed', 'fetch_timeout', 'not_found']

export class Reporter {
  readonly #options: ReporterOptions
  readonly #ignored = new IgnoredNames()
  readonly #watchers = new Set<Watcher>()

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  request(record: DeliveryRecord, result: Result, answer: Answer, body: Pieces | undefined): void {
    const { log, onError, onDelivery } = this.#options
    debugDeliver('%s %d %s', record.requestId, record.status, record.outcome)
    for (const watcher of this.#watchers) watcher.request(record, watchedReason(record.outcome, result, answer))
    if (onDelivery) this.#guard('onDelivery', () => onDelivery({ ...record }))
    if (record.outcome === 'quarantined') {
      const text = `Quarantined ${record.inboxId ?? ''}, ${answer.detail} (${subjectOf(record)})`
      log.loss('Quarantined', text, { ...record, code: record.outcome })
    }
    if (record.outcome === 'ignored' && record.kind !== undefined) {
      const text = this.#ignored.lineFor(record.kind, record.eventName)
      // Each name is a log topic of its own, so that the limit per topic does not suppress other names.
      if (text !== undefined)
        log.line('warn', `ignored ${text}`, `${text} (${subjectOf(record)})`, { ...record, code: record.outcome })
    }
    if (answer.status < 300) return
    this.#log(record, result, answer)
    if (onError) this.#guard('onError', () => onError(toError(result, answer), { ...record, rawBody: body?.whole }))
  }

  /** Probes are only logged with `debug`: they cannot lose an event and must not appear in metrics. */
  probe({ requestId, status, outcome }: DeliveryRecord): void {
    debugDeliver('%s %d %s, probe', requestId, status, outcome)
  }

  settled(record: SettledRecord): void {
    const { log, onSettled } = this.#options
    const { result, outcome, inboxId, error, nextAttemptAt } = record
    debugDeliver('inbox %s %s %s', inboxId, result, outcome)
    for (const watcher of this.#watchers) watcher.settled(record)
    if (onSettled) this.#guard('onSettled', () => onSettled({ ...record }))
    if (error === undefined) return
    explainToDebug(inboxId, error.cause)
    const why = (): string =>
      `${outcome} on attempt ${record.attempt}: ${reasonOf(outcome, error.message, error.cause)}(${subjectOf(record)})`
    const about = { ...record, code: outcome, cause: error.cause }
    if (result === 'retry') {
      const text = (): string => `Will be delivered again at ${nextAttemptAt?.toISOString() ?? ''}, ${why()}`
      log.line('warn', outcome, text, about)
    } else {
      const what = result === 'dead' ? 'Given up' : 'Quarantined'
      log.loss(`${what}, ${outcome}`, () => `${what} ${inboxId}, ${why()}`, about)
    }
  }

  /** Reports that the API does not know the order or shipment of an event with a body. Only the body is delivered. */
  notKnown({ method, kind, eventName, entity, requestId }: BodyTrigger, { outcome, cause }: Result): void {
    explainToDebug(requestId, cause)
    const about = { code: outcome, method, kind, eventName, entityId: entity?.id, requestId, cause }
    const text = (): string => `Delivered as received, without a fetch: ${describe(cause)} (${subjectOf(about)})`
    this.#options.log.line('warn', 'delivered as it came', text, about)
  }

  /** Reports an alarm that does not belong to a response. */
  alarm(error: TradecloudWebhookError, record: Partial<DeliveryRecord>): void {
    const subject = subjectOf(record)
    const text = `${error.code}: ${error.message}${subject === '' ? '' : ` (${subject})`}`
    explainToDebug(error.code, error.cause)
    this.#options.log.line('error', error.code, text, { ...record, cause: error })
  }

  #log(record: DeliveryRecord, result: Result, { status, detail, givenUp }: Answer): void {
    const { log } = this.#options
    const { outcome } = record
    const failed = 'cause' in result || result.issues !== undefined
    if (failed) explainToDebug(record.requestId, result.cause)
    const why = (): string => `${failed ? reasonOf(outcome, detail, result.cause) : `${detail} `}(${subjectOf(record)})`
    const about = { ...record, code: outcome, cause: result.cause }
    if (givenUp) {
      const summary = `Answered ${status} ${outcome}, Tradecloud will not send it again`
      log.loss(summary, () => `${summary}: ${why()}`, about)
    } else if (failed) {
      log.line('warn', outcome, () => `Answered ${status} ${outcome}, Tradecloud will send it again: ${why()}`, about)
    }
  }

  #guard(name: string, call: () => unknown): void {
    const failed = (cause: unknown): void => {
      explainToDebug(name, cause)
      const text = (): string => `${name} failed: ${describe(cause)}${locationOf(cause)}`
      this.#options.log.line('warn', name, text, { code: 'callback_failed', cause })
    }
    try {
      const returned = call()
      if (isThenable(returned)) returned.then(undefined, failed)
    } catch (cause) {
      failed(cause)
    }
  }
}

/** The user throws a `RejectEvent` on purpose, so only its name and message are logged, without a stack frame. */
function reasonOf(outcome: Outcome, detail: string, cause: unknown): string {
  if (outcome === 'rejected') return `${describe(cause)} `
  if (cause === undefined) return `${detail} `
  return `${detail} ${describe(cause)}${FETCHING.includes(outcome) ? '' : locationOf(cause)} `
}

/** The reason that a `Watcher` gets; `undefined` for a success. */
function watchedReason(outcome: Outcome, { cause }: Result, { status, detail }: Answer): string | undefined {
  if (status < 300 && outcome !== 'quarantined') return undefined
  if (outcome === 'rejected' || cause === undefined) return escapeControls(detail)
  return `${detail} ${describeUnquoted(cause)}${FETCHING.includes(outcome) ? '' : locationOf(cause)}`
}

function explainToDebug(subject: string, cause: unknown): void {
  if (cause === undefined || !debugDeliver.enabled) return
  for (const line of explain(cause)) debugDeliver('%s %s', subject, line)
}

function toError(result: Result, answer: Answer): TradecloudWebhookError {
  const { outcome, cause } = result
  return new TradecloudWebhookError(outcome, answer.detail, {
    status: answer.status,
    headers: answer.headers,
    ...(cause !== undefined && { cause }),
  })
}

/**
 * What users get to know of each request: the delivery record, `onError`, and log lines for losses and alarms. None of
 * it can change an answer or end the process.
 */
import { debugDeliver } from './debug'
import { TradecloudWebhookError } from './errors'
import type { EventKind } from './events'
import { quote } from './quote'
import type { Pieces } from './receive/pieces'
import type { Answer, Outcome, Result } from './respond'
import { isThenable } from './thenable'

/** Where losses and alarms go. Each gets one line of text. */
export interface Logger {
  warn(message: string): void
  error(message: string): void
}

/** One for each request that came to a path of the webhook. */
export interface DeliveryRecord {
  /** What became of the trigger. */
  outcome: Outcome
  /** HTTP status of the answer. */
  status: number
  /** The event was not processed and Tradecloud will not send it again. */
  givenUp: boolean
  /** False where the client was gone before it could be answered. */
  answered: boolean
  /** HTTP method of the request. */
  method: string
  /** The sender's address, past the proxies that are trusted. With the option `allow` only. */
  address?: string | undefined
  kind?: EventKind | undefined
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  deliveryId?: string | undefined
  /** ID of the event in the inbox, where there is one. That of a body is its `deliveryId`. */
  inboxId?: string | undefined
  requestId: string
  /** Number of the call of the callback, where there was one. */
  attempt?: number | undefined
  /** A GET trigger that shared the delivery of another one, or that one which waits in the inbox stands for. */
  merged: boolean
  /** Deviations of the body from its schema. */
  issues: number
  /** Bytes of the body after decompression. */
  bodyBytes: number
  receivedAt: Date
  /** From the headers to the answer, in milliseconds. */
  durationMs: number
}

/** One for each time that an event out of the inbox was with its callback, or failed on the way to it. */
export interface SettledRecord {
  /**
   * `delivered`; `retry`: it failed and is tried again; `dead`: given up and kept, see `inbox.replay`; `quarantined`: it
   * cannot be read (any more).
   */
  result: 'delivered' | 'retry' | 'dead' | 'quarantined'
  /** The same in finer grains, as it would have been answered without an inbox. */
  outcome: Outcome
  /** ID of the event in the inbox. */
  inboxId: string
  deliveryId?: string | undefined
  kind: EventKind
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  /** That of the request which brought the event. */
  requestId: string
  receivedAt: Date
  /** Deliveries of the event that have begun, this one included. */
  attempt: number
  /** Somebody asked for it: `inbox.replay`. */
  replay: boolean
  /** From the beginning of this delivery to its end, in milliseconds. */
  durationMs: number
  /** When it is tried again; with `retry` only. */
  nextAttemptAt?: Date | undefined
  /** False when the inbox could not note it: the event will be delivered again. */
  noted: boolean
  /** Absent when it was delivered. Its `code` is the outcome, its `cause` what the callback threw. */
  error?: TradecloudWebhookError | undefined
}

/** Second argument of `onError`. */
export interface ErrorContext extends DeliveryRecord {
  /** The body, of authenticated requests only, where one was read. */
  rawBody?: Buffer | undefined
}

export interface ReporterOptions {
  logger: Logger
  onError?: ((error: TradecloudWebhookError, context: ErrorContext) => unknown) | undefined
  onDelivery?: ((record: DeliveryRecord) => unknown) | undefined
  onSettled?: ((record: SettledRecord) => unknown) | undefined
}

/** Lines of one sort in a minute; a broken sender or a scanner must not fill the disk. */
const LINES_A_MINUTE = 10
const MINUTE_MS = 60_000

export class Reporter {
  readonly #options: ReporterOptions
  readonly #sorts = new Map<string, { since: number; lines: number; dropped: number }>()

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  request(record: DeliveryRecord, result: Result, answer: Answer, body: Pieces | undefined): void {
    const { onError, onDelivery } = this.#options
    debugDeliver('%s %d %s', record.requestId, record.status, record.outcome)
    if (onDelivery) this.#guard('onDelivery', () => onDelivery({ ...record }))
    if (record.outcome === 'quarantined') {
      this.line('error', record.outcome, `Quarantined ${record.inboxId ?? ''}, ${answer.detail} (${subjectOf(record)})`)
    }
    if (answer.status < 300) return
    this.#log(record, result, answer)
    if (onError) this.#guard('onError', () => onError(toError(result, answer), { ...record, rawBody: body?.whole }))
  }

  /** An event out of the inbox was delivered, or failed. */
  settled(record: SettledRecord): void {
    const { onSettled } = this.#options
    const { result, outcome, inboxId, error, nextAttemptAt } = record
    debugDeliver('inbox %s %s %s', inboxId, result, outcome)
    if (onSettled) this.#guard('onSettled', () => onSettled({ ...record }))
    if (error === undefined) return
    // The words of a RejectEvent are the callback's: it may have put parts of the body into them.
    const said = outcome === 'rejected' ? '' : `${error.message} `
    const cause = error.cause === undefined ? '' : `${describe(error.cause)} `
    const why = `${outcome} on attempt ${record.attempt}: ${said}${cause}(${subjectOf(record)})`
    if (result === 'retry')
      this.line('warn', outcome, `Will be delivered again at ${nextAttemptAt?.toISOString() ?? ''}, ${why}`)
    else this.line('error', result, `${result === 'dead' ? 'Given up' : 'Quarantined'} ${inboxId}, ${why}`)
  }

  /** Something that a person should hear of while a request is still running or long answered. */
  alarm(error: TradecloudWebhookError, record: Partial<DeliveryRecord>): void {
    const about = subjectOf(record)
    this.line('error', error.code, `${error.code}: ${error.message}${about === '' ? '' : ` (${about})`}`)
  }

  /** Writes a line, unless there were too many of its sort within the minute. */
  line(level: 'warn' | 'error', sort: string, text: string): void {
    const now = Date.now()
    let seen = this.#sorts.get(sort)
    if (!seen || now - seen.since >= MINUTE_MS) {
      const dropped = seen?.dropped ?? 0
      seen = { since: now, lines: 0, dropped: 0 }
      this.#sorts.set(sort, seen)
      if (dropped > 0) this.#write(level, `${dropped} more lines like the following one were left out`)
    }
    if (seen.lines >= LINES_A_MINUTE) {
      seen.dropped++
      return
    }
    seen.lines++
    this.#write(level, text)
  }

  #log(record: DeliveryRecord, result: Result, { status, detail, givenUp }: Answer): void {
    const failed = 'cause' in result
    // The words of a RejectEvent are the callback's: it may have put parts of the body into them.
    const said = result.outcome === 'rejected' ? '' : `${detail} `
    const why = `${said}${failed ? `${describe(result.cause)} ` : ''}(${subjectOf(record)})`
    if (givenUp)
      this.line(
        'error',
        record.outcome,
        `Answered ${status} ${record.outcome}, Tradecloud will not send it again: ${why}`,
      )
    else if (failed)
      this.line('warn', record.outcome, `Answered ${status} ${record.outcome}, Tradecloud will send it again: ${why}`)
  }

  #write(level: 'warn' | 'error', text: string): void {
    try {
      const written: unknown = this.#options.logger[level](`tradecloud-webhook: ${text}`)
      if (isThenable(written)) written.then(undefined, () => undefined)
    } catch {
      // a logger that fails must not fail a delivery
    }
  }

  #guard(name: string, call: () => unknown): void {
    const failed = (cause: unknown): void => this.line('warn', name, `${name} failed: ${describe(cause)}`)
    try {
      const returned = call()
      if (isThenable(returned)) returned.then(undefined, failed)
    } catch (cause) {
      failed(cause)
    }
  }
}

function toError(result: Result, answer: Answer): TradecloudWebhookError {
  const { outcome, cause } = result
  return new TradecloudWebhookError(outcome, answer.detail, {
    status: answer.status,
    headers: answer.headers,
    ...(cause !== undefined && { cause }),
  })
}

function subjectOf({ method, kind, eventName, entityId, requestId }: Partial<DeliveryRecord>): string {
  const parts = [
    method,
    kind,
    eventName && quote(eventName),
    entityId && quote(entityId),
    requestId && `request ${requestId}`,
  ]
  return parts.filter((part) => part !== undefined && part !== '').join(' ')
}

/** Name and message alone: an error may carry headers and credentials beside them. */
export function describe(cause: unknown): string {
  try {
    return cause instanceof Error ? quote(`${cause.name}: ${cause.message}`, 300) : `a thrown ${typeof cause}`
  } catch {
    return 'an error that cannot be read'
  }
}

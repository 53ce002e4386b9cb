/**
 * The errors of this package, including the one that a callback throws to refuse an event. All other files throw these
 * or return results; none of them may contain a credential.
 */
const WEBHOOK_ERROR = Symbol.for('tradecloud-webhook.error')
const REJECT_EVENT = Symbol.for('tradecloud-webhook.reject-event')

export interface TradecloudWebhookErrorOptions {
  /** HTTP status of the response for this error, if there is one. */
  status?: number | undefined
  /** Headers of that response. Contains no credential. */
  headers?: Readonly<Record<string, string>> | undefined
  cause?: unknown
}

/**
 * Any failure that this package reports. `code` is stable and is one of the outcomes in the table of answers, or
 * `invalid_option` (thrown when a webhook, worker, client or inbox is created), `handler_stuck`, `lease_lost` or
 * `inbox_unusable` (alarms).
 */
export class TradecloudWebhookError extends Error {
  readonly code: string
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string>> | undefined

  constructor(code: string, message: string, options: TradecloudWebhookErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.status = options.status
    this.headers = options.headers
    Object.defineProperty(this, WEBHOOK_ERROR, { value: true })
  }
}
// On the prototype and not enumerable, like the names of built-in errors.
Object.defineProperty(TradecloudWebhookError.prototype, 'name', {
  value: 'TradecloudWebhookError',
  configurable: true,
  writable: true,
})

/** True for every error of this package, also of another copy of it. */
export function isTradecloudWebhookError(error: unknown): error is TradecloudWebhookError {
  return hasBrand(error, WEBHOOK_ERROR)
}

/**
 * Throw this from a callback to refuse an event for good: Tradecloud is answered with a 4xx and **never sends the
 * event again**. Any other error is answered 503 and sent again.
 *
 * ```ts
 * throw new RejectEvent('order of a company that we do not trade with', { status: 422 })
 * ```
 */
export class RejectEvent extends Error {
  /** Status of the answer, 400 to 499. Any other makes the failure a `handler_failed`. Default: 422. */
  readonly status: number

  constructor(message: string, options: { status?: number | undefined; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.status = options.status ?? 422
    Object.defineProperty(this, REJECT_EVENT, { value: true })
  }
}
Object.defineProperty(RejectEvent.prototype, 'name', { value: 'RejectEvent', configurable: true, writable: true })

/** Recognised by a brand and not by `instanceof`: two copies of the package may be installed. */
export function isRejectEvent(error: unknown): error is RejectEvent {
  return hasBrand(error, REJECT_EVENT)
}

function hasBrand(value: unknown, brand: symbol): boolean {
  try {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true
  } catch {
    return false // a proxy or getter that throws: callbacks may throw anything
  }
}

/** Thrown when a webhook or client is created: names the option and the mistake. */
export function invalidOption(option: string, problem: string): TradecloudWebhookError {
  return new TradecloudWebhookError(
    'invalid_option',
    `Option \`${option}\` ${problem}${problem.endsWith('?') ? '' : '.'}`,
  )
}

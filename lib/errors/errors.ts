/**
 * The base class of this package's errors, and the error that a callback throws to refuse an event. The package puts no
 * credential into an error.
 */
const WEBHOOK_ERROR = Symbol.for('tradecloud-webhook.error')
const REJECT_EVENT = Symbol.for('tradecloud-webhook.reject-event')

export interface TradecloudWebhookErrorOptions {
  /** HTTP status of the response for this error, if there is one. */
  status?: number | undefined
  /** HTTP headers of the response. They contain no credential. */
  headers?: Readonly<Record<string, string>> | undefined
  cause?: unknown
}

/**
 * Any failure that this package reports. `code` is stable: one of the outcomes in the table of responses,
 * `invalid_option` for an option that is not valid, one of the alarms `handler_stuck`, `lease_lost` and
 * `inbox_unusable`, or a code of `TradecloudApiError`.
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
// Defined on the prototype and not enumerable, like the names of built-in errors.
Object.defineProperty(TradecloudWebhookError.prototype, 'name', {
  value: 'TradecloudWebhookError',
  configurable: true,
  writable: true,
})

/**
 * True for every `TradecloudWebhookError`, including subclasses, even if another copy of the package has created it.
 */
export function isTradecloudWebhookError(error: unknown): error is TradecloudWebhookError {
  return hasBrand(error, WEBHOOK_ERROR)
}

/**
 * Throw this from a callback to refuse an event permanently. Without an inbox, the response is a 4xx and Tradecloud
 * **never sends the event again**; after any other error, the response is 503 and Tradecloud sends the event again.
 * With an inbox, the event is not delivered again; after any other error, the inbox retries.
 *
 * ```ts
 * throw new RejectEvent('order of a company that we do not trade with', { status: 422 })
 * ```
 */
export class RejectEvent extends Error {
  /** Status of the response, 400 to 499. With any other status, the outcome is `handler_failed`. Default: 422. */
  readonly status: number

  constructor(message: string, options: { status?: number | undefined; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.status = options.status ?? 422
    Object.defineProperty(this, REJECT_EVENT, { value: true })
  }
}
Object.defineProperty(RejectEvent.prototype, 'name', { value: 'RejectEvent', configurable: true, writable: true })

/** Detected by a symbol rather than `instanceof`, because two copies of the package may be installed. */
export function isRejectEvent(error: unknown): error is RejectEvent {
  return hasBrand(error, REJECT_EVENT)
}

function hasBrand(value: unknown, brand: symbol): boolean {
  try {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true
  } catch {
    return false // callbacks may throw anything, even a proxy or an object with a getter that throws
  }
}

export function invalidOption(option: string, problem: string): TradecloudWebhookError {
  return new TradecloudWebhookError(
    'invalid_option',
    `Option \`${option}\` ${problem}${problem.endsWith('?') ? '' : '.'}`,
  )
}

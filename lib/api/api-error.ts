/**
 * The error of the API client. The error and its cause hold no credential, token, header or body. There is one
 * exception: if the caller's signal aborts the call, the cause is the reason that the caller gave the signal, and may
 * hold anything.
 */
import { TradecloudWebhookError } from '../errors/errors'

/**
 * - `fetch_failed`: any failure that is not listed below, such as an unreachable API, 5xx, 429, refused credentials, or
 *   invalid content
 * - `fetch_timeout`: no complete answer in time
 * - `not_found`: the API does not know the ID, or the file of a document is gone
 * - `invalid_id`: the given ID cannot be an ID; nothing was sent
 * - `unavailable`: the client is closed, or the caller's signal was aborted
 * - `unsupported_document`: the document has only a `url`, which another company chose, and the option `documentHosts`
 *   names no host; nothing was sent
 * - `document_not_allowed`: the `url` of the document must not be requested: for example, it is not https, is not on a
 *   host of `documentHosts`, or leads to an address that is not public
 * - `no_content`: the document has neither `objectId` nor `url`, so it has no file; nothing was sent
 */
export type TradecloudApiErrorCode =
  | 'fetch_failed'
  | 'fetch_timeout'
  | 'not_found'
  | 'invalid_id'
  | 'unavailable'
  | 'unsupported_document'
  | 'document_not_allowed'
  | 'no_content'

export interface TradecloudApiErrorOptions {
  attempts: number
  apiStatus?: number | undefined
  cause?: unknown
}

/** Why a call of `TradecloudClient` failed. If the caller's signal aborted it, `cause` is that signal's reason. */
export class TradecloudApiError extends TradecloudWebhookError {
  declare readonly code: TradecloudApiErrorCode
  /** Status of the response that made the call fail, if it is known; `undefined` after a time-out, for example. */
  readonly apiStatus: number | undefined
  /**
   * Number of requests of this call (in a poll: for the page that failed), including the logins and token refreshes
   * that it waited for.
   */
  readonly attempts: number

  constructor(code: TradecloudApiErrorCode, message: string, options: TradecloudApiErrorOptions) {
    super(code, message, options.cause === undefined ? {} : { cause: options.cause })
    this.apiStatus = options.apiStatus
    this.attempts = options.attempts
  }
}
Object.defineProperty(TradecloudApiError.prototype, 'name', {
  value: 'TradecloudApiError',
  configurable: true,
  writable: true,
})

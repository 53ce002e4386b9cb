/**
 * One operation of the client, such as "fetch order 1": its deadline for retries, its abort signals, its number of
 * attempts and its errors. `flights.ts` decides who waits for it, and for how long.
 */
import { TradecloudApiError, type TradecloudApiErrorCode, type TradecloudApiErrorOptions } from './api-error'
import { backOffMs } from '../wait/back-off'
import { pause } from '../wait/pause'
import { retryDelayMs } from './back-off'
import type { RequestFailure } from './failure'

type ErrorDetails = Omit<TradecloudApiErrorOptions, 'attempts'>

const FIRST_NOT_FOUND_MS = 250
/** Longer than any path with a documented ID. */
const MAX_SHOWN = 120

/** Describes the request in error messages; a long path is truncated. */
export function describeGet(path: string): string {
  return `GET ${path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path}`
}

export class Call {
  attempts = 0
  #failures = 0
  #notFound = 0
  #notFoundUntil: number | undefined
  readonly #what: string
  #endsAt = 0
  readonly #requests = new AbortController()
  readonly #waits = new AbortController()

  /** `what` is the request of the caller, such as `GET /order/1`. */
  constructor(what: string) {
    this.#what = what
  }

  /** Aborts the request of this call once no caller waits for this call. */
  get requestSignal(): AbortSignal {
    return this.#requests.signal
  }

  /**
   * Aborts the waits of this call (for a token, for the rate limit and for the next attempt) when the client closes, or
   * once no caller waits for this call.
   */
  get waitSignal(): AbortSignal {
    return this.#waits.signal
  }

  /** The error for a call that ended because no caller waits for it, or because the client is closed. */
  get ending(): TradecloudApiError {
    return (this.#waits.signal.reason ?? this.#closed()) as TradecloudApiError
  }

  /**
   * Extends the deadline of the call to `endsAt`, a time on the clock of `performance.now()`, unless the deadline is
   * already later.
   */
  extend(endsAt: number): void {
    this.#endsAt = Math.max(this.#endsAt, endsAt)
  }

  /** Called when the client closes. No further wait or retry begins; a running request may finish. */
  stop(): void {
    this.#waits.abort(this.#closed())
  }

  cancel(): void {
    const error = this.ended('unavailable', 'was aborted: no one is waiting for it')
    this.#requests.abort(error)
    this.#waits.abort(error)
  }

  /** Whether another attempt could still start after this delay in milliseconds. */
  hasTimeFor(ms: number): boolean {
    return performance.now() + ms < this.#endsAt
  }

  /** The error for a failure. `via` is the token request, if that failed instead of the request of the call. */
  error({ code, text, status, cause }: RequestFailure, via?: string): TradecloudApiError {
    const said = via === undefined ? text : `needs a token, but ${via} ${text}`
    return this.ended(code, said, { apiStatus: status, cause })
  }

  /** The error for a call that ended. `text` is the rest of a message that begins with the request. */
  ended(code: TradecloudApiErrorCode, text: string, more: ErrorDetails = {}): TradecloudApiError {
    const { attempts } = this
    const count = `${attempts} ${attempts === 1 ? 'request' : 'requests'}`
    return new TradecloudApiError(code, `${this.#what} ${text} (${count})`, { attempts, ...more })
  }

  /** Waits until the next attempt. Throws the failure if no attempt may follow, and `ending` if the wait is aborted. */
  async backOff(failure: RequestFailure): Promise<void> {
    if (!failure.retry) throw this.error(failure)
    if (failure.retry === 'at-once') return
    await this.#wait(retryDelayMs(++this.#failures, failure.retryAfterMs), failure)
  }

  /**
   * Like `backOff`, for an ID that the API may know soon: waits 250 ms, then 500 ms and so on, until `retryMs` after
   * the first such failure.
   */
  async waitToAppear(failure: RequestFailure, retryMs: number): Promise<void> {
    this.#notFoundUntil ??= performance.now() + retryMs
    const left = Math.floor(this.#notFoundUntil - performance.now())
    if (left <= 0) throw this.error(failure)
    await this.#wait(backOffMs(++this.#notFound, { firstMs: FIRST_NOT_FOUND_MS, maxMs: left }), failure)
  }

  /**
   * Keeps the process alive between two attempts: otherwise, a script without other work would exit before its promise
   * settles.
   */
  async #wait(ms: number, failure: RequestFailure): Promise<void> {
    if (this.#waits.signal.aborted || !this.hasTimeFor(ms)) throw this.error(failure)
    if (!(await pause(ms, this.#waits.signal, { keepsAlive: true }))) throw this.ending
  }

  #closed(): TradecloudApiError {
    return this.ended('unavailable', 'was aborted: the client is closed')
  }
}

/**
 * One call of the client: its deadline, the caller's signal, its count of attempts, and the error that it ends with.
 */
import { TradecloudApiError, type TradecloudApiErrorCode, type TradecloudApiErrorOptions } from './api-error'
import { backOffMs, pause } from './back-off'
import type { Failure } from './failure'

type ErrorDetails = Omit<TradecloudApiErrorOptions, 'attempts'>

export class Call {
  attempts = 0
  #failures = 0
  readonly #what: string
  readonly #endsAt: number
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  readonly #requests = new AbortController()
  readonly #waits = new AbortController()
  #finish: () => void = () => undefined
  /** Resolves when the call is over, however it ended. */
  readonly done = new Promise<void>((resolve) => (this.#finish = resolve))

  /** `what` is the request that the caller wants, as in `GET /order/1`. */
  constructor(what: string, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#what = what
    this.#endsAt = performance.now() + timeoutMs
    this.#timer = setTimeout(() => this.#end('fetch_timeout', `got no answer within ${timeoutMs} ms`), timeoutMs)
    this.#timer.unref()
    this.#signal = signal
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Aborts when a request of this call must end: at the deadline, or because the caller says so. */
  get requestSignal(): AbortSignal {
    return this.#requests.signal
  }

  /** Aborts when waiting for a token or for the next attempt must end: also when the client closes. */
  get waitSignal(): AbortSignal {
    return this.#waits.signal
  }

  /** Why the call was ended from outside. */
  get ending(): TradecloudApiError {
    return (this.#requests.signal.reason ?? this.#waits.signal.reason ?? this.#closed()) as TradecloudApiError
  }

  /** The client closes: no wait, no further attempt. A request that runs may still finish. */
  stop(): void {
    this.#waits.abort(this.#closed())
  }

  /** Whether another attempt after so many milliseconds can still begin. */
  hasTimeFor(ms: number): boolean {
    return performance.now() + ms < this.#endsAt
  }

  /** The error for a failure. `via`: the request for a token that failed instead of the call's own. */
  error({ code, text, status, cause }: Failure, via?: string): TradecloudApiError {
    const said = via === undefined ? text : `needs a token, but ${via} ${text}`
    return this.#error(code, said, { apiStatus: status, cause })
  }

  /** Waits for the next attempt. Throws the failure where there will be none, and `ending` where the wait was ended. */
  async backOff(failure: Failure): Promise<void> {
    const ms = backOffMs(++this.#failures, failure.retryAfterMs)
    if (!failure.retry || this.#waits.signal.aborted || !this.hasTimeFor(ms)) throw this.error(failure)
    if (!(await pause(ms, this.#waits.signal))) throw this.ending
  }

  dispose(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#finish()
  }

  readonly #onAbort = (): void => {
    this.#end('unavailable', 'was given up: its signal is aborted', this.#signal?.reason)
  }

  #end(code: TradecloudApiErrorCode, text: string, cause?: unknown): void {
    const error = this.#error(code, text, { cause })
    this.#requests.abort(error)
    this.#waits.abort(error)
  }

  #closed(): TradecloudApiError {
    return this.#error('unavailable', 'was given up: the client is closed')
  }

  #error(code: TradecloudApiErrorCode, text: string, more: ErrorDetails = {}): TradecloudApiError {
    const { attempts } = this
    const count = `${attempts} ${attempts === 1 ? 'request' : 'requests'}`
    return new TradecloudApiError(code, `${this.#what} ${text} (${count})`, { attempts, ...more })
  }
}

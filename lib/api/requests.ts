/**
 * Sends a request to the API. Each attempt has a token and respects the rate limit. A temporary failure is followed by
 * another attempt, until the time limit of the call. The body of a successful response is not interpreted here.
 */
import { failureOf, type RequestFailure } from './failure'
import type { Flight } from './flights'
import type { ApiAnswer, NoAnswer, OpenAnswer } from './outcome'
import type { RateLimit } from './rate-limit'
import type { Session } from './session'
import type { ApiRequest, Transport } from './transport'

export interface RequestOptions {
  /**
   * If set, a request that is answered with 404 is repeated for this number of milliseconds, and then fails with
   * `not_found`. Default: a 404 means `fetch_failed`.
   */
  notFoundRetryMs?: number | undefined
  /** Changes a failure of this request, for example whether to retry it. Default: unchanged. */
  amend?: ((failure: RequestFailure) => RequestFailure) | undefined
}

export type UnsignedRequest = Omit<ApiRequest, 'headers'>

export class ApiRequests {
  readonly #transport: Transport
  readonly #rate: RateLimit
  readonly #session: Session

  constructor(transport: Transport, rate: RateLimit, session: Session) {
    this.#transport = transport
    this.#rate = rate
    this.#session = session
  }

  /** `request` creates the request of each attempt. Rejects with the last failure. */
  send(flight: Flight, request: () => UnsignedRequest, options: RequestOptions = {}): Promise<ApiAnswer> {
    return this.#send(flight, options, (headers) => {
      return this.#transport.send({ ...request(), headers }, flight.call.requestSignal)
    })
  }

  /** Like `send`, but resolves with the headers of a 200, before its body is read. */
  open(flight: Flight, request: UnsignedRequest, options: RequestOptions = {}): Promise<OpenAnswer> {
    return this.#send(flight, options, (headers) => {
      return this.#transport.openApi({ ...request, headers }, flight.call.requestSignal)
    })
  }

  async #send<T extends ApiAnswer | OpenAnswer>(
    flight: Flight,
    { notFoundRetryMs, amend }: RequestOptions,
    sendOnce: (headers: Record<string, string>) => Promise<T | NoAnswer>,
  ): Promise<T> {
    const { call } = flight
    let renewed = false
    for (;;) {
      const token = await this.#session.token(call)
      const slot = await this.#rate.take({ signal: call.waitSignal })
      if (slot === undefined) throw call.ending
      if (!this.#session.isCurrent(token)) {
        // While this request waited for the rate limit, its token was refused or replaced.
        slot.cancel()
        continue
      }
      flight.departs()
      call.attempts++
      const outcome = await sendOnce({ Authorization: `Bearer ${token}` })
      slot.done('status' in outcome)
      if (outcome.type === 'aborted') throw call.ending
      if ('status' in outcome && outcome.status === 200) return outcome
      if (outcome.type === 'open') outcome.body.destroy()
      flight.failed()
      const failure = failureOf(outcome)
      if (failure.status === 401) {
        if (!this.#session.refused(token)) continue
        if (renewed) {
          this.#session.forget()
          throw call.error({ ...failure, text: 'was answered 401, even with a new token' })
        }
        renewed = true
      } else if (failure.status === 404 && notFoundRetryMs !== undefined) {
        await call.waitToAppear({ ...failure, code: 'not_found' }, notFoundRetryMs)
      } else {
        await call.backOff(amend?.(failure) ?? failure)
      }
    }
  }
}

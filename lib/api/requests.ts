/**
 * Requests to the API until there is a 200: each with a token and a place under the rate limit, again after failures
 * that may pass. Knows nothing of what is in an answer.
 */
import type { Flight } from './flights'
import { failureOf, type Failure } from './failure'
import type { RateLimit } from './rate-limit'
import type { Session } from './session'
import type { Answer } from './outcome'
import type { ApiRequest, Transport } from './transport'

export interface RequestOptions {
  /** A 404 means `not_found`, and is tried again for so many milliseconds. Default: it means `fetch_failed`. */
  notFoundRetryMs?: number | undefined
  /** Called for each piece of the body of a 200. */
  onPiece?: (() => void) | undefined
  /** What a failure means for this request. Default: what it is. */
  amend?: ((failure: Failure) => Failure) | undefined
}

export type UnsignedRequest = Omit<ApiRequest, 'headers'>

export class Requests {
  readonly #transport: Transport
  readonly #rate: RateLimit
  readonly #session: Session

  constructor(transport: Transport, rate: RateLimit, session: Session) {
    this.#transport = transport
    this.#rate = rate
    this.#session = session
  }

  /** `request` makes the request of each attempt. Rejects with the failure that decided. */
  async send(flight: Flight, request: () => UnsignedRequest, options: RequestOptions = {}): Promise<Answer> {
    const { call } = flight
    const { notFoundRetryMs, onPiece, amend } = options
    let renewed = false
    for (;;) {
      const token = await this.#session.token(call)
      const slot = await this.#rate.take({ signal: call.waitSignal })
      if (slot === undefined) throw call.ending
      if (!this.#session.isCurrent(token)) {
        // Refused or replaced while this one stood in line. Those behind it will find the same.
        slot.cancel()
        continue
      }
      flight.departs()
      call.attempts++
      const headers = { Authorization: `Bearer ${token}` }
      const outcome = await this.#transport.send({ ...request(), headers }, call.requestSignal, onPiece)
      slot.done(outcome.type === 'answer')
      if (outcome.type === 'aborted') throw call.ending
      if (outcome.type === 'answer' && outcome.status === 200) return outcome
      flight.failed()
      const failure = failureOf(outcome)
      if (failure.status === 401) {
        if (!this.#session.refused(token)) continue
        if (renewed) {
          this.#session.forget()
          throw call.error({ ...failure, text: 'was answered 401, again with a new token' })
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

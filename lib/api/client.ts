/**
 * The client of Tradecloud's REST API: what users call. Which request to send, and when to send it again.
 */
import { checkEntityId } from '../entity-id'
import { quote } from '../quote'
import type { Order, Shipment } from '../schema/types'
import { TradecloudApiError } from './api-error'
import { pause } from './back-off'
import { Call } from './call'
import { resolveClientOptions, type ResolvedClientOptions, type TradecloudClientOptions } from './client-options'
import { readEntity, type FetchedEntity } from './entity'
import { failureOf, uselessAnswer } from './failure'
import { Session } from './session'
import { Transport, type Answer, type ApiRequest } from './transport'

export interface FetchOptions {
  /** Ends the call when it aborts, with code `unavailable` and the signal's reason as `cause`. Default: none. */
  signal?: AbortSignal | undefined
}

/** Long enough for any documented ID; keeps messages short. */
const MAX_SHOWN = 120

/**
 * Fetches from Tradecloud. Logs in by itself, keeps its token fresh, and tries again after 429, 5xx, broken connections
 * and time-outs, all within `fetchTimeoutMs`. Its methods reject with a `TradecloudApiError`. Shows no secret when it
 * is logged.
 *
 * ```ts
 * const client = new TradecloudClient({ environment: 'acceptance', username, password })
 * const order = await client.getOrder(orderId)
 * await client.close()
 * ```
 */
export class TradecloudClient {
  // Private to the language, not only to TypeScript: what holds secrets must not show when the client is logged.
  readonly #options: Pick<ResolvedClientOptions, 'requestTimeoutMs' | 'fetchTimeoutMs'>
  readonly #transport: Transport
  readonly #session: Session
  readonly #calls = new Set<Call>()
  #closing: Promise<void> | undefined

  /** Throws a `TradecloudWebhookError` with code `invalid_option` that names the wrong option. Sends nothing yet. */
  constructor(options: TradecloudClientOptions) {
    const { username, password, ...rest } = resolveClientOptions(options)
    this.#options = rest
    this.#transport = new Transport(rest)
    this.#session = new Session(this.#transport, username, password)
  }

  /** The order with all its lines, as Tradecloud sent it: a value may differ from its type. */
  async getOrder(orderId: string, options: FetchOptions = {}): Promise<Order> {
    const { entity } = await this.fetchEntity('order', orderId, { signal: options.signal })
    return entity
  }

  /** The shipment with all its lines, as Tradecloud sent it: a value may differ from its type. */
  async getShipment(shipmentId: string, options: FetchOptions = {}): Promise<Shipment> {
    const { entity } = await this.fetchEntity('shipment', shipmentId, { signal: options.signal })
    return entity
  }

  /**
   * Logs out and closes all connections. Requests that run may finish but are not sent again; calls that wait, and
   * later ones, reject with code `unavailable`. Takes at most `requestTimeoutMs`; never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * For the webhook. `timeoutMs` replaces `fetchTimeoutMs`.
   * @internal
   */
  async fetchEntity(
    kind: 'order' | 'shipment',
    id: string,
    { signal, timeoutMs = this.#options.fetchTimeoutMs }: FetchOptions & { timeoutMs?: number | undefined } = {},
  ): Promise<FetchedEntity> {
    const problem = typeof (id as unknown) === 'string' ? checkEntityId(id) : 'is not text'
    if (problem !== undefined) {
      const shown = problem === 'is not text' ? '' : ` ${quote(id)}`
      throw new TradecloudApiError('invalid_id', `The ${kind} ID${shown} ${problem}`, { attempts: 0 })
    }
    const path = `/${kind}/${encodeURIComponent(id)}`
    const what = `GET ${path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path}`
    if (this.#closing) {
      throw new TradecloudApiError('unavailable', `${what} was not sent: the client is closed`, { attempts: 0 })
    }
    const call = new Call(what, timeoutMs, signal)
    this.#calls.add(call)
    try {
      const { body } = await this.#get(call, path)
      const read = readEntity(body)
      if (!read.ok) throw call.error(uselessAnswer(read.reason))
      const { entity, contentHash, removedKeys } = read
      return { entity, contentHash, removedKeys }
    } finally {
      this.#calls.delete(call)
      call.dispose()
    }
  }

  /** Sends until there is a 200. */
  async #get(call: Call, path: string): Promise<Answer> {
    let renewed = false
    for (;;) {
      const token = await this.#session.token(call)
      call.attempts++
      const request: ApiRequest = { method: 'GET', path, headers: { Authorization: `Bearer ${token}` } }
      const outcome = await this.#transport.send(request, call.requestSignal)
      if (outcome.type === 'aborted') throw call.ending
      if (outcome.type === 'answer' && outcome.status === 200) return outcome
      const failure = failureOf(outcome)
      if (failure.status === 401) {
        if (!this.#session.refused(token)) continue
        if (renewed) {
          this.#session.forget()
          throw call.error({ ...failure, text: 'was answered 401, again with a new token' })
        }
        renewed = true
        continue
      }
      await call.backOff(failure.status === 404 ? { ...failure, code: 'not_found' } : failure)
    }
  }

  async #close(): Promise<void> {
    const running = [...this.#calls]
    for (const call of running) call.stop()
    const limit = new AbortController()
    await Promise.race([
      Promise.all([this.#session.close(), ...running.map(({ done }) => done)]),
      pause(this.#options.requestTimeoutMs, limit.signal),
    ])
    limit.abort()
    this.#transport.close()
  }
}

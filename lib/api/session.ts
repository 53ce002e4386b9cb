/**
 * The tokens of the API client: login, refresh and logout. All callers share one request for a token, because a refresh
 * token can be used only once.
 */
import type { TradecloudApiError } from './api-error'
import { pause } from '../wait/pause'
import { retryDelayMs } from './back-off'
import type { Call } from './call'
import { askForCredentials, type CredentialsFunction } from './credentials'
import { debugApi } from '../log/debug'
import { failureOf, uselessAnswer, type RequestFailure } from './failure'
import type { RateLimit, Slot } from './rate-limit'
import { refreshTime } from './token-lifetime'
import type { ApiAnswer, ApiOutcome } from './outcome'
import type { ApiRequest, Transport } from './transport'

const LOGIN = { method: 'GET', path: '/authentication/login' } as const
const REFRESH = { method: 'GET', path: '/authentication/refresh' } as const
const LOGOUT = { method: 'POST', path: '/authentication/logout' } as const

interface TokenWaiter {
  call: Call
  resolve: (token: string) => void
  reject: (error: TradecloudApiError) => void
}

/** `next: 'login'`: the refresh failed, and a login may be sent at once. */
type Renewal =
  | { ok: true; token: string }
  | { ok: false; next: 'login' }
  | { ok: false; next: 'back-off'; failure: RequestFailure; via: string }

export class Session {
  readonly #transport: Transport
  readonly #credentials: CredentialsFunction
  readonly #credentialsTimeoutMs: number
  readonly #waiters = new Set<TokenWaiter>()
  #access: { token: string; refreshAt: number } | undefined
  #refreshToken: string | undefined
  #renewing: Promise<void> | undefined
  #sending = false
  readonly #rate: RateLimit
  #pause = new AbortController()

  constructor(transport: Transport, rate: RateLimit, credentials: CredentialsFunction, credentialsTimeoutMs: number) {
    this.#transport = transport
    this.#rate = rate
    this.#credentials = credentials
    this.#credentialsTimeoutMs = credentialsTimeoutMs
  }

  /** Resolves with a valid token. Rejects with the failure of the token request, or with `call.ending`. */
  token(call: Call): Promise<string> {
    return new Promise((resolve, reject) => {
      if (call.waitSignal.aborted) {
        reject(call.ending)
        return
      }
      if (this.#access && Date.now() < this.#access.refreshAt) {
        resolve(this.#access.token)
        return
      }
      const leave = () => {
        call.waitSignal.removeEventListener('abort', giveUp)
        this.#waiters.delete(waiter)
      }
      const giveUp = () => {
        waiter.reject(call.ending)
        // The attempts continue as long as any caller still needs a token.
        if (this.#waiters.size === 0) this.#pause.abort()
      }
      const waiter: TokenWaiter = {
        call,
        resolve: (token) => {
          leave()
          resolve(token)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      call.waitSignal.addEventListener('abort', giveUp, { once: true })
      this.#waiters.add(waiter)
      if (this.#sending) call.attempts++
      this.#renewing ??= this.#renew()
    })
  }

  isCurrent(token: string): boolean {
    return this.#access?.token === token
  }

  /**
   * Called when the API has refused a token. Returns false if there is a newer token, which makes the refusal obsolete.
   */
  refused(token: string): boolean {
    if (this.#access !== undefined && this.#access.token !== token) return false
    this.#access = undefined
    return true
  }

  /** Called when the API has refused even a new token: the next caller starts with a login. */
  forget(): void {
    this.#refreshToken = undefined
  }

  /** Logs out if there is a session. The caller has already stopped all calls. Never rejects. */
  async close(): Promise<void> {
    // Waits for a running token request, because it may return a new refresh token.
    await this.#renewing
    const refreshToken = this.#refreshToken
    this.#access = this.#refreshToken = undefined
    if (refreshToken === undefined) return
    const slot = await this.#rate.take({ first: true })
    const outcome = await this.#transport.send({ ...LOGOUT, headers: { 'Refresh-Token': refreshToken } })
    slot?.done(outcome.type === 'answer')
  }

  /** Requests a token until there is one, a failure is final, or no caller waits any more. Never rejects. */
  async #renew(): Promise<void> {
    let failures = 0
    while (this.#waiters.size > 0) {
      const slot = await this.#rate.take({ first: true })
      if (slot === undefined) break
      if (this.#waiters.size === 0) {
        slot.cancel()
        break
      }
      const refreshToken = this.#refreshToken
      const renewal = await (refreshToken === undefined ? this.#login(slot) : this.#refresh(refreshToken, slot))
      if (renewal.ok) {
        for (const waiter of this.#waiters) waiter.resolve(renewal.token)
        break
      }
      if (renewal.next === 'login') continue
      const { failure, via } = renewal
      const ms = retryDelayMs(++failures, failure.retryAfterMs)
      for (const waiter of this.#waiters) {
        if (!failure.retry || !waiter.call.hasTimeFor(ms)) waiter.reject(waiter.call.error(failure, via))
      }
      if (this.#waiters.size === 0) break
      this.#pause = new AbortController()
      await pause(ms, this.#pause.signal, { keepsAlive: true })
    }
    // There is no `await` between the last check of `#waiters` and this line, so no caller can have joined meanwhile. A
    // later caller starts a new request.
    this.#renewing = undefined
  }

  async #login(slot: Slot): Promise<Renewal> {
    const via = `${LOGIN.method} ${LOGIN.path}`
    const credentials = await askForCredentials(this.#credentials, this.#credentialsTimeoutMs)
    if (!credentials.ok) {
      slot.cancel()
      const text = `was not sent: ${credentials.reason}`
      return { ok: false, next: 'back-off', failure: { code: 'fetch_failed', text, retry: true }, via }
    }
    const outcome = await this.#send({ ...LOGIN, headers: { Authorization: credentials.value } }, slot)
    const token = this.#keepTokens(outcome)
    return token === undefined
      ? { ok: false, next: 'back-off', failure: loginFailure(outcome), via }
      : { ok: true, token }
  }

  async #refresh(refreshToken: string, slot: Slot): Promise<Renewal> {
    // From here on the refresh token counts as used, even if the response is lost.
    this.#refreshToken = undefined
    const outcome = await this.#send({ ...REFRESH, headers: { 'Refresh-Token': refreshToken } }, slot)
    const token = this.#keepTokens(outcome)
    if (token !== undefined) return { ok: true, token }
    if (outcome.type === 'answer') {
      const failure = failureOf(outcome)
      // The API answers 429 before it consumes the refresh token, so the token can be used again.
      if (outcome.status === 429) this.#refreshToken = refreshToken
      if (failure.retry) return { ok: false, next: 'back-off', failure, via: `${REFRESH.method} ${REFRESH.path}` }
    }
    debugApi('the refresh returned no token: logging in')
    return { ok: false, next: 'login' }
  }

  /**
   * The request does not depend on the deadline or signal of a caller: other callers need the token too, and an aborted
   * refresh would lose the refresh token.
   */
  async #send(request: ApiRequest, slot: Slot): Promise<ApiOutcome> {
    for (const { call } of this.#waiters) call.attempts++
    this.#sending = true
    const outcome = await this.#transport.send(request)
    slot.done(outcome.type === 'answer')
    this.#sending = false
    return outcome
  }

  #keepTokens(outcome: ApiOutcome): string | undefined {
    if (outcome.type !== 'answer' || outcome.status !== 200) return undefined
    const token = readHeader(outcome, 'set-authorization')
    if (token === undefined) return undefined
    this.#access = { token, refreshAt: refreshTime(token, Date.now()) }
    this.#refreshToken = readHeader(outcome, 'set-refresh-token')
    return token
  }
}

function loginFailure(outcome: ApiOutcome): RequestFailure {
  // Only `close()` aborts this request, and it has already rejected all waiting callers.
  if (outcome.type === 'aborted') return { code: 'unavailable', text: 'was aborted', retry: false }
  if (outcome.type === 'answer' && outcome.status === 200) return uselessAnswer('without an access token')
  const failure = failureOf(outcome)
  // No retry after a 401: repeated attempts with wrong credentials may lock the user out.
  if (failure.status !== 401) return failure
  return { ...failure, text: 'was answered 401: Tradecloud refuses the credentials of this client' }
}

function readHeader({ headers }: ApiAnswer, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * What the simulated REST API of Tradecloud knows and answers: users, tokens, one order, one shipment. It touches no
 * socket. The text of its error bodies is made up, and so is every status that a comment here calls made up.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { TokenIssuer, type TokenPair } from './tokens'

/** What a request asked for. `unknown` is everything that the simulator does not serve. */
export type ApiEndpoint = 'login' | 'refresh' | 'logout' | 'order' | 'shipment' | 'unknown'

/** One request that the API received, with the status of its answer. */
export interface ApiRequest {
  endpoint: ApiEndpoint
  method: string
  /** Path and query as they came over the wire, with the base path `/v2`. */
  url: string
  /** The order or shipment ID, percent-decoded once; absent where it could not be decoded. */
  id?: string | undefined
  /** Headers with lower case names. Credentials are in them. */
  headers: IncomingHttpHeaders
  status: number
}

/** Requests so far, whatever they were answered. */
export interface ApiCounts {
  logins: number
  refreshes: number
  logouts: number
  orderRequests: number
  shipmentRequests: number
}

/** Looks into the simulated API and sets what it answers. */
export interface SimulatedApi {
  /** Every request so far, oldest first. */
  readonly requests: readonly ApiRequest[]
  readonly counts: Readonly<ApiCounts>
  /** Serves `order` as JSON at `/order/{id}`, as it is at this moment. A fetched order names itself `id`. */
  setOrder(id: string, order: object): void
  /** From now on `/order/{id}` answers 404. */
  deleteOrder(id: string): void
  /** Serves `shipment` as JSON at `/shipment/{id}`, as it is at this moment. */
  setShipment(id: string, shipment: object): void
  /** From now on `/shipment/{id}` answers 404. */
  deleteShipment(id: string): void
  /** Ends all access tokens given out so far. */
  expireTokens(): void
  /** Ends all refresh tokens given out so far. */
  expireRefreshTokens(): void
  /**
   * Answers the next `count` requests with `status` and does nothing else with them; a second call adds to the first.
   * `endpoint` says which requests. Default: any, login included.
   * Throws a `TypeError` for a status that is not 200 to 599.
   */
  failNext(count: number, status: number, endpoint?: ApiEndpoint): void
}

export interface ApiUser {
  username: string
  password: string
  accessTokenMs: number
  refreshTokenMs: number
}

export interface ApiAnswer {
  status: number
  headers?: Record<string, string>
  /** JSON text. */
  body?: string | undefined
}

export class ApiState implements SimulatedApi {
  readonly requests: ApiRequest[] = []
  private readonly tokens: TokenIssuer
  private readonly orders = new Map<string, string>()
  private readonly shipments = new Map<string, string>()
  private readonly failures: Array<{ left: number; status: number; endpoint: ApiEndpoint | undefined }> = []

  constructor(private readonly user: ApiUser) {
    this.tokens = new TokenIssuer(user.accessTokenMs, user.refreshTokenMs)
  }

  get counts(): ApiCounts {
    const count = (endpoint: ApiEndpoint) => this.requests.filter((request) => request.endpoint === endpoint).length
    return {
      logins: count('login'),
      refreshes: count('refresh'),
      logouts: count('logout'),
      orderRequests: count('order'),
      shipmentRequests: count('shipment'),
    }
  }

  setOrder(id: string, order: object): void {
    this.orders.set(id, JSON.stringify(order))
  }

  deleteOrder(id: string): void {
    this.orders.delete(id)
  }

  setShipment(id: string, shipment: object): void {
    this.shipments.set(id, JSON.stringify(shipment))
  }

  deleteShipment(id: string): void {
    this.shipments.delete(id)
  }

  expireTokens(): void {
    this.tokens.expireAccessTokens()
  }

  expireRefreshTokens(): void {
    this.tokens.expireRefreshTokens()
  }

  failNext(count: number, status: number, endpoint?: ApiEndpoint): void {
    if (!(status >= 200 && status <= 599)) throw new TypeError(`status must be 200 to 599, not ${status}`)
    this.failures.push({ left: count, status, endpoint })
  }

  /** Notes the request and decides its answer. */
  receive(request: Omit<ApiRequest, 'status'>): ApiAnswer {
    const answer = this.forcedFailure(request.endpoint) ?? this.answer(request)
    this.requests.push({ ...request, status: answer.status })
    return answer
  }

  private forcedFailure(asked: ApiEndpoint): ApiAnswer | undefined {
    const failure = this.failures.find(({ left, endpoint }) => left > 0 && (endpoint ?? asked) === asked)
    if (failure === undefined) return undefined
    failure.left--
    return refusal(failure.status, 'a failure that the test asked for')
  }

  private answer({ endpoint, headers, id }: Omit<ApiRequest, 'status'>): ApiAnswer {
    switch (endpoint) {
      case 'login':
        return this.login(headers.authorization)
      case 'refresh':
      case 'logout':
        return this.endRefreshToken(endpoint, headers)
      case 'order':
        return this.entity(this.orders, id, headers.authorization)
      case 'shipment':
        return this.entity(this.shipments, id, headers.authorization)
      case 'unknown':
        return refusal(404, 'no such endpoint')
    }
  }

  private login(authorization: string | undefined): ApiAnswer {
    const { username, password } = this.user
    const encoded = /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
    if (Buffer.from(encoded, 'base64').toString() !== `${username}:${password}`) {
      return refusal(401, 'wrong credentials')
    }
    return withTokens(this.tokens.login(), JSON.stringify({ username, status: 'authenticated' }))
  }

  /** A refresh token works once, for either of the two. */
  private endRefreshToken(endpoint: 'refresh' | 'logout', headers: IncomingHttpHeaders): ApiAnswer {
    // Made up: documented is only that the header must be absent. A 401 would be healed by a new login, unnoticed.
    if (headers.authorization !== undefined) return refusal(400, `${endpoint} takes no Authorization header`)
    const refreshToken = String(headers['refresh-token'] ?? '')
    if (endpoint === 'refresh') {
      const pair = this.tokens.refresh(refreshToken)
      return pair === undefined ? refusal(401, 'refresh token unknown, used or expired') : withTokens(pair)
    }
    // Both statuses of a logout are made up.
    return this.tokens.logout(refreshToken) ? { status: 200 } : refusal(401, 'refresh token unknown, used or expired')
  }

  private entity(entities: Map<string, string>, id: string | undefined, authorization = ''): ApiAnswer {
    const accessToken = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (accessToken === undefined || !this.tokens.accepts(accessToken)) {
      return refusal(401, 'access token missing or expired')
    }
    const body = id === undefined ? undefined : entities.get(id)
    return body === undefined ? refusal(404, 'unknown ID') : { status: 200, body }
  }
}

function withTokens({ accessToken, refreshToken }: TokenPair, body?: string): ApiAnswer {
  return { status: 200, headers: { 'Set-Authorization': accessToken, 'Set-Refresh-Token': refreshToken }, body }
}

function refusal(status: number, message: string): ApiAnswer {
  return { status, body: JSON.stringify({ message }) }
}

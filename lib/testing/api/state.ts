/**
 * State and responses of the simulated REST API: the user, tokens, orders, shipments and documents. It uses no socket.
 * Comments mark the statuses that are made up.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { steadyMs, type SimulatorClock } from '../clock'
import { json, refusal, type SimulatedAnswer } from './answer'
import { DocumentStore, type SimulatedDocument } from './documents'
import { EntityStore, type PollBehaviour } from './entities'
import { damage, FaultList, substituteFor, type ApiFault, type FaultHandle, type FaultKind } from './faults'
import { busiestSecond, SimulatedRateLimit, type RateLimitOptions } from './rate-limit'
import type { ApiCounts, ApiRequest, SimulatedApi } from './surface'
import type { ApiEndpoint } from './target'
import { TokenIssuer, type TokenPair } from './tokens'

export interface ApiOptions {
  username: string
  password: string
  accessTokenMs: number
  refreshTokenMs: number
  downloadLinkMs: number
  poll: Required<PollBehaviour>
  rateLimit: false | RateLimitOptions
  clock: SimulatorClock
}

/** A request, with what is decided on its arrival: whether it exceeds the rate limit, and which fault affects it. */
export interface Admission {
  request: ApiRequest
  tooMany: boolean
  fault: FaultKind | undefined
}

export class ApiState implements SimulatedApi {
  readonly requests: ApiRequest[] = []
  readonly documents: DocumentStore
  private readonly tokens: TokenIssuer
  readonly orders: EntityStore
  readonly singleDeliveryOrders: EntityStore
  readonly shipments: EntityStore
  private readonly faults = new FaultList()
  private readonly rateLimit: SimulatedRateLimit | undefined

  constructor(private readonly options: ApiOptions) {
    const { clock, accessTokenMs, refreshTokenMs, downloadLinkMs, poll, rateLimit } = options
    this.tokens = new TokenIssuer(() => clock.now(), accessTokenMs, refreshTokenMs)
    this.documents = new DocumentStore(clock, downloadLinkMs)
    this.orders = new EntityStore('order', clock, poll)
    this.singleDeliveryOrders = new EntityStore('order', clock, poll)
    this.shipments = new EntityStore('shipment', clock, poll)
    this.rateLimit = rateLimit === false ? undefined : new SimulatedRateLimit(rateLimit)
  }

  get counts(): ApiCounts {
    const count = (...these: ApiEndpoint[]) => this.requests.filter(({ endpoint }) => these.includes(endpoint)).length
    return {
      logins: count('login'),
      refreshes: count('refresh'),
      logouts: count('logout'),
      orderRequests: count('order'),
      shipmentRequests: count('shipment'),
      polls: count('orderPoll', 'singleDeliveryPoll', 'shipmentPoll'),
      documentMetadataRequests: count('documentMetadata'),
      documentContentRequests: count('documentContent'),
      downloads: count('download'),
    }
  }

  busiestSecond(): number {
    return busiestSecond(this.requests.filter(({ endpoint }) => endpoint !== 'download').map(({ at }) => at))
  }

  setOrder(id: string, order: object): void {
    this.orders.set(id, order)
  }

  setSingleDeliveryOrder(id: string, order: object): void {
    this.singleDeliveryOrders.set(id, order)
  }

  deleteOrder(id: string): void {
    this.orders.delete(id)
    this.singleDeliveryOrders.delete(id)
  }

  setShipment(id: string, shipment: object): void {
    this.shipments.set(id, shipment)
  }

  deleteShipment(id: string): void {
    this.shipments.delete(id)
  }

  setDocument(objectId: string, document: SimulatedDocument): void {
    this.documents.set(objectId, document)
  }

  deleteDocument(objectId: string): void {
    this.documents.delete(objectId)
  }

  expireTokens(): void {
    this.tokens.expireAccessTokens()
  }

  expireRefreshTokens(): void {
    this.tokens.expireRefreshTokens()
  }

  fault(fault: ApiFault): FaultHandle {
    return this.faults.add(fault)
  }

  clearFaults(): void {
    this.faults.clear()
  }

  failNext(count: number, status: number, endpoint?: ApiEndpoint): void {
    this.faults.add({ type: 'status', status, times: count, endpoint })
  }

  /** Records a request whose headers have arrived. */
  arrive(heard: Omit<ApiRequest, 'at'>): Admission {
    const request: ApiRequest = { ...heard, at: steadyMs() }
    this.requests.push(request)
    const tooMany = request.endpoint !== 'download' && this.rateLimit?.take(request.at) === false
    const fault = tooMany ? undefined : this.faults.take(request.endpoint)
    request.fault = fault?.type
    return { request, tooMany, fault }
  }

  /**
   * Carries out a request, unless a fault or refusal prevents it, and determines its response. `body` is the body of a
   * poll.
   */
  answer({ request, tooMany, fault }: Admission, body: string): SimulatedAnswer {
    const retryAfter = this.rateLimit?.retryAfter
    if (tooMany) {
      return refusal(429, 'too many requests', retryAfter === undefined ? undefined : { 'Retry-After': retryAfter })
    }
    if (body !== '') request.body = parse(body)
    return substituteFor(fault) ?? damage(this.carryOut(request), fault)
  }

  private carryOut({ endpoint, method, url, headers, id, body }: ApiRequest): SimulatedAnswer {
    switch (endpoint) {
      case 'login':
        return this.login(headers.authorization)
      case 'refresh':
      case 'logout':
        return this.endRefreshToken(endpoint, headers)
      case 'order':
        return this.refuseWithoutToken(headers) ?? this.orders.one(id)
      case 'shipment':
        return this.refuseWithoutToken(headers) ?? this.shipments.one(id)
      case 'orderPoll':
        return this.refuseUnlessKnown(headers) ?? this.orders.poll(body)
      case 'singleDeliveryPoll':
        return this.refuseUnlessKnown(headers) ?? this.singleDeliveryOrders.poll(body)
      case 'shipmentPoll':
        return this.refuseUnlessKnown(headers) ?? this.shipments.poll(body)
      case 'documentMetadata':
        return this.refuseUnlessKnown(headers) ?? this.documents.metadata(id)
      case 'documentContent':
        return this.refuseUnlessKnown(headers) ?? this.documents.content(id)
      case 'download':
        return this.documents.download(method, url, headers)
      case 'unknown':
        return refusal(404, 'no such endpoint')
    }
  }

  private login(authorization: string | undefined): SimulatedAnswer {
    if (!this.isUser(authorization)) return refusal(401, 'wrong credentials')
    return withTokens(this.tokens.login(), json({ username: this.options.username, status: 'authenticated' }))
  }

  /** Consumes a refresh token: it works once, either for a refresh or for a logout. */
  private endRefreshToken(endpoint: 'refresh' | 'logout', headers: IncomingHttpHeaders): SimulatedAnswer {
    // The status 400 is an assumption: Tradecloud documents only that this header must be absent. After a 401 the
    // client would log in again, and the test would not notice the mistake.
    if (headers.authorization !== undefined) return refusal(400, `${endpoint} takes no Authorization header`)
    const refreshToken = String(headers['refresh-token'] ?? '')
    if (endpoint === 'refresh') {
      const pair = this.tokens.refresh(refreshToken)
      return pair === undefined ? refusal(401, 'refresh token unknown, used or expired') : withTokens(pair)
    }
    // Both statuses are assumptions.
    return this.tokens.logout(refreshToken) ? { status: 200 } : refusal(401, 'refresh token unknown, used or expired')
  }

  private refuseWithoutToken({ authorization = '' }: IncomingHttpHeaders): SimulatedAnswer | undefined {
    const accessToken = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (accessToken !== undefined && this.tokens.accepts(accessToken)) return undefined
    return refusal(401, 'access token missing or expired')
  }

  /** Only polls and documents accept Basic credentials instead of a token. */
  private refuseUnlessKnown(headers: IncomingHttpHeaders): SimulatedAnswer | undefined {
    return this.isUser(headers.authorization) ? undefined : this.refuseWithoutToken(headers)
  }

  private isUser(authorization = ''): boolean {
    const { username, password } = this.options
    const encoded = /^Basic +(\S+)$/i.exec(authorization)?.[1] ?? ''
    return Buffer.from(encoded, 'base64').toString() === `${username}:${password}`
  }
}

function withTokens(
  { accessToken, refreshToken }: TokenPair,
  answer: SimulatedAnswer = { status: 200 },
): SimulatedAnswer {
  return { ...answer, headers: { 'Set-Authorization': accessToken, 'Set-Refresh-Token': refreshToken } }
}

/** A body that is not JSON stays a string, which is not a valid poll. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

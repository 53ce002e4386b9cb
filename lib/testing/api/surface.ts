/** The interface of the simulated API for tests: the requests that it received, and the responses to give. */
import type { IncomingHttpHeaders } from 'node:http'
import type { SimulatedDocument } from './documents'
import type { ApiFault, FaultHandle, FaultKind } from './faults'
import type { ApiEndpoint } from './target'

/** One request that the API, or the host of its download links, received. */
export interface ApiRequest {
  endpoint: ApiEndpoint
  method: string
  /** Path and query as received, including the base path `/v2`. */
  url: string
  /** The order, shipment or object ID, percent-decoded once; absent if it could not be decoded. */
  id?: string | undefined
  /** Headers with lower-case names, including credentials. */
  headers: IncomingHttpHeaders
  /** Body of a poll once it has arrived: parsed, or text if it is not JSON. */
  body?: unknown
  /** When the headers arrived, in milliseconds on a monotonic clock: only differences have a meaning. */
  at: number
  /** Status of the response. Absent until the response begins, or if none is sent. */
  status?: number | undefined
  /** The fault that affected the request. */
  fault?: FaultKind['type'] | undefined
}

/** Numbers of requests so far, including refused ones. */
export interface ApiCounts {
  logins: number
  refreshes: number
  logouts: number
  orderRequests: number
  shipmentRequests: number
  /** Polls of shipments, and of orders in both forms. */
  polls: number
  documentMetadataRequests: number
  /** Downloads through the API. */
  documentContentRequests: number
  /** Downloads through a `downloadUrl`. */
  downloads: number
}

/** Inspects the simulated API and sets what it returns. */
export interface SimulatedApi {
  /** All requests so far, the oldest first. */
  readonly requests: readonly ApiRequest[]
  readonly counts: Readonly<ApiCounts>
  /**
   * The largest number of requests in any sliding second so far. Refused requests count; downloads do not, because they
   * go to another host. A client of the real API must stay at 10 or below.
   */
  busiestSecond(): number
  /**
   * Serves the current JSON of `order` at `/order/{id}` and in polls. A fetched order contains its ID as `id`. Polls
   * filter by the `lastUpdatedAt` and `status.processStatus` of the order, and by the `companyId` of both parties. An
   * order without a `lastUpdatedAt` counts as changed now, by the simulator's clock.
   */
  setOrder(id: string, order: object): void
  /**
   * Like `setOrder`, for polls in single delivery form. This form is documented for polls only, so `/order/{id}` does
   * not return it.
   */
  setSingleDeliveryOrder(id: string, order: object): void
  /** From now on `/order/{id}` responds with 404, and polls of both forms omit the order. */
  deleteOrder(id: string): void
  /**
   * Like `setOrder`, for a shipment at `/shipment/{id}` and in polls. The time of its last change is
   * `meta.lastUpdatedAt`.
   */
  setShipment(id: string, shipment: object): void
  /** From now on `/shipment/{id}` responds with 404, and polls omit the shipment. */
  deleteShipment(id: string): void
  /**
   * Stores a file with its metadata, or replaces it. Each request for the metadata returns a download link that is
   * valid from then on.
   */
  setDocument(objectId: string, document: SimulatedDocument): void
  /** From now on every request for this file gets 404, also through a link that already exists. */
  deleteDocument(objectId: string): void
  /** Invalidates all existing access tokens. */
  expireTokens(): void
  /** Invalidates all existing refresh tokens. */
  expireRefreshTokens(): void
  /**
   * Starts a fault, for a number of requests or until it is cleared. If several faults affect a request, the oldest one
   * applies. A request above the rate limit gets 429 and uses up no fault. Throws a `TypeError` that names the invalid
   * value.
   */
  fault(fault: ApiFault): FaultHandle
  /** Ends all faults for future requests. */
  clearFaults(): void
  /** Short for `fault({ type: 'status', status, times: count, endpoint })`. */
  failNext(count: number, status: number, endpoint?: ApiEndpoint): void
}

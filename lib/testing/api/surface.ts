/**
 * The interface of the simulated API for tests: the received requests, and the responses to give.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { SimulatedDocument } from './documents'
import type { ApiFault, FaultHandle, FaultKind } from './faults'
import type { ApiEndpoint } from './target'

/** One request that the API, or the host of its download links, received. */
export interface ApiRequest {
  endpoint: ApiEndpoint
  method: string
  /** Path and query as they came over the wire, with the base path `/v2`. */
  url: string
  /** The order, shipment or object ID, percent-decoded once; absent where it could not be decoded. */
  id?: string | undefined
  /** Headers with lower case names. Credentials are in them. */
  headers: IncomingHttpHeaders
  /** Body of a poll, once it is there: parsed, or its text where it is no JSON. */
  body?: unknown
  /** When its headers were there, in milliseconds of a real clock that never jumps: only differences mean something. */
  at: number
  /** Of the answer; absent until it begins, and for good where none was sent. */
  status?: number | undefined
  /** The fault that hit it. */
  fault?: FaultKind['type'] | undefined
}

/** Requests so far, whatever they were answered. */
export interface ApiCounts {
  logins: number
  refreshes: number
  logouts: number
  orderRequests: number
  shipmentRequests: number
  /** Of orders in both forms and of shipments. */
  polls: number
  documentMetadataRequests: number
  /** Through the API. */
  documentContentRequests: number
  /** Through a `downloadUrl`. */
  downloads: number
}

/** Looks into the simulated API and sets what it answers. */
export interface SimulatedApi {
  /** Every request so far, oldest first. */
  readonly requests: readonly ApiRequest[]
  readonly counts: Readonly<ApiCounts>
  /**
   * The largest number of requests in any sliding second so far; those that were refused count, downloads do not, as
   * they go to another host. A client of the real API must stay at 10 or below.
   */
  busiestSecond(): number
  /**
   * Serves `order` as JSON at `/order/{id}` and in polls, as it is at this moment. A fetched order names itself `id`.
   * Polls go by its `lastUpdatedAt`, `status.processStatus` and the `companyId` of both parties. Without a
   * `lastUpdatedAt` it changed now, by the clock of the simulator.
   */
  setOrder(id: string, order: object): void
  /** The same for polls in single delivery form. That form is documented for polls only: no `/order/{id}` shows it. */
  setSingleDeliveryOrder(id: string, order: object): void
  /** From now on `/order/{id}` answers 404, and no poll of either form holds the order. */
  deleteOrder(id: string): void
  /** Serves `shipment` as JSON at `/shipment/{id}` and in polls, which go by its `meta.lastUpdatedAt`. */
  setShipment(id: string, shipment: object): void
  /** From now on `/shipment/{id}` answers 404, and no poll holds the shipment. */
  deleteShipment(id: string): void
  /** Stores a file: its metadata with a link, and its content, as they are at this moment. */
  setDocument(objectId: string, document: SimulatedDocument): void
  /** From now on everything about this file answers 404, links given out before too. */
  deleteDocument(objectId: string): void
  /** Ends all access tokens given out so far. */
  expireTokens(): void
  /** Ends all refresh tokens given out so far. */
  expireRefreshTokens(): void
  /**
   * Lets something go wrong, for some requests or until it is cleared. Of several faults for a request the one asked
   * for first takes it. A request above the rate limit gets its 429 and uses up no fault. Throws a `TypeError` that
   * names a wrong value.
   */
  fault(fault: ApiFault): FaultHandle
  /** Ends all faults for requests to come. */
  clearFaults(): void
  /** Short for `fault({ type: 'status', status, times: count, endpoint })`. */
  failNext(count: number, status: number, endpoint?: ApiEndpoint): void
}

/** Determines the endpoint of a request from its method and path. The endpoint of an undocumented path is `unknown`. */

export type ApiEndpoint =
  /** `GET /authentication/login` */
  | 'login'
  /** `GET /authentication/refresh` */
  | 'refresh'
  /** `POST /authentication/logout` */
  | 'logout'
  /** `GET /order/{id}` */
  | 'order'
  /** `GET /shipment/{id}` */
  | 'shipment'
  /** `POST /order-search/poll` */
  | 'orderPoll'
  /** `POST /order-search/poll/single-delivery` */
  | 'singleDeliveryPoll'
  /** `POST /shipment/poll` */
  | 'shipmentPoll'
  /** `GET /object-storage/document/{id}/metadata` */
  | 'documentMetadata'
  /** `GET /object-storage/document/{id}` */
  | 'documentContent'
  /** A `downloadUrl`, which is on another host and not part of the API. */
  | 'download'
  /** Anything that the simulator does not serve. */
  | 'unknown'

export const apiEndpoints: readonly ApiEndpoint[] = [
  'login',
  'refresh',
  'logout',
  'order',
  'shipment',
  'orderPoll',
  'singleDeliveryPoll',
  'shipmentPoll',
  'documentMetadata',
  'documentContent',
  'download',
  'unknown',
]

export interface ApiTarget {
  endpoint: ApiEndpoint
  id?: string
}

export const BASE_PATH = '/v2'

const UNKNOWN: ApiTarget = { endpoint: 'unknown' }

/**
 * An ID is one path segment. Whether Tradecloud accepts an unescaped slash in an ID is not documented, so such a path
 * is not found.
 */
const ROUTES: Array<[method: string, path: RegExp, endpoint: ApiEndpoint]> = [
  ['GET', /^\/authentication\/login$/, 'login'],
  ['GET', /^\/authentication\/refresh$/, 'refresh'],
  ['POST', /^\/authentication\/logout$/, 'logout'],
  ['GET', /^\/order\/([^/]+)$/, 'order'],
  ['GET', /^\/shipment\/([^/]+)$/, 'shipment'],
  // Tradecloud's documentation says GET in one place and POST in others. Only POST is accepted, because a GET with a
  // body is unreliable.
  ['POST', /^\/order-search\/poll$/, 'orderPoll'],
  ['POST', /^\/order-search\/poll\/single-delivery$/, 'singleDeliveryPoll'],
  ['POST', /^\/shipment\/poll$/, 'shipmentPoll'],
  ['GET', /^\/object-storage\/document\/([^/]+)\/metadata$/, 'documentMetadata'],
  ['GET', /^\/object-storage\/document\/([^/]+)$/, 'documentContent'],
]

/** `id` is percent-decoded once, and absent if it could not be decoded. */
export function findTarget(method: string, url: string): ApiTarget {
  const path = url.split('?', 1)[0] ?? ''
  if (!path.startsWith(`${BASE_PATH}/`)) return UNKNOWN
  for (const [wanted, pattern, endpoint] of ROUTES) {
    const found = method === wanted ? pattern.exec(path.slice(BASE_PATH.length)) : null
    if (found !== null) return { endpoint, id: decode(found[1]) }
  }
  return UNKNOWN
}

export function decode(segment: string | undefined): string | undefined {
  try {
    return segment === undefined ? undefined : decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** The public names of the API client. */
export { TradecloudClient } from './client'
export type { FetchOptions } from './client'
export type { TradecloudClientOptions } from './client-options'
export { TradecloudApiError } from './api-error'
export type { TradecloudApiErrorCode, TradecloudApiErrorOptions } from './api-error'
export type {
  OrderPollFilters,
  PollCursor,
  PolledOrder,
  PolledShipment,
  PolledSingleDeliveryOrder,
  PollOptions,
  ShipmentPollFilters,
} from './poll-options'
export type { Credentials } from './credentials'
export type { DocumentMetadata, DocumentReference } from './documents'
export type { DownloadedDocument } from './downloads'

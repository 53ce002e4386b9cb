/**
 * Builders of orders, shipments and events for tests, of any size up to what Tradecloud documents. The same options
 * always build the same value.
 */
export { order, orderEvent, singleDeliveryOrderEvent } from './order'
export type { BuilderOptions } from './options'
export type { AnyOrderEventOptions, FetchedOrder, OrderEventBody, OrderEventFields, OrderEventOptions } from './order'
export type { OrderOptions } from './order'
export type { SingleDeliveryOrderEventBody, SingleDeliveryOrderEventOptions } from './order'
export { orderDocumentsEvent } from './order-documents'
export type { OrderDocumentsEventBody, OrderDocumentsEventOptions } from './order-documents'
export { shipment, shipmentEvent } from './shipment'
export type { AffectedLinesOptions, DecidedOrderField, OrderDeliveryOptions } from './order-plan'
export type { OrderOverrides, OrderSizeOptions } from './order-plan'
export type {
  FetchedShipment,
  ShipmentEventBody,
  ShipmentEventOptions,
  ShipmentOptions,
  ShipmentSizeOptions,
} from './shipment'

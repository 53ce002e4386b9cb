/**
 * Builders of orders, shipments and events for tests: of any size up to what Tradecloud documents, the same for the
 * same seed.
 */
export { order, orderEvent, singleDeliveryOrderEvent } from './order'
export type { FetchedOrder, OrderEventBody, OrderEventOptions, OrderOptions } from './order'
export type { SingleDeliveryOrderEventBody, SingleDeliveryOrderEventOptions } from './order'
export { orderDocumentsEvent } from './order-documents'
export type { OrderDocumentsEventBody, OrderDocumentsEventOptions } from './order-documents'
export { shipment, shipmentEvent } from './shipment'
export type { FetchedShipment, ShipmentEventBody, ShipmentEventOptions, ShipmentOptions } from './shipment'

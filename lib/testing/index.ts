/**
 * The exports of `tradecloud-webhook/testing`: a simulated Tradecloud to test a receiver against, builders of orders,
 * shipments and events, and the contract tests of an inbox. Anything not listed here is internal.
 */
export { createTradecloudSimulator } from './simulator'
export type { TradecloudSimulator, TradecloudSimulatorOptions } from './simulator'
export type { SimulatorClock } from './clock'
export type { ApiCounts, ApiRequest, SimulatedApi } from './api/surface'
export type { ApiEndpoint } from './api/target'
export type { ApiFault, FaultHandle, FaultKind } from './api/faults'
export type { PollBehaviour, CursorEnd } from './api/entities'
export type { RateLimitOptions } from './api/rate-limit'
export type { SimulatedDocument } from './api/documents'
export type { Attempt } from './sender/attempt'
export type { SimulatorReport, TriggerReport } from './sender/report'
export type { SenderRetryOptions, Verdict } from './sender/retry'
export type { SendAllOptions } from './sender/send-all'
export type { Trigger, TriggerAuth } from './sender/trigger'
export type { TradecloudWorld, WebhookTarget } from './world/world'
export type { Entity as WorldEntity } from './world/bodies'
export type {
  ChangeOptions,
  EventFate,
  LineChange,
  OrderChange,
  ShipmentChange,
  WorldChange,
  WorldEvent,
} from './world/changes'
export type { HistoryOptions, PlannedChange } from './world/history'
export { toTxml, type ToTxmlOptions } from '../txml/write'
export { inboxContract } from './inbox-contract'
export type { InboxContractOptions, InboxContractStorage } from './inbox-contract'
export { maximumOrderEvent } from './maximum-order-event'
export type { MaximumOrderEvent, MaximumOrderEventOptions } from './maximum-order-event'
export { order, orderDocumentsEvent, orderEvent, shipment, shipmentEvent, singleDeliveryOrderEvent } from './builders'
export type { AffectedLinesOptions, AnyOrderEventOptions, BuilderOptions, DecidedOrderField } from './builders'
export type {
  FetchedOrder,
  OrderDeliveryOptions,
  OrderEventBody,
  OrderEventFields,
  OrderEventOptions,
} from './builders'
export type { OrderOptions, OrderOverrides, OrderSizeOptions } from './builders'
export type { OrderDocumentsEventBody, OrderDocumentsEventOptions } from './builders'
export type { FetchedShipment, ShipmentEventBody, ShipmentEventOptions, ShipmentOptions } from './builders'
export type { ShipmentSizeOptions } from './builders'
export type { SingleDeliveryOrderEventBody, SingleDeliveryOrderEventOptions } from './builders'

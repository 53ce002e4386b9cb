/**
 * The names that the main entry point exports. The parts that receive and deliver are not exported, because users
 * control them only through the options.
 */
export {
  TradecloudApiError,
  TradecloudClient,
  type Credentials,
  type DocumentMetadata,
  type DocumentReference,
  type DownloadedDocument,
  type FetchOptions,
  type OrderPollFilters,
  type PollCursor,
  type PolledOrder,
  type PolledShipment,
  type PolledSingleDeliveryOrder,
  type PollOptions,
  type ShipmentPollFilters,
  type TradecloudApiErrorCode,
  type TradecloudApiErrorOptions,
  type TradecloudClientOptions,
} from './api'
export type { Health, HealthCheck } from './compose/health'
export { createHealthRouter, type HealthRouter, type HealthSource } from './compose/create-health-router'
export type { Arrival, Arrivals, Mark } from './inbox/catch-up/arrivals'
export type {
  EntitySnapshot as PolledEntity,
  EntityKind,
  EntityName,
  LineForm,
  Part as PolledPart,
} from './inbox/catch-up/parts'
export type {
  CatchUpOptions,
  CatchUpReport,
  CatchUpRunOptions,
  PollOrdersOptions,
  PollShipmentsOptions,
  SweepOptions,
} from './catch-up/catch-up-options'
export type { RecoveredChange } from './catch-up/run-options'
export type {
  CatchUpInbox,
  CatchUpRequest,
  CatchUpRequests,
  CatchUpStorage,
  Lease as CatchUpLease,
  PartialRun as PartialCatchUpRun,
  Position as CatchUpPosition,
  RunStatus as CatchUpRunStatus,
  Scope as CatchUpScope,
  Stored as StoredChange,
  StoreRequest as StoreChangeRequest,
} from './inbox/catch-up/storage'
export { notOwnRequest, type FoundChange, type Want } from './catch-up/want'
export { createTradecloudWebhook, type TradecloudWebhook } from './compose/create-webhook'
export { createTradecloudWorker, type TradecloudWorker } from './compose/create-worker'
export type { Callback, CallbackOptions, NamedCallbacks } from './deliver/handlers'
export type { TransactionClient, WebhookContext } from './deliver/context'
export { MemoryStore, type MemoryStoreOptions } from './deliver/dedupe/memory-store'
export type { ClaimResult, Store } from './deliver/dedupe/store'
export {
  isTradecloudWebhookError,
  RejectEvent,
  TradecloudWebhookError,
  type TradecloudWebhookErrorOptions,
} from './errors/errors'
export {
  orderDocumentsEventNames,
  orderEventNames,
  shipmentEventNames,
  type OrderDocumentsEventName,
  type OrderEventName,
  type ShipmentEventName,
} from './events/event-names'
export type {
  AffectedOrderLinesEvent,
  AffectedSingleDeliveryOrderLinesEvent,
  AttachedDocument,
  EventBase,
  EventKind,
  Issue,
  OpenName,
  OrderDocumentsEvent,
  OrderDocumentsEventBase,
  OrderEvent,
  OrderEventBase,
  OrderIdEvent,
  ShipmentEvent,
  ShipmentEventBase,
  UnknownEvent,
  WebhookEvent,
  WholeOrderEvent,
  WholeOrderOfSingleDeliveryEvent,
} from './events/events'
export type {
  Accepted,
  HourCount,
  Inbox,
  InboxAttempt,
  InboxDelivery,
  InboxEntry,
  InboxFilter,
  InboxHost,
  InboxPage,
  InboxStats,
  ListOptions,
  Settlement,
  ShowOptions,
  Wanted,
} from './inbox/inbox'
export type { FoundFacts, InboxState, StoredEvent, TraceContext } from './inbox/stored-event'
export type {
  CloseOptions,
  DedupeOptions,
  DeliveryOptions,
  LimitOptions,
  RetryOptions,
  TradecloudWebhookOptions,
  TradecloudWorkerOptions,
  WorkerLimitOptions,
} from './options/options'
export type { AllowEntry } from './net/address'
export type {
  AuthFunction,
  AuthOption,
  BasicCredential,
  BearerCredential,
  Credential,
} from './receive/sender/authenticate'
export type { TrustProxyOption } from './receive/sender/client-address'
export type { OAuthAlgorithm, OAuthClaims, OAuthCredential } from './receive/sender/oauth/options'
export type { PathOption, PathsOption } from './receive/route'
export type { LogFields, Logger } from './log/logger'
export type { DeliveryRecord, ErrorContext, SettledRecord } from './answer/report'
export type { Outcome } from './answer/respond'
export type {
  DeliveryEnd,
  DeliveryObserver,
  DeliveryStart,
  ObservedRun,
  RequestObserver,
  RequestStart,
  TelemetryAdapter,
  TelemetryObserver,
  TelemetrySource,
} from './answer/telemetry'
export { schemas, type JsonSchema, type Schemas } from './schema'
export type * from './schema/types'
export type { UserSchemas } from './events/validate'

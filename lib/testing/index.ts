/**
 * The public surface of `tradecloud-webhook/testing`: a Tradecloud to test a receiver against, and events to send.
 * What is not listed here is not public.
 */
export { createTradecloudSimulator } from './simulator'
export type { SimulatorReport, TradecloudSimulator, TradecloudSimulatorOptions } from './simulator'
export type { ApiCounts, ApiEndpoint, ApiRequest, SimulatedApi } from './simulated-api'
export type { Attempt, TriggerReport } from './sender'
export type { RetryOptions, Verdict } from './retry'
export type { Trigger, TriggerAuth } from './trigger'
export { maximumOrderEvent } from './maximum-order-event'
export type { MaximumOrderEvent, MaximumOrderEventOptions } from './maximum-order-event'

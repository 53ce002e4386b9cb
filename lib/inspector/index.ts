/** The inspector, exported as `tradecloud-webhook/inspector`. */
export { createInspector, type TradecloudInspector } from './create-inspector'
export type { InspectorAuthFunction, InspectorOptions } from './options'

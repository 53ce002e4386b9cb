/**
 * The JSON Schemas (draft-07) of what Tradecloud sends, and the types generated from them. They are the one source of
 * types, validation and reference docs.
 */
export type * from './types'

/** A JSON Schema with the `$id` by which other schemas refer to it. */
export interface JsonSchema {
  readonly $schema: string
  readonly $id: string
  readonly description: string
  readonly [keyword: string]: unknown
}

/** See {@link schemas}. */
export interface Schemas {
  /** Body of an order webhook: `eventName` and the one field that contains the event. */
  readonly orderWebhookBody: JsonSchema
  /** Body of a shipment webhook. */
  readonly shipmentWebhookBody: JsonSchema
  /** The content of `orderEvent`, and a fetched order, with delivery schedules. */
  readonly order: JsonSchema
  /** The content of `singleDeliveryOrderEvent` and `simpleOrderEvent`. */
  readonly singleDeliveryOrder: JsonSchema
  /** The content of `orderDocumentsEvent`. */
  readonly orderDocuments: JsonSchema
  /** The content of `shipment`, and a fetched shipment. */
  readonly shipment: JsonSchema
  /** Definitions shared by both forms of an order. Not a shape of its own. */
  readonly orderParts: JsonSchema
  /** Definitions shared by orders and shipments. Not a shape of its own. */
  readonly common: JsonSchema
}

/**
 * The JSON Schemas by name. They refer to each other: give all of them to one instance of ajv, made with
 * `{ allowUnionTypes: true }`. Nothing is required, further fields are allowed, enumerations are open (`examples`), and
 * each value may be `null`: an order as a whole too, as the fields that hold it may be.
 */
export const schemas: Schemas = Object.freeze({
  // Each is loaded on first access, because the compiled validators need none of them.
  get orderWebhookBody() {
    return require('./order-webhook-body.schema.json') as typeof import('./order-webhook-body.schema.json')
  },
  get shipmentWebhookBody() {
    return require('./shipment-webhook-body.schema.json') as typeof import('./shipment-webhook-body.schema.json')
  },
  get order() {
    return require('./order.schema.json') as typeof import('./order.schema.json')
  },
  get singleDeliveryOrder() {
    return require('./single-delivery-order.schema.json') as typeof import('./single-delivery-order.schema.json')
  },
  get orderDocuments() {
    return require('./order-documents.schema.json') as typeof import('./order-documents.schema.json')
  },
  get shipment() {
    return require('./shipment.schema.json') as typeof import('./shipment.schema.json')
  },
  get orderParts() {
    return require('./order-parts.schema.json') as typeof import('./order-parts.schema.json')
  },
  get common() {
    return require('./common.schema.json') as typeof import('./common.schema.json')
  },
})

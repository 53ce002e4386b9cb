/**
 * The JSON Schemas (draft-07) of what Tradecloud sends, and the types generated from them. Types, validation and
 * reference docs all come from these schemas.
 */
export type * from './types'

/** A JSON Schema with the `$id` by which other schemas refer to it. */
export interface JsonSchema {
  readonly $schema: string
  readonly $id: string
  readonly description: string
  readonly [keyword: string]: unknown
}

/** The type of {@link schemas}. */
export interface Schemas {
  /** Body of an order webhook: `eventName`, and a field that contains the event. */
  readonly orderWebhookBody: JsonSchema
  /** Body of a shipment webhook. */
  readonly shipmentWebhookBody: JsonSchema
  /** An order whose lines have delivery schedules: the content of `orderEvent`, or a fetched order. */
  readonly order: JsonSchema
  /** The content of `singleDeliveryOrderEvent` and `simpleOrderEvent`. */
  readonly singleDeliveryOrder: JsonSchema
  /** The content of `orderDocumentsEvent`. */
  readonly orderDocuments: JsonSchema
  /** The content of `shipment`, and a fetched shipment. */
  readonly shipment: JsonSchema
  /** Definitions that both forms of an order share; not a schema for a value. */
  readonly orderParts: JsonSchema
  /** Definitions that orders and shipments share; not a schema for a value. */
  readonly common: JsonSchema
}

/**
 * The JSON Schemas by name. They refer to each other, so add all of them to one instance of ajv that was created with
 * `{ allowUnionTypes: true }`. No field is required, further fields are allowed, and enumerations are open
 * (`examples`). Each value may be `null`. This includes a whole order, because the fields that contain orders may be
 * `null`.
 */
export const schemas: Schemas = Object.freeze({
  // Each schema is loaded on first access, because the compiled validators need none of them.
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

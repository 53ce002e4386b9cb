/**
 * The validators of what Tradecloud sends. In the built package this is generated code that needs no ajv: see
 * `build-validators.mjs`.
 */
import { Ajv, type AnySchemaObject, type Options, type ValidateFunction } from 'ajv'
import { schemas } from '.'

/** Schemas that bodies and fetched entities are checked against. */
export type BodySchema = 'orderWebhookBody' | 'shipmentWebhookBody' | 'order' | 'singleDeliveryOrder' | 'shipment'

/** References are inlined, which is ajv's default: a function call for each object would take twice as long. */
export const ajvOptions = {
  allowUnionTypes: true,
  schemas: Object.values(schemas) as AnySchemaObject[],
} satisfies Options

const ajv = new Ajv(ajvOptions)

function validatorOf(name: BodySchema): ValidateFunction {
  return ajv.getSchema(schemas[name].$id) as ValidateFunction
}

export const validators: Readonly<Record<BodySchema, ValidateFunction>> = {
  orderWebhookBody: validatorOf('orderWebhookBody'),
  shipmentWebhookBody: validatorOf('shipmentWebhookBody'),
  order: validatorOf('order'),
  singleDeliveryOrder: validatorOf('singleDeliveryOrder'),
  shipment: validatorOf('shipment'),
}

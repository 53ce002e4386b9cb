/**
 * The validators of what Tradecloud sends. In the built package this is generated code that needs no ajv: see
 * `build-validators.mjs`.
 */
import { Ajv, type AnySchemaObject, type Options, type ValidateFunction } from 'ajv'
import { schemas } from '.'

/** Schemas that bodies and fetched entities are checked against. */
export type BodySchema = 'orderWebhookBody' | 'shipmentWebhookBody' | 'order' | 'shipment'

/** Nothing is written out where it is referred to: that makes half the code, which loads in half the time. */
export const ajvOptions = {
  allowUnionTypes: true,
  inlineRefs: false,
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
  shipment: validatorOf('shipment'),
}

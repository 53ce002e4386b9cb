/**
 * The validators of what Tradecloud sends. When the package is built, `build-validators.mjs` replaces the compiled file
 * with generated code that needs no ajv.
 */
import { Ajv, type AnySchemaObject, type Options, type ValidateFunction } from 'ajv'
import { schemas } from '.'

/** Names of the schemas that are used to check bodies, and to check orders and shipments from the API. */
export type BodySchema = 'orderWebhookBody' | 'shipmentWebhookBody' | 'order' | 'singleDeliveryOrder' | 'shipment'

/** References are inlined (ajv's default), because a function call for each object would take twice as long. */
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

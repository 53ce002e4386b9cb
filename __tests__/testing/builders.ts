/** Lists of all builders, and checks of their results. */
import { Ajv } from 'ajv'
import { identify, readEvent } from '../../lib/receive/event/read-event'
import { schemas } from '../../lib/schema'
import { createValidator, type BodySchema } from '../../lib/events/validate'
import {
  order,
  orderDocumentsEvent,
  orderEvent,
  shipment,
  shipmentEvent,
  singleDeliveryOrderEvent,
} from '../../lib/testing'

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const validator = createValidator('tolerant')

/** Compiles the schemas without additional properties, so that unknown fields are errors. */
const closed = new Ajv({
  allowUnionTypes: true,
  schemas: JSON.parse(JSON.stringify(Object.values(schemas)), (_, node) =>
    typeof node?.properties === 'object' && node.description !== undefined
      ? { ...node, additionalProperties: false }
      : node,
  ),
})

export function fits(schema: BodySchema, value: unknown): void {
  expect(validator.deviations(schema, value)).toEqual([])
  const validate = closed.getSchema(schemas[schema].$id)!
  expect([validate(value), validate.errors]).toEqual([true, null])
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests use all builders in the same way
export type Build = (options?: any) => any

export const EVENTS: Array<[name: string, build: Build, field: string, schema: BodySchema]> = [
  ['orderEvent', orderEvent, 'orderEvent', 'orderWebhookBody'],
  ['singleDeliveryOrderEvent', singleDeliveryOrderEvent, 'singleDeliveryOrderEvent', 'orderWebhookBody'],
  ['orderDocumentsEvent', orderDocumentsEvent, 'orderDocumentsEvent', 'orderWebhookBody'],
  ['shipmentEvent', shipmentEvent, 'shipment', 'shipmentWebhookBody'],
]

export const FETCHED: Array<[name: string, build: Build, schema: BodySchema]> = [
  ['order', order, 'order'],
  ['shipment', shipment, 'shipment'],
]

export const ALL: Array<[name: string, build: Build]> = [
  ...EVENTS.map(([name, build]) => [name, build] as [string, Build]),
  ...FETCHED.map(([name, build]) => [name, build] as [string, Build]),
]

/** The typed event that a callback would receive. */
export function read(body: unknown) {
  const found = identify(body)
  if (!found.ok) throw new Error('refused')
  const result = readEvent(found, 'POST', undefined, [])
  if (!result.ok) throw new Error('refused')
  return result
}

/** All objects and lists in a value. An object that occurs twice is listed twice. */
export function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}

export const messageIdOf = (body: unknown): unknown => read(body).event.meta?.messageId

export const CANCELLATION_NAMES = [
  'OrderLinesCancelledBySupplier',
  'OrderLinesCancellationRequestedByBuyer',
  'OrderLinesCancellationRequestedBySupplier',
  'OrderLinesCancellationRequestApprovedByBuyer',
  'OrderLinesCancellationRequestApprovedBySupplier',
  'OrderLinesCancellationRequestRejectedByBuyer',
  'OrderLinesCancellationRequestRejectedBySupplier',
]

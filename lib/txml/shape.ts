/**
 * What a tXML element is in JSON: a list entry, an object, text, a number or a boolean. Derived from the JSON Schemas,
 * so that there is no second list of fields.
 */
import { schemas, type JsonSchema } from '../schema'

export type Shape = ObjectShape | { readonly type: 'text' | 'number' | 'boolean' }

export interface ObjectShape {
  readonly type: 'object'
  /** Fields by element name. A list is also found by its own name in JSON. */
  readonly elements: ReadonlyMap<string, Field>
  /** Fields by their name in JSON. */
  readonly keys: ReadonlyMap<string, Field>
}

export interface Field {
  /** The name of the field in JSON. */
  readonly key: string
  /** The name of the element; for a list, the name of the element of one entry. */
  readonly element: string
  readonly list: boolean
  readonly shape: Shape
}

/** The part of JSON Schema draft-07 that the package's own schemas use. */
interface SchemaNode {
  $id?: string
  $ref?: string
  type?: string | string[]
  properties?: Record<string, SchemaNode>
  items?: SchemaNode
  definitions?: Record<string, SchemaNode>
}

interface ScopedNode {
  node: SchemaNode
  /** The schema to which `#` refers in references. */
  root: SchemaNode
}

const TEXT: Shape = { type: 'text' }
const NUMBER: Shape = { type: 'number' }
const BOOLEAN: Shape = { type: 'boolean' }

const roots = new Map(
  (Object.values(schemas) as JsonSchema[]).map((schema) => [fileOf(schema.$id), schema as SchemaNode]),
)
/**
 * The shapes of the definitions that were used. Each definition is read when it is first used: definitions refer to
 * each other in cycles, and most bodies need few of them.
 */
const known = new Map<SchemaNode, Shape>()

/** The shape of the root element, which may contain every field of an order or shipment body. */
export const bodyShape: ObjectShape = objectShape([
  { node: schemas.orderWebhookBody, root: schemas.orderWebhookBody },
  { node: schemas.shipmentWebhookBody, root: schemas.shipmentWebhookBody },
])

/**
 * The element name of a list entry: the singular of the list name. `names` has `name`, `properties` has `property`.
 * Lists of deliveries such as `deliverySchedule` have `deliveryScheduleLine`. For `deliveryScheduleIncludingRequests`,
 * the name is not documented, and is assumed by analogy.
 */
export function entryName(list: string): string {
  if (/^delivery(Schedule|History)/.test(list)) return `${list}Line`
  return list.replace(/ies$/, 'y').replace(/s$/, '')
}

function shapeOf(place: ScopedNode): Shape {
  const { node, root } = resolve(place)
  const before = known.get(node)
  if (before) return before
  const types = typesOf(node)
  const shape = node.properties || types.includes('object') ? objectShape([{ node, root }]) : scalarShape(types)
  known.set(node, shape)
  return shape
}

function scalarShape(types: string[]): Shape {
  if (types.includes('number') || types.includes('integer')) return NUMBER
  return types.includes('boolean') ? BOOLEAN : TEXT
}

function objectShape(places: ScopedNode[]): ObjectShape {
  let fields: { elements: Map<string, Field>; keys: Map<string, Field> } | undefined
  const read = () => (fields ??= fieldsOf(places))
  return {
    type: 'object',
    get elements() {
      return read().elements
    },
    get keys() {
      return read().keys
    },
  }
}

function fieldsOf(places: ScopedNode[]) {
  const keys = new Map<string, Field>()
  for (const { node, root } of places) {
    for (const [key, property] of Object.entries(node.properties ?? {})) {
      const place = resolve({ node: property, root })
      const list = typesOf(place.node).includes('array')
      const inner = list ? { node: place.node.items ?? {}, root: place.root } : place
      const entry = list ? entryName(key) : key
      // The object may also have a field with the singular name. Elements with the singular name are then this field,
      // and entries of the list have the name of the list.
      const element = Object.hasOwn(node.properties ?? {}, entry) ? key : entry
      keys.set(key, { key, element, list, shape: shapeOf(inner) })
    }
  }
  const elements = new Map<string, Field>()
  for (const field of keys.values()) elements.set(field.element, field)
  for (const field of keys.values()) elements.set(field.key, field)
  return { elements, keys }
}

function resolve({ node, root }: ScopedNode): ScopedNode {
  if (node.$ref === undefined) return { node, root }
  const [file = '', path = ''] = node.$ref.split('#')
  const target = file === '' ? root : roots.get(fileOf(file))
  const definition = path === '' ? target : target?.definitions?.[path.replace('/definitions/', '')]
  if (target === undefined || definition === undefined) throw new Error(`No schema ${node.$ref}`)
  return resolve({ node: definition, root: target })
}

function typesOf({ type }: SchemaNode): string[] {
  return type === undefined ? [] : Array.isArray(type) ? type : [type]
}

function fileOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1)
}

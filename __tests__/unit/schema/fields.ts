/** The compiled schemas, with all their shapes and fields. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type AnySchemaObject } from 'ajv'
import { schemas } from '../../../lib/schema'

export type SchemaName = keyof typeof schemas

export interface Node {
  $ref?: string
  type?: string | string[]
  description?: string
  properties?: Record<string, Node>
  items?: Node
  pattern?: string
  examples?: string[]
  definitions?: Record<string, Node>
  [keyword: string]: unknown
}

export const complaints: unknown[] = []
const complain = (...words: unknown[]): void => void complaints.push(words)

export const ajv = new Ajv({
  strict: true,
  allowUnionTypes: true,
  allErrors: true,
  schemas: Object.values(schemas) as AnySchemaObject[],
  logger: { log: complain, warn: complain, error: complain },
})

export const fixture = (file: string): unknown =>
  JSON.parse(readFileSync(join(__dirname, '../../fixtures', `${file}.json`), 'utf8'))

/** Lists every deviation as `pointer keyword`. */
export function check(schema: SchemaName | Node, value: unknown): string[] {
  const validate = typeof schema === 'string' ? ajv.getSchema(schemas[schema].$id)! : ajv.compile(schema)
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`)
}

export const byId = new Map(Object.values(schemas).map((schema) => [schema.$id, schema as Node]))

/** Every object that the schemas describe, by its absolute reference. */
export const shapes = new Map<string, Node>()

for (const [id, schema] of byId) {
  if (schema.properties) shapes.set(id, schema)
  for (const [name, node] of Object.entries(schema.definitions ?? {})) shapes.set(`${id}#/definitions/${name}`, node)
}

const absolute = (ref: string, base: string): string => (ref.startsWith('#') ? base + ref : `tradecloud-webhook/${ref}`)

/**
 * Returns the schema of a field, or the schema that its `$ref` names. `base` is the ID of the file that contains the
 * returned schema.
 */
export function follow(node: Node, base: string): { node: Node; base: string } {
  if (node.$ref === undefined) return { node, base }
  const ref = absolute(node.$ref, base)
  const target = shapes.get(ref)
  if (!target) throw new Error(`${ref} leads nowhere`)
  return { node: target, base: ref.split('#')[0]! }
}

/** Pointers of all fields of a value that are not in its schema. */
export function unknownFields(value: unknown, schema: Node, schemaBase: string, pointer = ''): string[] {
  const { node, base } = follow(schema, schemaBase)
  if (Array.isArray(value))
    return value.flatMap((entry, index) => unknownFields(entry, node.items ?? {}, base, `${pointer}/${index}`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, entry]) => {
    const property = node.properties?.[name]
    return property ? unknownFields(entry, property, base, `${pointer}/${name}`) : [`${pointer}/${name}`]
  })
}

/** `Shape.field` of every field that occurs in a value. */
export function filledFields(
  value: unknown,
  schema: Node,
  schemaBase: string,
  into = new Set<string>(),
  shape = '',
): Set<string> {
  const { node, base } = follow(schema, schemaBase)
  const name = schema.$ref === undefined ? shape : (schema.$ref.split('#/definitions/')[1] ?? String(node.title))
  if (Array.isArray(value)) for (const entry of value) filledFields(entry, node.items ?? {}, base, into, name)
  else if (typeof value === 'object' && value !== null) {
    for (const [field, entry] of Object.entries(value)) {
      into.add(`${name}.${field}`)
      filledFields(entry, node.properties?.[field] ?? {}, base, into, name)
    }
  }
  return into
}

/** A field of a shape. `target` is the schema that the `$ref` of `node` names, or `node` itself if it has no `$ref`. */
export interface Field {
  ref: string
  name: string
  node: Node
  target: Node
}

export const fields: Field[] = [...shapes].flatMap(([ref, shape]) => {
  const base = ref.split('#')[0]!
  return Object.entries(shape.properties ?? {}).map(([name, node]) => ({
    ref,
    name,
    node,
    target: follow(node, base).node,
  }))
})

export const isText = ({ target }: Field): boolean => target.type?.includes('string') ?? false

/**
 * The names of the fields that fulfil a condition, so that one expectation can check thousands of fields and name those
 * that fail.
 */
export const wherever = (holds: (field: Field) => boolean, among = fields): string[] =>
  among.filter(holds).map(({ ref, name }) => `${ref} ${name}`)

/**
 * The schema of an order webhook's body in a single document, because not every peer supports schemas that refer to
 * each other.
 */
import { built } from '../package'

const { schemas } = built<typeof import('../../lib')>()

type Json = Record<string, unknown>

/** Keywords that do not affect validation, or that some validators do not know. */
const LEFT_OUT = new Set(['$id', '$schema', 'definitions', 'description', 'title', 'examples'])

/** A copy of the schema in which each `$ref` is replaced by its target. */
export function orderBodySchema(): Json {
  return inline(schemas.orderWebhookBody, schemas.orderWebhookBody) as Json
}

function inline(value: unknown, root: Json): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => inline(entry, root))
  if (typeof value !== 'object' || value === null) return value
  const { $ref, ...others } = value as Json
  if (typeof $ref === 'string') {
    const [file = '', pointer = ''] = $ref.split('#')
    const others = Object.values(schemas) as Json[]
    const target = file === '' ? root : others.find(({ $id }) => String($id).endsWith(`/${file}`))
    if (target === undefined) throw new Error(`No schema for ${$ref}`)
    const found = pointer
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Json)[key], target)
    return inline(found, target)
  }
  return Object.fromEntries(
    Object.entries(others)
      .filter(([key, child]) => !LEFT_OUT.has(key) || (key !== 'examples' && isSchemaNamed(key, child)))
      .map(([key, child]) => [key, inline(child, root)]),
  )
}

/** A property of an order may be named `description`: its value is then a schema, not an annotation. */
function isSchemaNamed(key: string, child: unknown): boolean {
  return key !== 'definitions' && typeof child === 'object' && child !== null
}

/** `--set /pointer=value`: changes one value of a body (RFC 6901). */
import { UsageError } from '../errors'
import { printable } from '../printable'

/**
 * Changes one value in `body`. The value is parsed as JSON, or used as text if it is not JSON. Missing objects are
 * created; `-` appends to a list.
 */
export function setAt(body: object, assignment: string): void {
  const at = assignment.indexOf('=')
  if (!assignment.startsWith('/') || at < 0)
    throw new UsageError(`--set ${printable(assignment)} must have the form /pointer=value.`)
  const pointer = assignment.slice(0, at)
  const keys = pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = keys.pop() ?? ''
  let parent = body
  for (const key of keys) {
    const found = get(parent, key)
    if (found === undefined) parent = put(parent, key, {}, pointer) as object
    else if (typeof found === 'object' && found !== null) parent = found
    else throw new UsageError(`--set ${printable(pointer)}: ${printable(key)} is neither an object nor a list.`)
  }
  put(parent, last, valueOf(assignment.slice(at + 1)), pointer)
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function get(parent: object, key: string): unknown {
  return Object.hasOwn(parent, key) ? parent[key as keyof typeof parent] : undefined
}

function put(parent: object, key: string, value: unknown, pointer: string): unknown {
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : /^(0|[1-9]\d*)$/.test(key) ? Number(key) : NaN
    if (!(index <= parent.length))
      throw new UsageError(
        `--set ${printable(pointer)}: ${printable(key)} is not an index in a list of ${parent.length}.`,
      )
    parent[index] = value
    return value
  }
  // This uses `defineProperty`, because an assignment to a field named `__proto__` would change the prototype.
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true })
  return value
}

/** Merges overrides into a built value: objects are merged field by field, all other values are replaced. */

/**
 * Changes `base` and returns it. Objects are merged at any depth, lists are replaced, `undefined` counts as absent.
 * Overrides are copied, so that two events share no object.
 */
export function merge<T extends object>(base: T, overrides: object): T {
  for (const [name, value] of Object.entries(overrides) as Array<[string, unknown]>) {
    if (value === undefined) continue
    // Reads only own properties: an override named `constructor` must not modify a shared prototype.
    const before: unknown = Object.hasOwn(base, name) ? base[name as keyof T] : undefined
    const after = isPlainObject(before) && isPlainObject(value) ? merge(before, value) : copy(value)
    setField(base, name, after)
  }
  return base
}

/** A field named `__proto__` is defined rather than assigned, because an assignment would change the prototype. */
function setField(object: object, name: string, value: unknown): void {
  if (name !== '__proto__') (object as Record<string, unknown>)[name] = value
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  return isPlainObject(value) ? merge({}, value) : value
}

/** Also true for objects of another realm, because test runners run tests in a realm of their own. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

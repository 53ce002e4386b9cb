/**
 * Overrides go over what was built: objects field by field, all else whole.
 */

/**
 * Changes `base` and returns it. Objects are merged at any depth, lists are replaced, `undefined` counts as absent. All
 * that is taken over is copied, so that two events share nothing.
 */
export function merge<T extends object>(base: T, overrides: object): T {
  for (const [name, value] of Object.entries(overrides) as Array<[string, unknown]>) {
    if (value === undefined) continue
    // Only what the built object has of its own: `constructor` and the like must not lead to what all objects share.
    const before: unknown = Object.hasOwn(base, name) ? base[name as keyof T] : undefined
    const after = isPlainObject(before) && isPlainObject(value) ? merge(before, value) : copy(value)
    setField(base, name, after)
  }
  return base
}

/** A field of the name `__proto__` is data like any other: assigned, it would change the prototype. */
function setField(object: object, name: string, value: unknown): void {
  if (name !== '__proto__') (object as Record<string, unknown>)[name] = value
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  return isPlainObject(value) ? merge({}, value) : value
}

/** Of any realm: test runners run tests in a realm of their own. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Recognises a promise of any library, because callbacks, auth functions and stores may be sync or async. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  // Accepts functions too: a promise may be a callable proxy, as in some RPC libraries.
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayBe && typeof (value as { then?: unknown }).then === 'function'
}

/** Callbacks, auth functions and stores may be sync or async: tells a promise of any library from a plain value. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  // A promise may be a function too, as those of proxies for remote calls are.
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayBe && typeof (value as { then?: unknown }).then === 'function'
}

/** Callbacks, auth functions and stores may be sync or async: recognises a promise of any library. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  // A promise may be a function too, as those of proxies for remote calls are.
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayBe && typeof (value as { then?: unknown }).then === 'function'
}

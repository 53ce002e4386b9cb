/** Recognises a promise of any library, because callbacks, auth functions and stores may be sync or async. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  // A promise may also be a function, such as a proxy for remote calls.
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayBe && typeof (value as { then?: unknown }).then === 'function'
}

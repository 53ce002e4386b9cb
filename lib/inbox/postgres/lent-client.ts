/** A connection as lent to a callback: usable until its transaction ends. */
import type { PostgresClient } from './client'

const OVER =
  'The transaction of this delivery is over. Use `context.transaction` only inside the callback, and await every query.'
const NOT_YOURS =
  'The inbox ends the transaction and returns its connection to the pool when the callback has finished.'
/** Methods that would release the connection before the transaction has settled the event. */
const REFUSED: readonly PropertyKey[] = ['release', 'end']

/** A proxy of the client that throws after `takeBack` was called. */
export function lend(client: PostgresClient): { lent: PostgresClient; takeBack: () => void } {
  let isOver = false
  const lent = new Proxy(client, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function' || key === 'constructor') return value
      return (...args: unknown[]): unknown => {
        if (isOver) throw new Error(OVER)
        if (REFUSED.includes(key)) throw new Error(NOT_YOURS)
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })
  return { lent, takeBack: () => (isOver = true) }
}

/** A connection of the pool as a callback gets it: usable until its transaction is over. */
import type { PostgresClient } from './client'

const OVER =
  'The transaction of this delivery is over. Use `context.transaction` only inside the callback, and await every query.'
const NOT_YOURS =
  'The inbox ends the transaction and returns its connection to the pool when the callback has finished.'
/** They would take the connection away from the transaction that settles the event. */
const REFUSED: readonly PropertyKey[] = ['release', 'end']

/** A client that behaves like the original one until `takeBack` is called, and throws from then on. */
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

/** Transactions for callbacks, which also settle the delivered events. */
import { pause } from '../../wait/pause'
import type { Slots } from '../../wait/queues'
import type { TransactionWork } from '../sql/engine'
import { settle, wasCommitted, type SettleRequest } from '../sql/settle'
import { PATIENCE_MS, within } from '../unavailable'
import { BEGIN, PostgresTables, query, type PostgresClient } from './client'
import { isSqlError, isWorthRetrying, TRIES, type Connections } from './connections'

const ASK_EVERY_MS = 50
const OVER =
  'The transaction of this delivery is over. Use `context.transaction` only inside the callback, and await every query.'
const NOT_YOURS =
  'The inbox ends the transaction and returns its connection to the pool when the callback has finished.'
/**
 * Methods that a callback cannot call: they would release the connection before the transaction has settled the event.
 */
const REFUSED: readonly PropertyKey[] = ['release', 'end']

export class Transactions {
  readonly #connections: Connections
  readonly #delivering: Slots
  readonly #slots: Slots
  readonly #closing: AbortSignal
  readonly #requeued: (due: number) => void

  /** Each transaction needs a slot of `slots` and a slot of `delivering`. */
  constructor(
    connections: Connections,
    delivering: Slots,
    slots: Slots,
    closing: AbortSignal,
    requeued: (due: number) => void,
  ) {
    this.#connections = connections
    this.#delivering = delivering
    this.#slots = slots
    this.#closing = closing
    this.#requeued = requeued
  }

  settleWith(request: SettleRequest, work: TransactionWork): Promise<boolean> {
    return this.#slots.run(() => this.#delivering.run(() => this.#attempt(request, work)))
  }

  async #attempt(request: SettleRequest, work: TransactionWork, tries = 1): Promise<boolean> {
    let isCommitting = false as boolean
    try {
      return await this.#connections.use(async (client) => {
        await query(client, `${BEGIN}; SET LOCAL idle_in_transaction_session_timeout = 0`)
        const before = await numberOf(client)
        await runLent(client, work)
        // The queue is locked as late as possible, so that other processes can store events in it until then.
        const finish = async (): Promise<boolean> => {
          const tables = await PostgresTables.begin(client, this.#connections.schema, { hasBegun: true })
          if ((await numberOf(client)) !== before) throw new Error('The callback ended the transaction itself.')
          const settled = await settle(tables, request)
          isCommitting = settled
          await query(client, settled ? 'COMMIT' : 'ROLLBACK')
          this.#requeued(tables.lowestDue)
          return settled
        }
        return within(PATIENCE_MS, finish(), this.#connections.late)
      })
    } catch (error) {
      const isLost = isCommitting && !isSqlError(error)
      const committed = isLost ? await this.#wasCommitted(request) : undefined
      if (committed !== undefined) return committed
      if (tries >= TRIES || !(isLost || (isSqlError(error) && isWorthRetrying(error)))) throw error
    }
    return this.#attempt(request, work, tries + 1)
  }

  /**
   * Asks whether the transaction was committed, and repeats the question until the server answers. Rejects if the inbox
   * is closed meanwhile.
   */
  async #wasCommitted(request: SettleRequest): Promise<boolean | undefined> {
    for (;;) {
      try {
        return await this.#connections.transact((tables) => wasCommitted(tables, request))
      } catch (error) {
        if (this.#closing.aborted) throw error
      }
      await pause(ASK_EVERY_MS, this.#closing)
    }
  }
}

/** The transaction ID that PostgreSQL has given to the current transaction. */
async function numberOf(client: PostgresClient): Promise<string | undefined> {
  const [row] = await query<{ number: string }>(client, 'SELECT CAST(txid_current() AS TEXT) AS number')
  return row?.number
}

async function runLent(client: PostgresClient, work: TransactionWork): Promise<void> {
  const { lent, takeBack } = lend(client)
  try {
    await work(lent)
  } finally {
    takeBack()
  }
}

/** Wraps the client in a proxy whose methods throw once `takeBack` has been called. Those in `REFUSED` always throw. */
function lend(client: PostgresClient): { lent: PostgresClient; takeBack: () => void } {
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

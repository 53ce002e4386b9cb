/** Transactions in which callbacks write, and which settle the events that were delivered to them. */
import type { Slots } from '../../wait/slots'
import type { TimeLimit } from '../sql/engine'
import { settle, type SettleRequest } from '../sql/settle'
import { within as withinOr } from '../../wait/within'
import { within } from '../unavailable'
import { BEGIN, PostgresTables, query, settingsSql, type PostgresClient } from './client'
import { isSqlError, isWorthRetrying, PATIENCE_MS, TRIES, type Connections } from './connections'
import { lend } from './lent-client'

type Work = (client: unknown) => Promise<void>

export class Transactions {
  readonly #connections: Connections
  readonly #schema: string
  readonly #delivering: Slots
  readonly #slots: Slots

  /** Each transaction takes one of `slots`, and one of `delivering`. */
  constructor(connections: Connections, schema: string, delivering: Slots, slots: Slots) {
    this.#connections = connections
    this.#schema = schema
    this.#delivering = delivering
    this.#slots = slots
  }

  /**
   * A transaction that exceeds the limit is rolled back and its connection closed: others need them. This resolves only
   * once `work` has ended nevertheless: until then, the other events of its order wait.
   */
  async settleWith(request: SettleRequest, work: Work, limit?: TimeLimit): Promise<boolean> {
    let ended: Promise<unknown> = Promise.resolve()
    const noting: Work = (client) => {
      const working = work(client)
      ended = working.catch(() => undefined)
      return working
    }
    try {
      return await this.#slots.run(() => this.#delivering.run(() => this.#attempt(request, noting, limit)))
    } finally {
      await ended
    }
  }

  async #attempt(request: SettleRequest, work: Work, limit: TimeLimit | undefined, tries = 1): Promise<boolean> {
    let committing = null as string | null
    try {
      return await this.#connections.use(async (client) => {
        await query(client, `${BEGIN}; SET LOCAL idle_in_transaction_session_timeout = 0`)
        const { transaction } = await PostgresTables.of(client, true)
        await runLent(client, work, limit)
        // The queue is locked only now: events for it could be stored meanwhile.
        const finish = async (): Promise<boolean> => {
          await query(client, settingsSql(this.#schema))
          const tables = await PostgresTables.of(client, true)
          if (tables.transaction !== transaction) throw new Error('The callback ended the transaction itself.')
          const settled = await settle(tables, request)
          if (settled) committing = transaction
          await query(client, settled ? 'COMMIT' : 'ROLLBACK')
          return settled
        }
        return within(PATIENCE_MS, finish(), this.#connections.late)
      })
    } catch (error) {
      const isLost = committing !== null && !isSqlError(error)
      if (isLost && (await this.#connections.isCommitted(committing))) return true
      if (tries >= TRIES || !(isLost || (isSqlError(error) && isWorthRetrying(error)))) throw error
    }
    return this.#attempt(request, work, limit, tries + 1)
  }
}

async function runLent(client: PostgresClient, work: Work, limit: TimeLimit | undefined): Promise<void> {
  const { lent, takeBack } = lend(client)
  try {
    if (limit) await withinOr(limit.ms, work(lent), limit.exceeded)
    else await work(lent)
  } finally {
    takeBack()
  }
}

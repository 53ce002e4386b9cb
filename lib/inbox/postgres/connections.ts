/** Connections of a pool, and transactions that are repeated after deadlocks and broken connections. */
import { TradecloudWebhookError } from '../../errors/errors'
import { PATIENCE_MS, unavailable, within } from '../unavailable'
import { PostgresTables, query, type PostgresClient, type PostgresPool } from './client'

const CONNECT_MS = 2_000
export const DEFAULT_POOL = 10
/** Serialisation failure and deadlock: the same transaction may succeed if it is repeated. */
const RETRIED = ['40001', '40P01']
export const TRIES = 3

export class Connections {
  /** The error message for a request that gets no connection or no response in time. */
  readonly late: string
  readonly schema: string
  readonly #pool: PostgresPool
  readonly #address: string

  constructor(pool: PostgresPool, schema: string) {
    this.#pool = pool
    this.schema = schema
    this.#address = addressOf(pool)
    this.late = `PostgreSQL at ${this.#address} did not respond in time.`
    // A failed idle connection is replaced by the pool, so the error needs no handling.
    pool.on?.('error', () => undefined)
    ignoreErrors(pool)
  }

  /**
   * Runs a transaction, and repeats it after a deadlock or a broken connection. If a commit got no response, the
   * transaction is repeated only if `repeats` is true. `work` must then find out whether the earlier run was committed.
   * The transaction ID does not show this: after a crash, PostgreSQL may give the ID of a lost transaction to another
   * transaction.
   */
  async transact<T>(
    work: (tables: PostgresTables, isRepeated: boolean) => Promise<T>,
    { deadline = performance.now() + PATIENCE_MS, repeats = true, lockTimeoutMs }: TransactionOptions = {},
  ): Promise<T> {
    let isUnknown = false as boolean
    for (let tries = 1; ; tries++) {
      let isCommitting = false as boolean
      try {
        return await this.use(async (client) => {
          const value = await work(await PostgresTables.begin(client, this.schema, { lockTimeoutMs }), isUnknown)
          isCommitting = true
          await query(client, 'COMMIT')
          return value
        }, deadline)
      } catch (error) {
        isUnknown ||= isCommitting && !isSqlError(error)
        if (tries >= TRIES || (isUnknown && !repeats) || !isWorthRetrying(error)) throw error
      }
    }
  }

  async connect(patienceMs = CONNECT_MS): Promise<PostgresClient> {
    const connecting = this.#pool.connect()
    try {
      return await within(patienceMs, connecting, 'it does not respond')
    } catch (cause) {
      connecting.then(
        (late) => late.release(),
        () => undefined,
      )
      throw unavailable(`PostgreSQL at ${this.#address} cannot be used: ${textOf(cause)}`, cause)
    }
  }

  /**
   * Runs `work` on a connection. A connection that does not respond in time is closed, and the next request uses
   * another one.
   */
  async use<T>(work: (client: PostgresClient) => Promise<T>, deadline?: number): Promise<T> {
    const left = () => (deadline === undefined ? CONNECT_MS : deadline - performance.now())
    if (left() <= 0) throw unavailable(this.late)
    const client = await this.connect(Math.min(CONNECT_MS, left()))
    try {
      const value = await (deadline === undefined ? work(client) : within(left(), work(client), this.late))
      client.release()
      return value
    } catch (error) {
      const isUsable =
        isSqlError(error) && (await within(PATIENCE_MS, query(client, 'ROLLBACK'), '').catch(() => false))
      client.release(!isUsable)
      throw error
    }
  }
}

/** Creates a pool for an inbox that is given only a `connectionString`. */
export function createPool(connectionString: string): PostgresPool {
  const { Pool } = loadPg()
  return new Pool({ connectionString, max: DEFAULT_POOL, connectionTimeoutMillis: CONNECT_MS, keepAlive: true })
}

function loadPg(): { Pool: new (options: object) => PostgresPool } {
  try {
    return require('pg') as ReturnType<typeof loadPg>
  } catch (cause) {
    throw new Error('postgresInbox needs the package pg: npm i pg@8', { cause })
  }
}

/**
 * Adds an error listener to each connection before `connect()` resolves: one packet can both complete and end the
 * connection, and an error without a listener would end the process.
 */
function ignoreErrors(pool: PostgresPool): void {
  const known = new WeakSet<PostgresClient>()
  pool.on?.('acquire', (value) => {
    const client = value as PostgresClient
    if (!known.has(client)) client.on('error', () => undefined)
    known.add(client)
  })
}

interface TransactionOptions {
  deadline?: number
  /** Whether to repeat the transaction if its commit got no response. Default: true. */
  repeats?: boolean
  lockTimeoutMs?: number | undefined
}

/** Host and port, without the password. */
function addressOf({ options = {} }: PostgresPool): string {
  const { connectionString = '', host = process.env.PGHOST ?? 'localhost', port = process.env.PGPORT ?? 5432 } = options
  const found = /^\w+:\/\/(?:[^/?]*@)?([^/?]+)/.exec(connectionString)?.[1] ?? `${host}:${port}`
  return /:\d+$/.test(found) ? found : `${found}:5432`
}

/** With several addresses, Node throws an AggregateError whose own message is empty. */
function textOf(error: unknown): string {
  const { message, errors = [] } = error as { message?: string; errors?: Error[] }
  return [message, ...errors.map((one) => one.message)].filter(Boolean).join(', ')
}

/** True if the server has responded with an error, so the connection works. */
export function isSqlError(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  return typeof code === 'string' && code.length === 5 && severity === 'ERROR'
}

export function isWorthRetrying(failure: unknown): boolean {
  const error = (failure instanceof TradecloudWebhookError ? failure.cause : undefined) ?? failure
  const { code } = error as { code?: unknown }
  if (isSqlError(error)) return RETRIED.includes(String(code))
  // The connection was closed, for example because the server was restarted.
  return code === 'ECONNRESET' || code === 'EPIPE' || /terminated|57P0/.test(`${String(code)} ${String(error)}`)
}

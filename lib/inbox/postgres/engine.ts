/** An engine on a pool of PostgreSQL connections. Storing events never waits for connections that deliver them. */
import { unavailable, within } from '../deadline'
import type { Accepted } from '../event-log'
import { accept, type AcceptRequest } from '../sql/accept'
import type { Engine, EngineEvents } from '../sql/sql-inbox'
import { operations, type Argument, type Operation, type Result } from '../sql/operations'
import { sumOf } from '../sql/prune'
import { Slots } from '../sql/slots'
import { acceptBatch, isPlain } from './accept-batch'
import { beginSql, PostgresTables, query, type PostgresClient, type PostgresPool } from './client'
import { Listener } from './listener'
import type { ResolvedPostgresInbox } from './options'
import { prepareSchema, unsafeSettings } from './schema'

/** A request is refused after this time, so that Tradecloud is answered 503 and keeps the event. */
const PATIENCE_MS = 2_500
const CONNECT_MS = 2_000
const LATE = 'The database did not respond in time.'
/** One stores events, one renews leases, one listens. */
const RESERVED = 3
const LARGE_BODIES = 2
const MIN_POOL = 4
const DEFAULT_POOL = 10
const AT_ONCE = 100
const COUNT_EVERY_MS = 1_000
/** Serialisation failure, deadlock, lock time-out: the same transaction may succeed now. */
const RETRIED = ['40001', '40P01', '55P03']
const TRIES = 3

interface Waiting {
  request: AcceptRequest
  resolve: (accepted: Accepted) => void
  reject: (error: unknown) => void
}

export class PostgresEngine implements Engine {
  readonly #options: ResolvedPostgresInbox
  readonly #pool: PostgresPool
  readonly #listener: Listener
  readonly #delivering: Slots
  readonly #large = new Slots(LARGE_BODIES)
  readonly #renewing = new Slots(1)
  /** Connections whose errors are listened to: without a listener, one that is cut would end the process. */
  readonly #known = new WeakSet<PostgresClient>()
  #opened: Promise<void> | undefined
  #waiting: Waiting[] = []
  #storing = false
  #waitingBytes = 0
  #countedAt = -Infinity

  constructor(options: ResolvedPostgresInbox, events: EngineEvents) {
    this.#options = options
    this.#pool = options.pool ?? createPool(options.connectionString ?? '')
    this.#delivering = new Slots(Math.max(1, this.#size - RESERVED))
    this.#listener = new Listener(this.#pool, `tradecloud_${options.schema}`, () => events.changed())
  }

  open(): Promise<void> {
    this.#opened ??= this.#openNow().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  async run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<Result<Name>> {
    await this.open()
    if (name === 'accept') return (await this.#accept(argument as AcceptRequest)) as Result<Name>
    const slots = name === 'renew' ? this.#renewing : name === 'writePart' ? this.#large : this.#delivering
    const operation = operations[name] as unknown as (
      tables: PostgresTables,
      argument: unknown,
    ) => Promise<Result<Name>>
    return slots.run(() => this.#transact((tables) => operation(tables, argument)))
  }

  /** Every commit is on disk once it is acknowledged. */
  runDurably<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<Result<Name>> {
    return this.run(name, argument)
  }

  async close(): Promise<void> {
    await this.#listener.close()
    if (!this.#options.pool) await this.#pool.end()
  }

  get #size(): number {
    return this.#pool.options?.max ?? DEFAULT_POOL
  }

  async #openNow(): Promise<void> {
    const { schema, migrate, unsafe } = this.#options
    if (this.#size < MIN_POOL)
      throw new Error(`The pool has ${this.#size} connections; the inbox needs at least ${MIN_POOL}.`)
    await this.#connected(async (client) => {
      await prepareSchema(client, schema, migrate)
      const problem = await unsafeSettings(client, schema)
      if (problem === undefined) return
      if (!unsafe) throw new Error(`PostgreSQL can lose events that were answered: ${problem}.`)
      process.emitWarning(`The inbox can lose events, which \`unsafe\` allows: ${problem}.`, 'TradecloudWebhookWarning')
    })
    this.#listener.start()
  }

  #accept(request: AcceptRequest): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject })
      if (!this.#storing) void this.#storeWaiting()
    })
  }

  async #storeWaiting(): Promise<void> {
    this.#storing = true
    // Those that come in the same turn are stored together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, AT_ONCE)
      try {
        await this.#storeBatch(batch)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#storing = false
  }

  async #storeBatch(batch: Waiting[]): Promise<void> {
    const size = batch.reduce((sum, { request }) => sum + request.size, 0)
    await this.#checkRoom(size)
    const ids = new Set<string>()
    const plain = batch.filter(({ request }) => {
      const isFirst = !ids.has(request.event.id)
      ids.add(request.event.id)
      return isFirst && isPlain(request)
    })
    const requests = plain.map(({ request }) => request)
    const stored = requests.length > 0 ? await this.#transact((tables) => acceptBatch(tables, requests)) : new Map()
    for (const one of batch) {
      const accepted = plain.includes(one) ? (stored.get(one.request.event.id) as Accepted | undefined) : undefined
      if (accepted) one.resolve(accepted)
      // Duplicates, GET triggers and resent events. One that cannot be stored must not fail the others.
      else await this.#transact((tables) => accept(tables, one.request)).then(one.resolve, one.reject)
    }
    this.#listener.notify()
  }

  async #checkRoom(size: number): Promise<void> {
    if (performance.now() - this.#countedAt > COUNT_EVERY_MS) {
      this.#waitingBytes = await this.#transact((tables) => sumOf(tables, 'state < 2'))
      this.#countedAt = performance.now()
    }
    const { maxBytes } = this.#options
    if (this.#waitingBytes + size > maxBytes)
      throw unavailable(`The inbox is full: more than ${maxBytes} bytes wait in it.`)
    this.#waitingBytes += size
  }

  /** If the response to a commit is lost, trying again finds what was stored: every operation can be repeated. */
  async #transact<T>(work: (tables: PostgresTables) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#connected(async (client) => {
          await query(client, beginSql(this.#options.schema))
          try {
            const value = await work(await PostgresTables.of(client))
            await query(client, 'COMMIT')
            return value
          } catch (error) {
            await query(client, 'ROLLBACK')
            throw error
          }
        })
      } catch (error) {
        if (tries >= TRIES || !isWorthRetrying(error)) throw error
      }
    }
  }

  /** A connection that does not respond in time is closed, and the next request gets another one. */
  async #connected<T>(work: (client: PostgresClient) => Promise<T>): Promise<T> {
    const connecting = this.#pool.connect()
    let isLate = false
    const client = await within(CONNECT_MS, connecting, `No connection within ${CONNECT_MS / 1000} s.`).catch(
      (error: unknown) => {
        isLate = true
        void connecting.then((late) => isLate && late.release()).catch(() => undefined)
        throw error
      },
    )
    if (!this.#known.has(client)) client.on('error', () => undefined)
    this.#known.add(client)
    try {
      const value = await within(PATIENCE_MS, work(client), LATE)
      client.release()
      return value
    } catch (error) {
      client.release(!isSqlError(error))
      throw error
    }
  }
}

/** The server has answered: the connection is fine. */
function isSqlError(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  return typeof code === 'string' && code.length === 5 && severity === 'ERROR'
}

function isWorthRetrying(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (isSqlError(error)) return RETRIED.includes(String(code))
  // The connection was cut, for example by a restart of the server.
  return code === 'ECONNRESET' || code === 'EPIPE' || /terminated|57P0/.test(`${String(code)} ${String(error)}`)
}

function createPool(connectionString: string): PostgresPool {
  const { Pool } = loadPg()
  const pool = new Pool({ connectionString, max: DEFAULT_POOL })
  // Of a connection that is idle: the next request gets another one.
  pool.on('error', () => undefined)
  return pool
}

function loadPg() {
  try {
    return require('pg') as {
      Pool: new (options: object) => PostgresPool & { on(event: 'error', listener: () => void): void }
    }
  } catch (cause) {
    throw new Error('postgresInbox needs the package pg: npm i pg@8', { cause })
  }
}

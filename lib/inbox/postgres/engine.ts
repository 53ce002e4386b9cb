/**
 * The engine for a pool of PostgreSQL connections. Some connections are reserved, so that storing events does not wait
 * for deliveries.
 */
import { PATIENCE_MS, unavailable, within } from '../unavailable'
import type { Accepted } from '../inbox'
import type { AcceptRequest } from '../sql/accept'
import type { Engine, EngineEvents } from '../sql/engine'
import { ONCE, runOperation, STORES, type Argument, type Operation, type OperationResult } from '../sql/operations'
import { sumOf } from '../sql/prune'
import { Room, sizeOf } from '../sql/room'
import { wasCommitted, type SettleRequest } from '../sql/settle'
import { Slots } from '../../wait/queues'
import type { TakeRequest } from '../sql/take'
import type { PostgresPool } from './client'
import { Connections, createPool, DEFAULT_POOL } from './connections'
import { Listener } from './listener'
import { LowWater } from './low-water'
import type { ResolvedPostgresInbox } from './options'
import { prepareSchema, unsafeSettings } from './schema'
import { Storing } from './storing'
import { Transactions } from './transactions'

/** Time limit for creating or checking the tables, including the wait for another process that does the same. */
const MIGRATION_MS = 60_000
/** Number of connections that are reserved for storing events, renewing leases, and listening. */
const RESERVED = 3
/**
 * Number of connections left free for taking and settling, because callbacks with a transaction may keep their
 * connections for a long time.
 */
const TRANSACTIONS_LEAVE = 2
const MIN_POOL = 4

export class PostgresEngine implements Engine {
  /** How many large bodies can be stored at the same time; each uses one connection while it stores a part. */
  readonly uploads = 2
  readonly #options: ResolvedPostgresInbox
  readonly #events: EngineEvents
  readonly #pool: PostgresPool
  readonly #connections: Connections
  readonly #listener: Listener
  readonly #delivering: Slots
  readonly #storing: Storing
  readonly #lowWater = new LowWater()
  readonly #transactions: Transactions
  readonly #closing = new AbortController()
  readonly #renewing = new Slots(1)
  readonly #room: Room
  #opened: Promise<void> | undefined

  constructor(options: ResolvedPostgresInbox, events: EngineEvents) {
    this.#options = options
    this.#events = events
    this.#room = new Room(options.maxBytes)
    this.#pool = options.pool ?? createPool(options.connectionString ?? '')
    const delivering = Math.max(1, this.#size - RESERVED)
    this.#delivering = new Slots(delivering)
    this.#connections = new Connections(this.#pool, options.schema)
    this.#storing = new Storing(this.#connections, {
      ...{ delivering: this.#delivering, singles: Math.ceil(delivering / 2) },
      reserve: (bytes) => this.#takeRoom(bytes),
      stored: () => this.#listener.notify(),
    })
    this.#transactions = new Transactions(
      this.#connections,
      this.#delivering,
      new Slots(Math.max(1, delivering - TRANSACTIONS_LEAVE)),
      this.#closing.signal,
      (due) => this.#lowWater.lower(due),
    )
    this.#listener = new Listener(this.#connections, `tradecloud_${options.schema}`, () => events.changed())
  }

  open(transaction = false): Promise<void> {
    if (transaction && this.#size < MIN_POOL + TRANSACTIONS_LEAVE) {
      const error = tooSmall(this.#size, `at least ${MIN_POOL + TRANSACTIONS_LEAVE} with \`transaction\``)
      // Raises an alarm too, because the app notices the rejection only if it calls `ready()`.
      this.#events.alarm(unavailable(error.message))
      return Promise.reject(error)
    }
    this.#opened ??= this.#openNow().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  /** No flush is needed, because PostgreSQL acknowledges a commit only when it is on disk. */
  run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<OperationResult<Name>> {
    return within(PATIENCE_MS, this.#run(name, argument, performance.now() + PATIENCE_MS), this.#connections.late)
  }

  async #run<Name extends Operation>(
    name: Name,
    argument: Argument<Name>,
    deadline: number,
  ): Promise<OperationResult<Name>> {
    await this.open()
    if (name === 'accept')
      return (await this.#storing.accept(argument as AcceptRequest, deadline)) as OperationResult<Name>
    if (name === 'take')
      return (await this.#lowWater.take((dueSince) =>
        this.#operate('take', { ...(argument as TakeRequest), dueSince }, deadline),
      )) as OperationResult<Name>
    if (STORES.includes(name)) await this.#takeRoom(sizeOf(argument))
    const result = await this.#operate(name, argument, deadline)
    if (name === 'acceptStored' && (result as Accepted | undefined)?.result === 'queued') this.#listener.notify()
    return result
  }

  #operate<Name extends Operation>(
    name: Name,
    argument: Argument<Name>,
    deadline: number,
  ): Promise<OperationResult<Name>> {
    const options = { deadline, repeats: !ONCE.includes(name) }
    const work = async (): Promise<OperationResult<Name>> => {
      let requeued = Infinity
      const done = await this.#connections.transact(async (tables, isRepeated) => {
        const result = await runOperation(tables, name, argument)
        requeued = tables.lowestDue
        const wasSettled = isRepeated && name === 'settle' && (await wasCommitted(tables, argument as SettleRequest))
        return wasSettled ? (true as OperationResult<Name>) : result
      }, options)
      this.#lowWater.lower(requeued)
      return done
    }
    return name === 'renew' || name === 'check' ? this.#renewing.run(work) : this.#delivering.run(work)
  }

  settleWith(...work: Parameters<Transactions['settleWith']>): Promise<boolean> {
    return this.#transactions.settleWith(...work)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#listener.close()
    // The wait is limited, because an unresponsive server would never answer.
    if (!this.#options.pool) await within(PATIENCE_MS, this.#pool.end(), this.#connections.late).catch(() => undefined)
  }

  get #size(): number {
    return this.#pool.options?.max ?? DEFAULT_POOL
  }

  async #openNow(): Promise<void> {
    const { schema, migrate, unsafe } = this.#options
    if (this.#size < MIN_POOL) throw tooSmall(this.#size, `at least ${MIN_POOL}`)
    await this.#connections.use(async (client) => {
      await prepareSchema(client, schema, migrate)
      const problem = await unsafeSettings(client, schema)
      if (problem === undefined) return
      if (!unsafe) throw new Error(`PostgreSQL could lose events that were already answered: ${problem}.`)
      process.emitWarning(`The inbox can lose events, which \`unsafe\` allows: ${problem}.`, 'TradecloudWebhookWarning')
    }, performance.now() + MIGRATION_MS)
    if (!this.#closing.signal.aborted) void this.#listener.run()
  }

  #takeRoom(bytes: number | undefined): Promise<void> {
    return this.#room.take(bytes, () => this.#connections.transact((tables) => sumOf(tables, 'state < 2')))
  }
}

function tooSmall(size: number, needed: string): Error {
  return new Error(`The pool has ${size} connections; the inbox needs ${needed}.`)
}

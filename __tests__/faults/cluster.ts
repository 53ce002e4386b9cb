/**
 * Several receivers that share a ledger, and also share either an inbox or the Redis store. `Cluster` starts and kills
 * the receivers, distributes the connections of a load among them, and records when each receiver ended.
 */
import { join } from 'node:path'
import { startPostgres, type PostgresServer } from '../postgres/postgres-server'
import { startRedis, type RedisServer } from '../redis/redis-server'
import { clockMs, readLedger, type Ledger } from './ledger'
import type { ReceiverSettings } from './receiver'
import { atEnd, startReceiver, temporaryFolder, type Receiver } from './receiver-process'
import { isFull } from './size'

type Shared = Pick<ReceiverSettings, 'inbox' | 'store'>
type More = Pick<ReceiverSettings, 'behaviour' | 'webhook'>

export const engines = ['sqlite', 'postgres'] as const

export async function startCluster(engine: (typeof engines)[number]): Promise<Cluster> {
  return engine === 'sqlite' ? onSqlite() : (await startOnPostgres()).cluster
}

/** `folder` contains the database. Default: a new folder. */
export function onSqlite(folder = temporaryFolder()): Cluster {
  return new Cluster({ inbox: { type: 'sqlite', file: join(folder, 'inbox.db') } })
}

export async function startOnPostgres(): Promise<{ cluster: Cluster; server: PostgresServer }> {
  const server = await startPostgres()
  atEnd(() => server.stop())
  return { cluster: new Cluster({ inbox: { type: 'postgres', connectionString: server.connectionString } }), server }
}

/** Receivers without an inbox, which share the Redis store. */
export async function startOnRedis(): Promise<{ cluster: Cluster; redis: RedisServer }> {
  const redis = await startRedis()
  atEnd(() => redis.stop())
  return { cluster: new Cluster({ store: { port: redis.port } }), redis }
}

export class Cluster {
  /** The running processes to which loads connect. */
  readonly receivers: Receiver[] = []
  /** By process number: the time at which the end of the process was noticed, on the clock of `clockMs`. */
  readonly diedAt = new Map<number, number>()
  readonly #shared: Shared
  readonly #ledger = join(temporaryFolder(), 'ledger')
  readonly #runs = new Map<Receiver, number>()
  #started = 0
  #next = 0

  constructor(shared: Shared) {
    this.#shared = shared
  }

  async start(more: More = {}): Promise<Receiver> {
    const run = ++this.#started
    const receiver = await startReceiver({ ...this.#shared, ledger: this.#ledger, run, ...more })
    this.receivers.push(receiver)
    this.#runs.set(receiver, run)
    return receiver
  }

  startAll(number: number, more?: More): Promise<Receiver[]> {
    return Promise.all(Array.from({ length: number }, () => this.start(more)))
  }

  /** Gives each connection of a load the port of the next running process. */
  readonly port = (): number => this.receivers[this.#next++ % this.receivers.length]?.port ?? 1

  run(receiver: Receiver): number {
    return this.#runs.get(receiver)!
  }

  async kill(receiver: Receiver): Promise<void> {
    await receiver.kill()
    this.forget(receiver)
  }

  /** To be called after the process has ended. */
  forget(receiver: Receiver): void {
    this.diedAt.set(this.run(receiver), clockMs())
    this.receivers.splice(this.receivers.indexOf(receiver), 1)
  }

  /**
   * Waits until all events of the inbox, if there is one, are settled. Then ends all processes, and reads the ledger.
   */
  async finish(timeoutMs = isFull ? 600_000 : 120_000): Promise<Ledger> {
    if (this.#shared.inbox) await this.receivers[0]!.drained(timeoutMs)
    await Promise.all(this.receivers.map((receiver) => receiver.end()))
    return this.read()
  }

  read(): Ledger {
    return readLedger(this.#ledger)
  }
}

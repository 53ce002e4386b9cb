/** Several receivers that share one store in Redis and one ledger: started, killed, and sent to in turn. Knows when each died. */
import { join } from 'node:path'
import { startRedis, type RedisServer } from '../redis/redis-server'
import { clockMs, readLedger, type Ledger } from './ledger'
import type { ReceiverSettings } from './receiver'
import { atEnd, startReceiver, temporaryFolder, type Receiver } from './receiver-process'

export async function startCluster(): Promise<Cluster> {
  const redis = await startRedis()
  atEnd(() => redis.stop())
  return new Cluster(redis)
}

export class Cluster {
  readonly redis: RedisServer
  /** Those that live. */
  readonly receivers: Receiver[] = []
  /** By number of the process, in milliseconds of `clockMs`. */
  readonly diedAt = new Map<number, number>()
  readonly #ledger = join(temporaryFolder(), 'ledger')
  readonly #runs = new Map<Receiver, number>()
  #started = 0
  #next = 0

  constructor(redis: RedisServer) {
    this.redis = redis
  }

  async start(more: Pick<ReceiverSettings, 'behaviour' | 'webhook'> = {}): Promise<Receiver> {
    const { port } = this.redis
    const run = ++this.#started
    const receiver = await startReceiver({
      store: { port },
      ...{ ledger: this.#ledger, run, ...more },
    })
    this.receivers.push(receiver)
    this.#runs.set(receiver, run)
    return receiver
  }

  /** So many at once. */
  startAll(number: number, more?: Pick<ReceiverSettings, 'behaviour' | 'webhook'>): Promise<Receiver[]> {
    return Promise.all(Array.from({ length: number }, () => this.start(more)))
  }

  /** For a load: each connection goes to the next one that lives. */
  readonly port = (): number => this.receivers[this.#next++ % this.receivers.length]?.port ?? 1

  run(receiver: Receiver): number {
    return this.#runs.get(receiver)!
  }

  async kill(receiver: Receiver): Promise<void> {
    await receiver.kill()
    this.forget(receiver)
  }

  /** It has ended. */
  forget(receiver: Receiver): void {
    this.diedAt.set(this.run(receiver), clockMs())
    this.receivers.splice(this.receivers.indexOf(receiver), 1)
  }

  /** Asks all to end, and reads what they have written. */
  async finish(): Promise<Ledger> {
    await Promise.all(this.receivers.map((receiver) => receiver.end()))
    return this.read()
  }

  read(): Ledger {
    return readLedger(this.#ledger)
  }
}

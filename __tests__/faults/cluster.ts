/**
 * Several receivers that share one Redis and one ledger, or the Redis alone: started, killed, and sent to in turn. Knows
 * when each died.
 */
import { join } from 'node:path'
import type { BullmqInboxOptions } from 'tradecloud-webhook/bullmq'
import { startRedis, type RedisServer } from '../redis/redis-server'
import { clockMs, readLedger, type Ledger } from './ledger'
import type { ReceiverSettings } from './receiver'
import { atEnd, startReceiver, temporaryFolder, type Receiver } from './receiver-process'
import { isFull } from './size'

type InboxOptions = Omit<BullmqInboxOptions, 'connection'>

/** `'store'`: no inbox, the shared store. Else the options of the inbox on BullMQ. */
export async function startCluster(mode: InboxOptions | 'store' = {}): Promise<Cluster> {
  const redis = await startRedis()
  atEnd(() => redis.stop())
  return new Cluster(redis, mode)
}

export class Cluster {
  readonly redis: RedisServer
  /** Those that live. */
  readonly receivers: Receiver[] = []
  /** By number of the process, in milliseconds of `clockMs`. */
  readonly diedAt = new Map<number, number>()
  readonly #mode: InboxOptions | 'store'
  readonly #ledger = join(temporaryFolder(), 'ledger')
  readonly #runs = new Map<Receiver, number>()
  #started = 0
  #next = 0

  constructor(redis: RedisServer, mode: InboxOptions | 'store') {
    this.redis = redis
    this.#mode = mode
  }

  async start(more: Pick<ReceiverSettings, 'behaviour' | 'webhook'> = {}): Promise<Receiver> {
    const { host, port } = this.redis
    const run = ++this.#started
    const receiver = await startReceiver({
      ...(this.#mode === 'store'
        ? { store: { port } }
        : { inbox: { type: 'bullmq', options: { connection: { host, port }, ...this.#mode } } }),
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

  /** Once nothing waits or runs any more, asks all to end, and reads what they have written. */
  async finish(timeoutMs = isFull ? 300_000 : 30_000): Promise<Ledger> {
    if (this.#mode !== 'store') await this.receivers[0]!.drained(timeoutMs)
    await Promise.all(this.receivers.map((receiver) => receiver.end()))
    return this.read()
  }

  read(): Ledger {
    return readLedger(this.#ledger)
  }
}

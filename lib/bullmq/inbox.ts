/**
 * The inbox on BullMQ: puts its parts together. Events are in Redis, in one list for each entity; BullMQ wakes entities
 * and never holds an event.
 */
import { setMaxListeners } from 'node:events'
import type { Redis } from 'ioredis'
import { Commits } from './commits'
import { Connections } from './connections'
import { unavailable, within } from '../inbox/unavailable'
import { Guard } from './guard'
import { resolveOptions, type BullmqInboxOptions } from './options'
import { Storage } from './storage'
import { Turns } from './turns'
import { Wake } from './wake'
import { isTradecloudWebhookError, TradecloudWebhookError } from '../errors/errors'
import { checkPurge, matches } from '../inbox/filter'
import { replayAll } from '../inbox/replay-all'
import type {
  Accepted,
  InboxDelivery,
  InboxEntry,
  InboxFilter,
  InboxHost,
  InboxState,
  InboxStats,
  ManagedInbox,
  PurgeFilter,
  ReplayOptions,
  Settlement,
  StoredEvent,
} from '../inbox/inbox'

/** For all that `accept` does: less than the 2.5 s that it may take, with some for a busy machine. */
const ACCEPT_MS = 1_800
/** How long `close` lets deliveries end and be noted. The webhook has waited for them before. */
const CLOSE_MS = 1_000
const PAGE_SIZE = 200
const LISTED: InboxState[] = ['waiting', 'running', 'dead', 'quarantined']

/**
 * An inbox on BullMQ, for several machines that share a Redis. Connects in the background: `ready()` tells when it can
 * take events, and rejects where the Redis could lose them. Throws `invalid_option` for a wrong option.
 */
export function bullmqInbox(options: BullmqInboxOptions): ManagedInbox {
  return new BullmqInbox(options)
}

class BullmqInbox implements ManagedInbox {
  readonly #closing = new AbortController()
  readonly #redis: Redis
  readonly #guard: Guard
  readonly #storage: Storage
  readonly #commits: Commits
  readonly #wake: Wake
  readonly #turns: Turns
  #host: InboxHost | undefined
  readonly #untold: TradecloudWebhookError[] = []
  #accepting = true
  #closed: Promise<void> | undefined

  constructor(given: BullmqInboxOptions) {
    const options = resolveOptions(given)
    const { leaseMs, queueName, sweepIntervalMs, trustPersistence } = options
    const closing = this.#closing.signal
    setMaxListeners(0, closing) // all that waits listens to it
    const connections = new Connections(options)
    const redis = (this.#redis = connections.forCommands())
    const storage = (this.#storage = new Storage(connections, redis, options))
    this.#commits = new Commits(() => connections.forCommands(), `${connections.base}fence`)
    this.#guard = new Guard(redis, { trustPersistence, closing, refused: (error) => this.#alarm(error) })
    const wake = (this.#wake = new Wake({
      ...{ connections, redis, prefix: `{${options.prefix}}`, queueName, leaseMs, sweepIntervalMs },
      overdue: (most) => storage.overdue(most),
    }))
    const turns = (this.#turns = new Turns({
      ...{ storage, leaseMs, closing },
      wake: (line, delayMs) => wake.wake(line, delayMs),
    }))
    // A lease may have run out while Redis was away.
    redis.on('ready', () => turns.renew())
  }

  ready(): Promise<void> {
    return this.#guard.ready()
  }

  async accept(event: StoredEvent, bytes: Buffer): Promise<Accepted> {
    try {
      return await within(ACCEPT_MS, this.#accept(event, bytes), 'Redis does not answer in time.')
    } catch (error) {
      throw asUnavailable(error)
    }
  }

  deliver(host: InboxHost): () => void {
    if (this.#host)
      throw new TradecloudWebhookError('invalid_option', 'An inbox belongs to one webhook: make another one.')
    this.#host = host
    for (const error of this.#untold.splice(0)) host.alarm(error)
    if (this.#accepting) {
      this.#turns.start(host)
      this.#wake.start(host.concurrency, (line) => this.#turns.take(line))
    }
    return () => this.#stop()
  }

  settle(delivery: InboxDelivery, settlement: Settlement): Promise<boolean> {
    return this.#turns.settle(delivery, settlement)
  }

  async *list(filter: InboxFilter = {}): AsyncIterable<InboxEntry> {
    const states = filter.state ? [filter.state] : LISTED
    for await (const entry of this.#storage.entries(states, PAGE_SIZE)) if (matches(entry, filter)) yield entry
  }

  show(id: string): ReturnType<ManagedInbox['show']> {
    return this.#storage.show(id)
  }

  async replay(id: string): Promise<boolean> {
    const line = await this.#storage.replay(id)
    if (line !== undefined) this.#wake.wake(line)
    return line !== undefined
  }

  replayAll(filter?: InboxFilter, options?: ReplayOptions): Promise<number> {
    return replayAll(this, filter, options)
  }

  async purge(filter: PurgeFilter): Promise<number> {
    checkPurge(filter.state)
    let count = 0
    for await (const { id } of this.list(filter)) if (await this.#storage.purge(id, filter.state)) count++
    return count
  }

  stats(): Promise<InboxStats> {
    return this.#storage.stats()
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #accept(event: StoredEvent, bytes: Buffer): Promise<Accepted> {
    if (!this.#accepting) throw unavailable('The inbox is closed.')
    const write = (redis: Redis) => this.#storage.accept(redis, event, bytes)
    const { accepted, wake } = await ((await this.#guard.open()) === 'waitaof'
      ? this.#commits.run(write)
      : write(this.#redis))
    // The event is safe: should this fail, the sweep finds it.
    if (wake !== undefined) this.#wake.wake(wake)
    return accepted
  }

  #stop(): void {
    this.#turns.stop()
    this.#wake.stop()
  }

  async #close(): Promise<void> {
    this.#accepting = false
    this.#stop()
    await within(CLOSE_MS, this.#turns.idle(), 'deliveries still run').catch(() => undefined)
    this.#closing.abort()
    this.#turns.close()
    await this.#wake.close()
  }

  #alarm(error: TradecloudWebhookError): void {
    if (this.#host) this.#host.alarm(error)
    else this.#untold.push(error)
  }
}

/** What Redis or its client says, as an error of this package. */
function asUnavailable(error: unknown): TradecloudWebhookError {
  if (isTradecloudWebhookError(error)) return error
  return unavailable(`Redis could not store the event: ${(error as Error).message}`, error)
}

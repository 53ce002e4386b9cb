/** An inbox in SQL: what the interface promises, in terms of operations that an engine runs in transactions. */
import { TradecloudWebhookError } from '../../errors/errors'
import type { EventKind } from '../../events/events'
import { sha256 } from '../../bytes/sha256'
import { pause } from '../../wait/pause'
import { unavailable } from '../unavailable'
import type {
  Accepted,
  Inbox,
  InboxDelivery,
  InboxHost,
  InboxPage,
  InboxStats,
  ListOptions,
  Settlement,
  StoredEvent,
  Wanted,
} from '../event-log'
import type { Argument, Operation, Result } from './operations'
import type { ProcessIdentity } from './process-identity'
import { LEASE_MS, RENEW_EVERY_MS, type LostTakes } from './processes'
import type { KeepOptions } from './prune'
import { PART_BYTES } from './tables'
import type { SettleRequest } from './settle'
import type { Taken } from './take'

/** A database of one kind. */
export interface Engine {
  /** Rejects if the database can never be used. */
  open(transaction?: boolean): Promise<void>
  /** Runs one operation in a transaction. Rejects within 2.5 s if it cannot be run. */
  run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<Result<Name>>
  /** The same. Resolves only once everything that was committed so far survives a crash. */
  runDurably<Name extends Operation>(
    name: Name,
    argument: Argument<Name>,
    transfer?: ArrayBuffer[],
  ): Promise<Result<Name>>
  /** Runs `work` and the settlement in one transaction. Neither happens if it resolves with false or rejects. */
  settleWith?(request: SettleRequest, work: (client: unknown) => Promise<void>): Promise<boolean>
  close(): Promise<void>
}

/** What an engine tells the inbox. */
export interface EngineEvents {
  /** It was opened again: registrations of an earlier connection may be void. */
  reopened(): void
  /** Another process may have changed something. */
  changed(): void
  /** Something that a person should know. */
  alarm(error: TradecloudWebhookError): void
}

export interface SqlInboxOptions extends KeepOptions {
  /** Identifies this process, if all processes that share the inbox are on one machine. */
  identity?: ProcessIdentity | undefined
}

const TIDY_EVERY_MS = 1_000
/** So often, once a second, what a lost call of `take` has taken is freed. */
const FREE_TIMES = 60
/** Every tenth time. */
const PRUNE_EVERY = 10
/** Between two steps of pruning, so that events are accepted in between. */
const BREATH_MS = 25
/** PIDs say nothing where processes are on several machines. */
const NO_IDENTITY: ProcessIdentity = { pid: process.pid, pidNamespace: undefined, startTime: undefined, boot: '' }
/** What a process is known to take is asked for at most this often. */
const WANTED_FOR_MS = 1_000

interface Attached {
  host: InboxHost
  /** Owner of the queues that this process has taken. Absent until it is registered. */
  owner?: string | undefined
  registering?: Promise<string> | undefined
  renewedAt: number
  stop: AbortController
}

export class SqlInbox implements Inbox {
  readonly withTransaction?: Inbox['withTransaction']
  readonly #options: SqlInboxOptions
  readonly #engine: Engine
  readonly #closing = new AbortController()
  readonly #taken = new WeakMap<InboxDelivery, Taken & { owner: string }>()
  #attached: Attached | undefined
  #upload: Promise<unknown> = Promise.resolve()
  #hasFailed = false
  #untaken: ReadonlySet<string> = new Set()
  /** Alarms from before a process was attached. */
  readonly #early: TradecloudWebhookError[] = []
  /** Identifies one call of `take`. */
  #token = 0
  #lost: Array<LostTakes & { left: number }> = []
  #known: { name: string; wanted: Promise<Wanted[]>; askedAt: number } | undefined

  constructor(options: SqlInboxOptions, createEngine: (events: EngineEvents) => Engine) {
    this.#options = options
    this.#engine = createEngine({
      reopened: () => {
        if (this.#attached) this.#attached.owner = undefined
      },
      changed: () => this.#attached?.host.wake(),
      alarm: (error) => this.#alarm(error),
    })
    if (this.#engine.settleWith) this.withTransaction = (delivery, work) => this.#settleWith(delivery, work)
    void this.#tidy()
  }

  ready({ transaction = false } = {}): Promise<void> {
    return this.#engine.open(transaction)
  }

  async accept(event: StoredEvent, bytes: Buffer): Promise<Accepted> {
    const accepted =
      bytes.length > PART_BYTES
        ? await this.#acceptLarge(event, bytes)
        : await this.#runDurably('accept', { event, size: bytes.length, bytes })
    if (accepted.result === 'queued') this.#attached?.host.wake()
    return accepted
  }

  /** Part by part, so that small events are stored in between; one large body at a time. */
  #acceptLarge(event: StoredEvent, bytes: Buffer): Promise<Accepted> {
    const accepting = this.#upload.then(async () => {
      const upload = await this.#run('beginUpload', undefined)
      for (let part = 0; part * PART_BYTES < bytes.length; part++) {
        const data = new Uint8Array(bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES))
        await this.#runDurably('writePart', { event: upload, part, data }, [data.buffer])
      }
      return this.#runDurably('accept', { event, size: bytes.length, upload })
    })
    this.#upload = accepting.catch(() => undefined)
    return accepting
  }

  async isWanted(name: string, kind: EventKind, eventName: string | undefined): Promise<boolean> {
    const { host } = this.#attached ?? {}
    if (host?.name === name && includes(host.wanted, kind, eventName)) return true
    if (this.#known?.name !== name || performance.now() - this.#known.askedAt > WANTED_FOR_MS)
      this.#known = { name, askedAt: performance.now(), wanted: this.#run('wanted', name) }
    return includes(await this.#known.wanted, kind, eventName)
  }

  attach(host: InboxHost): () => void {
    if (this.#attached) throw new Error('An inbox belongs to one webhook or worker; create one for each.')
    const attached: Attached = { host, renewedAt: -Infinity, stop: new AbortController() }
    this.#attached = attached
    this.#early.splice(0).forEach((error) => host.alarm(error))
    void this.#renew(attached)
    return () => {
      attached.stop.abort()
      const { owner } = attached
      if (owner !== undefined) void this.#run('retire', owner).catch(() => undefined)
    }
  }

  async take({ limit, maxBytes }: { limit: number; maxBytes: number }): Promise<{
    deliveries: InboxDelivery[]
    nextDueInMs?: number
  }> {
    const attached = this.#attached
    if (!attached || attached.stop.signal.aborted) return { deliveries: [] }
    const owner = await this.#register(attached)
    // After an outage, the next renewal may be seconds away; until then nothing that is taken could be delivered.
    if (performance.now() - attached.renewedAt > RENEW_EVERY_MS && !(await this.#renewOnce(attached, owner)))
      return { deliveries: [] }
    const { name, wanted, maxDelayMs } = attached.host
    const token = ++this.#token
    try {
      const { taken, nextDueInMs, damaged } = await this.#run('take', { owner, token, name, wanted, limit, maxBytes })
      for (const key of damaged) {
        const remedy =
          'keep a copy of the database, and recover it (SQLite: `sqlite3 FILE .recover`) or restore a backup'
        this.#alarm(
          unavailable(`An event of ${key} cannot be read. Its events wait; the others are delivered: ${remedy}.`),
        )
      }
      const all = await Promise.all(taken.map((one) => this.#deliveryOf(one, owner)))
      const deliveries: InboxDelivery[] = []
      for (const delivery of all) if (await this.#isIntact(delivery)) deliveries.push(delivery)
      if (nextDueInMs === undefined) return { deliveries }
      return { deliveries, nextDueInMs: Math.min(nextDueInMs, maxDelayMs) }
    } catch (error) {
      // It may have taken queues nevertheless, also later: a database that stood still goes on with what it was sent.
      const last = this.#lost.at(-1)
      if (last?.owner === owner && last.last === token - 1) Object.assign(last, { last: token, left: FREE_TIMES })
      else this.#lost.push({ owner, first: token, last: token, left: FREE_TIMES })
      throw error
    }
  }

  async #deliveryOf(taken: Taken, owner: string): Promise<InboxDelivery> {
    const attached = this.#attached
    const delivery: InboxDelivery = {
      event: taken.stored,
      bytes: await this.#bodyOf(taken.event, taken.size, taken.bytes),
      attempt: taken.attempt,
      firstAttemptAt: new Date(taken.firstAttempt),
      replay: taken.replay,
      isOwned: () =>
        !this.#closing.signal.aborted &&
        attached?.owner === owner &&
        performance.now() - attached.renewedAt < LEASE_MS - RENEW_EVERY_MS,
    }
    this.#taken.set(delivery, { ...taken, bytes: undefined, owner })
    return delivery
  }

  /** A body that is not what was received goes to quarantine. */
  async #isIntact(delivery: InboxDelivery): Promise<boolean> {
    const { event, bytes } = delivery
    // Larger ones would take too long here.
    if (bytes.length === 0 || bytes.length > PART_BYTES || sha256(bytes) === event.digest) return true
    const reason = `The stored body of event ${event.id} is damaged: it is not the one that was received.`
    await this.settle(delivery, { result: 'quarantined', outcome: 'damaged', reason })
    this.#alarm(
      unavailable(`${reason} It was put into quarantine; restore it from a backup, or fetch it from Tradecloud.`),
    )
    return false
  }

  async #bodyOf(event: number, size: number, small?: Uint8Array): Promise<Buffer> {
    if (small) return Buffer.from(small.buffer, small.byteOffset, small.byteLength)
    const body = Buffer.alloc(size)
    for (let part = 0; part * PART_BYTES < size; part++) {
      const data = await this.#run('readPart', { event, part })
      if (data) body.set(data, part * PART_BYTES)
    }
    return body
  }

  async settle(delivery: InboxDelivery, settlement: Settlement): Promise<boolean> {
    const request = this.#requestOf(delivery, settlement)
    const settled = request !== undefined && (await this.#run('settle', request))
    this.#attached?.host.wake()
    return settled
  }

  async #settleWith(delivery: InboxDelivery, work: (client: unknown) => Promise<void>): Promise<boolean> {
    this.#checkOpen()
    const request = this.#requestOf(delivery, { result: 'delivered' })
    const settled = request !== undefined && (await this.#engine.settleWith?.(request, work)) === true
    this.#attached?.host.wake()
    return settled
  }

  #requestOf(delivery: InboxDelivery, settlement: Settlement): SettleRequest | undefined {
    const taken = this.#taken.get(delivery)
    if (!taken) return undefined
    const { owner, queue, token, event } = taken
    return { owner, queue, token, event, settlement, keep: this.#options.keepDelivered !== false }
  }

  list(options: ListOptions = {}): Promise<InboxPage> {
    return this.#run('list', options)
  }

  async show(id: string): ReturnType<Inbox['show']> {
    const shown = await this.#run('show', id)
    if (!shown) return undefined
    const { entry, stored, attempts, event, size, hasBody } = shown
    return { entry, event: stored, attempts, ...(hasBody && { bytes: await this.#bodyOf(event, size) }) }
  }

  async replay(id: string): Promise<boolean> {
    const replayed = await this.#runDurably('replay', id)
    this.#attached?.host.wake()
    return replayed
  }

  async giveUp(id: string, reason: string): Promise<boolean> {
    const givenUp = await this.#runDurably('giveUp', { id, reason })
    this.#attached?.host.wake()
    return givenUp
  }

  purge(id: string): Promise<boolean> {
    return this.#runDurably('purge', id)
  }

  stats(): Promise<InboxStats> {
    return this.#run('stats', undefined)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const { owner } = this.#attached ?? {}
    if (owner !== undefined) await this.#engine.run('remove', owner).catch(() => undefined)
    await this.#engine.close()
  }

  async #run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<Result<Name>> {
    this.#checkOpen()
    return this.#engine.run(name, argument)
  }

  async #runDurably<Name extends Operation>(
    name: Name,
    argument: Argument<Name>,
    transfer?: ArrayBuffer[],
  ): Promise<Result<Name>> {
    this.#checkOpen()
    return this.#engine.runDurably(name, argument, transfer)
  }

  #alarm(error: TradecloudWebhookError): void {
    if (this.#attached) this.#attached.host.alarm(error)
    else this.#early.push(error)
  }

  /** Reported once, and again only after it worked in between. Requests that fail meanwhile are reported by their senders. */
  #failed(cause: unknown): void {
    if (this.#hasFailed || this.#closing.signal.aborted) return
    this.#hasFailed = true
    const text = cause instanceof Error ? cause.message : String(cause)
    this.#attached?.host.alarm(
      new TradecloudWebhookError('inbox_unusable', `The inbox does not work: ${text}`, { cause }),
    )
  }

  #recovered(): void {
    this.#hasFailed = false
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw unavailable('The inbox is closed.')
  }

  /** Once, also if two ask for it at the same time. */
  #register(attached: Attached): Promise<string> {
    if (attached.owner !== undefined) return Promise.resolve(attached.owner)
    attached.registering ??= this.#registerNow(attached).finally(() => (attached.registering = undefined))
    return attached.registering
  }

  async #registerNow(attached: Attached): Promise<string> {
    const at = performance.now()
    const { name, wanted } = attached.host
    const owner = await this.#run('register', { name, wanted, identity: this.#options.identity ?? NO_IDENTITY })
    attached.renewedAt = at
    return (attached.owner = owner)
  }

  /** Keeps the lease, also while callbacks run, until the inbox is closed. */
  async #renew(attached: Attached): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        if (!(await this.#renewOnce(attached, await this.#register(attached)))) continue
        this.#recovered()
      } catch (error) {
        // Without a lease nothing is handed out.
        this.#failed(error)
      }
      await pause(RENEW_EVERY_MS, this.#closing.signal)
    }
  }

  /** False if the lease was lost. */
  async #renewOnce(attached: Attached, owner: string): Promise<boolean> {
    const at = performance.now()
    const renewed = await this.#run('renew', owner)
    if (renewed) attached.renewedAt = at
    else if (attached.owner === owner) {
      attached.owner = undefined
      attached.host.leaseLost()
    }
    return renewed
  }

  /** Once for each kind and name, until it is taken. */
  async #reportUntaken({ name, handlerTimeoutMs = Infinity }: InboxHost): Promise<void> {
    const wanted = await this.#run('wanted', name)
    const late = (await this.#run('unowned', name)).filter(
      ({ kind, event_name, due }) =>
        due < Date.now() - handlerTimeoutMs && !includes(wanted, kind, event_name || undefined),
    )
    const names = new Set(late.map(({ kind, event_name }) => [kind, event_name].filter(Boolean).join(' ')))
    for (const one of names)
      if (!this.#untaken.has(one))
        this.#alarm(
          unavailable(`Events wait that no process has a callback for: ${one}. Start one that has, or give them up.`),
        )
    this.#untaken = names
  }

  async #freeLost(): Promise<void> {
    for (const one of [...this.#lost]) {
      await this.#run('freeLost', one)
      one.left--
    }
    this.#lost = this.#lost.filter(({ left }) => left > 0)
  }

  /** Frees the queues of processes that are gone, and removes what is not kept any longer. */
  async #tidy(): Promise<void> {
    const { signal } = this.#closing
    for (let count = 1; ; count++) {
      await pause(TIDY_EVERY_MS, signal)
      if (signal.aborted) return
      if (!this.#attached) continue
      const { host, owner } = this.#attached
      try {
        const gone = await this.#run('removeGone', { ownId: owner, identity: this.#options.identity })
        await this.#freeLost()
        const { name, wanted, maxDelayMs } = host
        if ((await this.#run('shortenWaits', { name, wanted, maxDelayMs })) || gone.length > 0) host.wake()
        if (count % PRUNE_EVERY !== 0) continue
        await this.#reportUntaken(host)
        const { keepDelivered, dedupeTtlMs } = this.#options
        while (await this.#run('prune', { keepDelivered, dedupeTtlMs })) await pause(BREATH_MS, signal)
        this.#recovered()
      } catch (error) {
        this.#failed(error)
      }
    }
  }
}

function includes(wanted: readonly Wanted[], kind: EventKind, eventName: string | undefined): boolean {
  return wanted.some(
    (one) =>
      one.kind === kind &&
      (one.eventNames === undefined || (eventName !== undefined && one.eventNames.includes(eventName))),
  )
}

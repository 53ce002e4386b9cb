/** An inbox in a SQL database. Each method uses operations that an engine runs in transactions. */
import type { Arrival } from '../catch-up/arrivals'
import type { CatchUpInbox } from '../catch-up/storage'
import type { EventKind } from '../../events/events'
import { invalidOption } from '../../errors/errors'
import { unavailable } from '../unavailable'
import type {
  Accepted,
  HourCount,
  Inbox,
  InboxDelivery,
  InboxHost,
  InboxPage,
  InboxStats,
  ListOptions,
  Settlement,
  ShowOptions,
} from '../inbox'
import type { StoredEvent } from '../stored-event'
import { Alarms } from './alarms'
import { SqlCatchUp, type StoredBody } from './catch-up/sql-catch-up'
import { Deliveries } from './deliveries'
import type { Engine, EngineEvents, InboxParts, SqlInboxOptions } from './engine'
import { Housekeeping } from './housekeeping'
import { Known } from './known'
import { Member } from './member'
import type { Argument, Operation, OperationResult } from './operations'
import { includes } from './processes'
import { Slots } from '../../wait/queues'
import { PART_BYTES } from './tables'

export class SqlInbox implements Inbox {
  readonly withTransaction?: Inbox['withTransaction']
  readonly #shared: InboxParts
  readonly #deliveries: Deliveries
  readonly #uploads: Slots
  /** Large bodies that are being stored, by the ID of their event. */
  readonly #acceptingLarge = new Map<string, Promise<unknown>>()
  readonly #closing = new AbortController()
  #member: Member | undefined
  readonly #wanted = new Known((name) => this.#run('wantedBy', name))
  readonly #recording = new Known((name) => this.#run('recordsArrivals', name))

  constructor(options: SqlInboxOptions, createEngine: (events: EngineEvents) => Engine) {
    const closing = this.#closing.signal
    const alarms = new Alarms(closing)
    const engine = createEngine({
      reopened: () => this.#member?.forget(),
      changed: () => this.#wake(),
      alarm: (error) => alarms.raise(error),
    })
    this.#shared = { options, engine, alarms, closing }
    this.#deliveries = new Deliveries(this.#shared)
    this.#uploads = new Slots(engine.uploads)
    if (engine.settleWith)
      this.withTransaction = (delivery, work, arrival) =>
        this.#waking(this.#deliveries.settleWith(delivery, work, this.#member?.host.handlerTimeoutMs, arrival))
  }

  async ready({ transaction = false } = {}): Promise<void> {
    await this.#shared.engine.open(transaction)
    await this.#member?.registered()
  }

  async accept(event: StoredEvent, bytes: Buffer, arrival?: Arrival): Promise<Accepted> {
    const store = (): Promise<Accepted> =>
      this.#storing(bytes, (body) => this.#run('accept', { event, arrival, ...body }))
    const accepted = await (bytes.length > PART_BYTES ? this.#acceptLarge(event, arrival, store) : store())
    if (accepted.result === 'queued') this.#wake()
    return accepted
  }

  /**
   * Stores a large body only if its event is not stored yet. Waits while this process is storing the same event.
   * Otherwise each retry of a sender that stopped waiting would write the whole body again, and delay the other large
   * bodies.
   */
  #acceptLarge(event: StoredEvent, arrival: Arrival | undefined, store: () => Promise<Accepted>): Promise<Accepted> {
    const before = this.#acceptingLarge.get(event.id) ?? Promise.resolve()
    const accepting = before.then(async () => (await this.#run('acceptStored', { event, arrival })) ?? store())
    const ended = accepting.catch(() => undefined)
    this.#acceptingLarge.set(event.id, ended)
    void ended.then(() => {
      if (this.#acceptingLarge.get(event.id) === ended) this.#acceptingLarge.delete(event.id)
    })
    return accepting
  }

  /** A large body is stored in parts, so that small events can be stored in between. */
  async #storing<T>(bytes: Buffer, store: (body: StoredBody) => Promise<T>): Promise<T> {
    const size = bytes.length
    if (size <= PART_BYTES) return store({ size, bytes })
    return this.#uploads.run(async () => {
      const upload = await this.#run('beginUpload', undefined)
      for (let part = 0; part * PART_BYTES < size; part++) {
        const piece = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)
        await this.#run('writePart', { event: upload, part, bytes: piece })
      }
      return store({ size, upload })
    })
  }

  catchUp(name: string): CatchUpInbox {
    return new SqlCatchUp(name, {
      run: (operation, argument) => this.#run(operation, argument),
      storing: (bytes, store) => this.#waking(this.#storing(bytes, store)),
    })
  }

  async recordsArrivals(name: string): Promise<boolean> {
    const { host } = this.#member ?? {}
    if (host?.name === name && host.catchUp) return true
    return this.#recording.of(name)
  }

  async isWanted(name: string, kind: EventKind, eventName: string | undefined): Promise<boolean> {
    const { host } = this.#member ?? {}
    if (host?.name === name && includes(host.wanted, kind, eventName)) return true
    if (includes(await this.#wanted.of(name), kind, eventName)) return true
    // An unwanted event is not stored, so a cached answer is not enough: a process with the callback may have joined
    // since.
    return includes(await this.#run('wantedBy', name), kind, eventName)
  }

  attach(host: InboxHost): () => void {
    if (this.#member)
      throw invalidOption(
        'inbox',
        'is already used by another webhook or worker: create an inbox for each of them, on the same file or database',
      )
    const member = new Member(host, this.#shared)
    this.#member = member
    this.#shared.alarms.attach(host)
    void member.keepLease()
    void new Housekeeping(this.#shared, member, this.#deliveries).run()
    return () => member.retire()
  }

  async take(options: { limit: number; maxBytes: number }): ReturnType<Inbox['take']> {
    this.#checkOpen()
    return this.#member ? this.#deliveries.take(this.#member, options) : { deliveries: [] }
  }

  settle(delivery: InboxDelivery, settlement: Settlement, arrival?: Arrival): Promise<boolean> {
    return this.#waking(this.#deliveries.settle(delivery, settlement, arrival))
  }

  list(options: ListOptions = {}): Promise<InboxPage> {
    return this.#run('list', options)
  }

  async show(id: string, { bodyBytes = Infinity }: ShowOptions = {}): ReturnType<Inbox['show']> {
    const found = await this.#run('show', id)
    if (!found) return undefined
    const { body, ...shown } = found
    const size = Math.min(shown.entry.bytes, bodyBytes)
    const bytes = body === undefined ? undefined : await this.#deliveries.bodyOf(body, size)
    return { ...shown, ...(bytes && { bytes }) }
  }

  async *bodyPieces(id: string): AsyncGenerator<Buffer> {
    const found = await this.#run('show', id)
    if (found?.body === undefined) throw unavailable(`The body of event ${id} is not kept.`)
    for (let part = 0; part * PART_BYTES < found.entry.bytes; part++) {
      const data = await this.#run('readPart', { event: found.body, part })
      if (!data) throw unavailable(`The body of event ${id} was removed in the meantime.`)
      yield Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    }
  }

  replay(id: string): Promise<boolean> {
    return this.#waking(this.#run('replay', id))
  }

  giveUp(id: string, reason: string): Promise<boolean> {
    return this.#waking(this.#run('giveUp', { id, reason }))
  }

  purge(id: string): Promise<boolean> {
    return this.#run('purge', id)
  }

  stats(): Promise<InboxStats> {
    return this.#run('stats', undefined)
  }

  check(): Promise<void> {
    return this.#run('check', undefined)
  }

  countByHour(since: Date): Promise<HourCount[]> {
    return this.#run('hours', since.getTime())
  }

  async close(): Promise<void> {
    this.#closing.abort()
    // Waits for running calls of `take`, whose queues are freed afterwards.
    await this.#deliveries.idle()
    await this.#member?.remove()
    await this.#shared.engine.close()
  }

  async #run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<OperationResult<Name>> {
    this.#checkOpen()
    return this.#shared.engine.run(name, argument)
  }

  /** Wakes the attached process after an operation that may have made an event due. */
  async #waking<T>(work: Promise<T>): Promise<T> {
    const result = await work
    this.#wake()
    return result
  }

  #wake(): void {
    this.#member?.host.wake()
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw unavailable('The inbox is closed.')
  }
}

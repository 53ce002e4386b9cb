/**
 * A simulated Tradecloud, a webhook and a catch-up on one clock, without sockets: everything happens in order, at its
 * time. The events that callbacks receive are recorded, and compared with the final state at Tradecloud.
 */
import { poll, type Polled, type PollPage } from '../../../lib/api/poll'
import { arrivalOf } from '../../../lib/inbox/catch-up/arrivals'
import { readEntity, type EntityKind, type LineForm } from '../../../lib/inbox/catch-up/parts'
import { Run } from '../../../lib/catch-up/run'
import type { CatchUpSource, RunOptions, RunRequest, RunResult } from '../../../lib/catch-up/run-options'
import type { CatchUpStorage, Lease, Scope } from '../../../lib/inbox/catch-up/storage'
import type { Want } from '../../../lib/catch-up/want'
import type { WebhookEvent } from '../../../lib/events/events'
import { identify, readEvent } from '../../../lib/receive/event/read-event'
import { EntityStore, resolvePollBehaviour, type PollBehaviour } from '../../../lib/testing/api/entities'
import { createClock } from '../../../lib/testing/clock'
import type { WorldEvent } from '../../../lib/testing'
import { World } from '../../../lib/testing/world/world'
import type { Json } from '../../../lib/events/entity'
import { Ledger } from './ledger'
import { MemoryStorage } from './memory-storage'

export const START = Date.UTC(2026, 10, 2, 10)
export const MINUTE = 60_000
export const EVERY = 5 * MINUTE
export const SETTLE = 10 * MINUTE

export interface RigOptions {
  poll?: PollBehaviour
  form?: LineForm
  fetch?: 'get' | 'always'
  want?: Want
  limit?: number
  /** Delay of the fetch for a GET trigger, in milliseconds. */
  queueMs?: number
  /** Deviation of the header `Date` from the clock, in milliseconds. */
  dateSkewMs?: number
  /** The first run reads changes from this many milliseconds before `START`. Default: 0. */
  sinceMs?: number
  /** Number of pages that a run can read before it is interrupted. */
  pagesPerRun?: number
  beforePage?: (rig: Rig, page: number) => unknown
  run?: Partial<RunOptions>
}

export class Rig {
  readonly clock = createClock(new Date(START))
  readonly storage = new MemoryStorage()
  readonly world: World
  readonly recovered: RunResult['recovered'] = []
  readonly errors: unknown[] = []
  /** For each listed entity without an ID: the ID of the entity before it. */
  readonly withoutId: Array<string | undefined> = []
  readonly ledger = new Ledger()
  runs = 0
  requests = 0
  nextRunAt = START + EVERY
  readonly #stores: Record<'order' | 'singleDelivery' | 'shipment', EntityStore>
  readonly #fetches: Array<{ at: number; event: WorldEvent }> = []
  readonly options: RigOptions

  get since(): number {
    return START - (this.options.sinceMs ?? 0)
  }

  constructor(options: RigOptions = {}) {
    this.options = options
    const behaviour = resolvePollBehaviour(options.poll ?? {})
    const store = (kind: EntityKind) => new EntityStore(kind, this.clock, behaviour)
    this.#stores = { order: store('order'), singleDelivery: store('order'), shipment: store('shipment') }
    const { order, singleDelivery, shipment } = this.#stores
    const sendAll = () => Promise.reject(new Error('nothing is sent here'))
    this.world = new World({
      clock: this.clock,
      orders: order,
      singleDeliveryOrders: singleDelivery,
      shipments: shipment,
      sendAll,
    })
    this.storage.onStored = ({ entity, parts, outdated }) => this.ledger.found(entity, parts, outdated)
  }

  /** Advances the clock. Runs and events that become due meanwhile happen at their time. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    for (;;) {
      const next = Math.min(this.nextRunAt, this.world.nextDueAt ?? Infinity, this.#fetches[0]?.at ?? Infinity)
      if (next > end) break
      this.clock.advance(Math.max(0, next - this.clock.now()))
      for (const event of this.world.due()) await this.receive(event)
      while ((this.#fetches[0]?.at ?? Infinity) <= this.clock.now()) await this.fetch(this.#fetches.shift()!.event)
      if (this.clock.now() < this.nextRunAt) continue
      this.nextRunAt += EVERY
      await this.runBoth()
    }
    this.clock.advance(Math.max(0, end - this.clock.now()))
  }

  async runBoth(): Promise<void> {
    for (const kind of ['order', 'shipment'] as const) {
      try {
        this.recovered.push(...(await this.run(kind)).recovered)
      } catch (error) {
        this.errors.push(error)
      }
    }
  }

  async run(kind: EntityKind, request: Partial<RunRequest> = {}): Promise<RunResult> {
    this.runs++
    const stop = new AbortController()
    const storage = this.catchUpStorage
    const { form } = this.#runOptions(kind)
    const lease = await this.leaseOf({ key: kind, kind, form })
    const position = (await storage.position(kind)) ?? {
      cursor: new Date(this.since).toISOString(),
      since: this.since,
    }
    const run = new Run(this.source(kind), storage, this.#runOptions(kind), lease, {
      position,
      signal: stop.signal,
      ...request,
    })
    return run.run()
  }

  source(kind: EntityKind): CatchUpSource {
    const { limit = 100, form = 'deliverySchedule', pagesPerRun = Infinity } = this.options
    const store = this.#stores[kind === 'order' && form === 'singleDelivery' ? 'singleDelivery' : kind]
    let pages = 0
    return {
      read: (after): AsyncGenerator<Polled> => {
        const ask = async (offset: number, most = limit): Promise<PollPage> => {
          if (++pages > pagesPerRun) throw new Error('cut off')
          await this.options.beforePage?.(this, pages)
          return this.answer(store, after, offset, Math.min(most, limit))
        }
        return poll({ after, limit, ask, fail: (text) => new Error(text) })
      },
      fetch: async (id) => (form === 'singleDelivery' && kind === 'order' ? undefined : this.one(kind, id)),
    }
  }

  answer(store: EntityStore, after: string, offset: number, limit: number): PollPage {
    this.requests++
    const { dateSkewMs = 0 } = this.options
    const { status, body } = store.poll({ filters: { lastUpdatedAfter: after }, offset, limit })
    if (status !== 200) throw refusedError(status)
    return {
      ...(JSON.parse(String(body)) as PollPage),
      limit,
      date: Math.floor((this.clock.shown() + dateSkewMs) / 1000) * 1000,
    }
  }

  /** All parts that changed after `since` and whose final state no callback has received. */
  missing(isExpected: (line: Json) => boolean = () => true): string[] {
    const { form = 'deliverySchedule' } = this.options
    const found: string[] = []
    for (const [kind, id, content] of this.#entities()) {
      const entity = readEntity(kind, form, content)!
      for (const { name, time = entity.time, hash, line } of entity.parts) {
        if (time <= this.since || (line ? !isExpected(line) : !isExpected(content))) continue
        const states = this.ledger.given.get(`${kind} ${id} ${name}`) ?? []
        if (!states.some((state) => (line ? state.hash === hash : state.time === time)))
          found.push(`${kind} ${id} ${name} ${time - START}`)
      }
    }
    return found
  }

  *#entities(): Generator<[EntityKind, string, Json]> {
    const { form = 'deliverySchedule' } = this.options
    const orders = this.#stores[form === 'singleDelivery' ? 'singleDelivery' : 'order']
    for (const [kind, store] of [
      ['order', orders],
      ['shipment', this.#stores.shipment],
    ] as const) {
      const { body } = store.poll({ limit: 100 })
      for (const content of JSON.parse(String(body)).data as Json[]) yield [kind, String(content.id), content]
    }
  }

  #runOptions(kind: EntityKind): RunOptions {
    const { form = 'deliverySchedule', want = 'all' } = this.options
    const notes = {
      begun: () => 0,
      skipped: () => 0,
      withoutId: (after: string | undefined) => void this.withoutId.push(after),
      notFetched: () => 0,

      found: () => 0,
    }
    return {
      ...{ kind, form: kind === 'order' ? form : 'deliverySchedule', want, settleMs: SETTLE, marginMs: 10 * MINUTE },
      ...{ overlapMs: 15 * MINUTE, sweep: { everyMs: 86_400_000, backMs: 172_800_000 } },
      ...{ maxWaiting: { events: 1_000, bytes: 2 ** 28 }, pause: async () => undefined, notes },
      ...this.options.run,
    }
  }

  /** Overridden by a rig whose storage is an inbox. */
  get catchUpStorage(): CatchUpStorage {
    return this.storage
  }

  async leaseOf(scope: Scope): Promise<Lease> {
    return { scope, token: 'token' }
  }

  fetchLater(event: WorldEvent): void {
    this.#fetches.push({ at: this.clock.now() + (this.options.queueMs ?? 0), event })
  }

  async receive(event: WorldEvent): Promise<void> {
    const { kind, id } = event.change
    if (event.method === 'GET') {
      this.storage.fetches.push(`${kind} ${id}`)
      this.fetchLater(event)
      return
    }
    const identified = identify(event.body)
    const read = identified.ok ? readEvent(identified, 'POST', undefined, []) : identified
    if (!read.ok) throw new Error('not an event')
    const fetched = this.options.fetch === 'always' && read.event.kind === 'order' ? this.one('order', id) : undefined
    const whole = fetched ? { completeness: 'all-lines', order: fetched } : {}
    this.#deliver({ ...read.event, ...whole } as WebhookEvent)
  }

  one(kind: EntityKind, id: string): Json | undefined {
    const { status, body } = this.#stores[kind].one(id)
    return status === 200 ? (JSON.parse(String(body)) as Json) : undefined
  }

  async fetch({ change: { kind, id } }: WorldEvent): Promise<void> {
    this.storage.fetches.splice(this.storage.fetches.indexOf(`${kind} ${id}`), 1)
    const content = this.one(kind, id)
    if (!content) return
    const base = { method: 'GET' as const, issues: [], completeness: 'all-lines' as const }
    const { lastUpdatedAt } = (kind === 'order' ? content : content.meta) as { lastUpdatedAt: string }
    if (kind === 'shipment') this.#deliver({ ...base, kind, shipmentId: id, shipment: content, lastUpdatedAt })
    else this.#deliver({ ...base, kind, orderId: id, order: content, lineForm: 'deliverySchedule', lastUpdatedAt })
  }

  #deliver(event: WebhookEvent): void {
    const arrival = arrivalOf(event)
    if (arrival) this.storage.arrive(arrival)
    this.ledger.delivered(event)
  }
}

function refusedError(status: number): Error {
  const { TradecloudApiError } = require('../../../lib/api/api-error') as typeof import('../../../lib/api/api-error')
  return new TradecloudApiError('fetch_failed', `was answered ${status}`, { attempts: 1, apiStatus: status })
}

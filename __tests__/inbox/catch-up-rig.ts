/**
 * A simulated Tradecloud, a webhook and a catch-up on one clock, with a real inbox. `Intake` stores received events,
 * the catch-up stores found events, and `InboxDeliverer` delivers both.
 */
import type { Exchange } from '../../lib/answer/exchange'
import type { TradecloudClient } from '../../lib/api'
import { Pieces } from '../../lib/bytes/pieces'
import { lineParts, type EntityKind } from '../../lib/inbox/catch-up/parts'
import type { CatchUpInbox, CatchUpStorage, Lease, Scope } from '../../lib/inbox/catch-up/storage'
import { createHandlers, type Handlers } from '../../lib/deliver/handlers'
import { Intake } from '../../lib/deliver/stored/intake'
import { InboxDeliverer } from '../../lib/deliver/stored/inbox-deliverer'
import { readStored } from '../../lib/deliver/stored/read-stored'
import { TradecloudWebhookError } from '../../lib/errors/errors'
import type { WebhookContext } from '../../lib/deliver/context'
import type { WebhookEvent } from '../../lib/events/events'
import { createValidator } from '../../lib/events/validate'
import type { Inbox } from '../../lib/inbox/inbox'
import { parseBytes } from '../../lib/receive/body/parse-body'
import { readTrigger } from '../../lib/receive/event/read-trigger'
import type { WorldEvent } from '../../lib/testing'
import { instantOf } from '../../lib/events/entity'
import { Rig, type RigOptions } from '../unit/catch-up/rig'

/** Holds back a fetch until `open` is called, as if its event waited behind other events. */
interface Gate {
  opened: Promise<void>
  open: () => void
}

const validator = createValidator('tolerant')

export class InboxRig extends Rig {
  readonly inbox: Inbox
  readonly catchUp: CatchUpInbox
  readonly alarms: string[] = []
  readonly #handlers: Handlers
  readonly #intake: Intake
  readonly #deliverer: InboxDeliverer
  /** Fetches that wait, by entity. */
  readonly #gates = new Map<string, Gate[]>()
  /** Entities of received events that are not settled yet, by request ID. */
  readonly #open = new Map<string, string>()
  /** Number of events that the catch-up has found and that are not delivered yet, by entity. */
  readonly #found = new Map<string, number>()
  #settled = (): void => undefined
  #token = ''
  #requests = 0

  constructor(inbox: Inbox, name: string, options: RigOptions = {}) {
    super(options)
    this.inbox = inbox
    this.catchUp = inbox.catchUp!(name)
    const note = (event: WebhookEvent, context: WebhookContext) => this.#note(event, context)
    this.#handlers = createHandlers({ onOrder: note, onOrderDocuments: note, onShipment: note })
    const { find } = this.#handlers
    this.#intake = new Intake({ inbox, name, handlers: this.#handlers, quarantine: true })
    const resolve = {
      ...{ client: { fetchEntity: this.#fetchEntity } as unknown as TradecloudClient, mode: options.fetch ?? 'get' },
      ...{ fetchTimeoutMs: 1e9, validator, strict: false, notKnown: () => undefined },
    }
    this.#deliverer = new InboxDeliverer({
      ...{
        inbox,
        name,
        handlers: this.#handlers,
        resolve,
        catchUp: true,
        transaction: false,
        api: undefined,
        telemetry: undefined,
      },
      ...{ retry: { forMs: 1e9, minDelayMs: 1, maxDelayMs: 10 }, notFoundGraceMs: 0, handlerTimeoutMs: 1e9 },
      ...{ concurrency: 100, maxBytesInFlight: 1e9 },
      settled: ({ requestId, result, kind, entityId, noted }) => {
        const isDone = result !== 'retry' && noted
        if (isDone && !this.#open.delete(requestId)) this.#countFound(`${kind} ${entityId}`, -1)
        this.#settled()
      },
      read: (stored) => readStored(stored, { find, validator, strict: false, readsUnhandled: true }),
      alarm: ({ message }) => void this.alarms.push(message),
    })
  }

  async close(): Promise<void> {
    this.#deliverer.stop()
    // After a failed test, some fetches may still be waiting.
    for (const gate of [...this.#gates.values()].flat()) gate.open()
    await this.#deliverer.idle()
    this.#deliverer.abort()
    await this.inbox.close()
  }

  override get catchUpStorage(): CatchUpStorage {
    const { catchUp } = this
    const store: CatchUpStorage['store'] = async (...given) => {
      const stored = await catchUp.store(...given)
      const { kind, id } = given[1].entity
      if (stored.parts.length > 0) this.#countFound(`${kind} ${id}`, 1)
      return stored
    }
    return new Proxy(catchUp, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        return name === 'store' ? store : typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  override async leaseOf(scope: Scope): Promise<Lease> {
    if (this.#token === '' || !(await this.catchUp.renew(this.#token)))
      this.#token = (await this.catchUp.acquire()) ?? ''
    return { scope, token: this.#token }
  }

  override async runBoth(): Promise<void> {
    await super.runBoth()
    await this.idle()
  }

  override async receive(event: WorldEvent): Promise<void> {
    const { kind, id } = event.change
    const requestId = `request-${++this.#requests}`
    const [method, receivedAt] = [event.method, new Date()]
    const exchange = { method, headers: { 'content-type': 'application/json' }, requestId, receivedAt }
    if (event.method === 'GET') {
      const handler = this.#handlers.find(kind, undefined)
      // With `fetch: 'always'` there are no gates: they would also hold back the fetches for other events of the order.
      if (this.options.fetch !== 'always') {
        this.#addGate(`${kind} ${id}`)
        this.fetchLater(event)
      }
      const trigger = { type: 'id', kind, id, method, requestId, receivedAt, handler } as const
      this.#open.set(requestId, `${kind} ${id}`)
      const { merged } = await this.#intake.take(exchange as unknown as Exchange, { facts: {}, trigger }, '/order')
      if (merged) this.#open.delete(requestId)
    } else {
      const bytes = Pieces.of(Buffer.from(JSON.stringify(event.body)))
      const parsed = await parseBytes(bytes, 'json')
      if (!parsed.ok) throw new Error('no JSON')
      const facts = { method, urlId: { found: false }, requestId, receivedAt, rawBody: bytes } as const
      const options = { find: this.#handlers.find, readsUnhandled: true, validator, strict: false }
      const read = await readTrigger(parsed, facts, options)
      const body = { bytes, reserialized: false, exact: true }
      this.#open.set(requestId, `${kind} ${id}`)
      const { outcome } = await this.#intake.take(exchange as unknown as Exchange, { ...read, body }, '/order')
      if (outcome === 'duplicate') this.#open.delete(requestId)
      else if (outcome !== 'queued') throw new Error(`an event was answered ${outcome}`)
    }
    await this.idle()
  }

  /** Lets the fetch of a GET trigger begin. */
  override async fetch({ change: { kind, id } }: WorldEvent): Promise<void> {
    const gates = this.#gates.get(`${kind} ${id}`) ?? []
    gates.shift()?.open()
    if (gates.length === 0) this.#gates.delete(`${kind} ${id}`)
    await this.idle()
  }

  /** Resolves once everything is delivered, except for events behind a fetch that is still held back. */
  async idle(): Promise<void> {
    while ([...this.#open.values(), ...this.#found.keys()].some((key) => !this.#gates.has(key)))
      await new Promise<void>((resolve) => (this.#settled = resolve))
  }

  #countFound(key: string, change: 1 | -1): void {
    const count = (this.#found.get(key) ?? 0) + change
    if (count === 0) this.#found.delete(key)
    else this.#found.set(key, count)
  }

  #addGate(key: string): void {
    let open = (): void => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    this.#gates.set(key, [...(this.#gates.get(key) ?? []), { opened, open }])
  }

  /** Replaces the `fetchEntity` of the API client. */
  readonly #fetchEntity = async (kind: EntityKind, id: string) => {
    await this.#gates.get(`${kind} ${id}`)?.[0]?.opened
    const entity = this.one(kind, id)
    if (!entity) throw new TradecloudWebhookError('not_found', 'unknown')
    return { entity, contentHash: JSON.stringify(entity), removedKeys: [] }
  }

  #note(event: WebhookEvent, { source, outdated }: WebhookContext): void {
    if (source === 'webhook') return this.ledger.delivered(event)
    const time = instantOf(event.lastUpdatedAt)
    if (event.kind === 'shipment') this.ledger.found({ kind: event.kind, id: event.shipmentId, time }, [], outdated)
    if (event.kind !== 'order' || event.completeness === 'id-only') return
    this.ledger.found({ kind: 'order', id: event.orderId, time }, lineParts(event.affectedLines ?? []), outdated)
  }
}

/**
 * The orders and shipments of the simulated Tradecloud. The API, its lists and the events all show the same changes, at
 * the times of the simulator's clock.
 */
import { orderDocumentsEventNames } from '../../events/event-names'
import type { EntityStore } from '../api/entities'
import { merge } from '../builders/merge'
import type { SimulatorClock } from '../clock'
import type { SimulatorReport } from '../sender/report'
import type { Trigger } from '../sender/trigger'
import { documentsBody, linesOf, orderBody, shipmentBody, singleDeliveryOf, type Entity, type Json } from './bodies'
import { resolveChange, type LineChange, type OrderChange, type ShipmentChange } from './changes'
import type { WorldChange, WorldEvent } from './changes'
import { planHistory, type HistoryOptions, type PlannedChange } from './history'

/**
 * Where events are sent: a trigger without its event and IDs. `{orderId}` and `{shipmentId}` in the URL are replaced
 * for GET triggers.
 */
export type WebhookTarget = Omit<Trigger, 'event' | 'method' | 'orderId' | 'shipmentId'>

export interface TradecloudWorld {
  /**
   * Changes an order. `order` is the ID of an order, or the content of a new order. An unknown ID creates an order
   * without content. The event is kept until `deliver` sends it, or `due` returns it. Throws a `TypeError` that names
   * the invalid option.
   *
   * ```ts
   * const { id, lines } = order({ seed: 7 })
   * tradecloud.world.change(order({ seed: 7 }), { eventName: 'OrderIssuedByBuyer', lines: lines.map(({ id }) => id) })
   * const rejected = { id: lines[0].id, status: { processStatus: 'Rejected' } }
   * tradecloud.world.change(id, { lines: [rejected], deliver: 'lose' })
   * await tradecloud.world.deliver({ url, auth })
   * ```
   */
  change(order: string | { id: string }, change?: OrderChange): WorldChange
  /** Like `change`, for a shipment. Its event always contains the whole shipment. */
  changeShipment(shipment: string | { id: string }, change?: ShipmentChange): WorldChange
  /**
   * Sends all events that are due on the simulator's clock: one request at a time, the earliest event first. Resolves
   * when each event has its final response. `target` may depend on the event.
   */
  deliver(target: WebhookTarget | ((event: WorldEvent) => WebhookTarget)): Promise<SimulatorReport>
  /**
   * Removes and returns the events that are due on the simulator's clock, earliest first, for a test that delivers them
   * itself.
   */
  due(): WorldEvent[]
  /** The time of `clock.now()` at which the next event is due; `undefined` if there is none. */
  readonly nextDueAt: number | undefined
  /** The current state of an order, including changes that are not yet visible in the API. */
  order(id: string): Entity | undefined
  shipment(id: string): Entity | undefined
  /**
   * Generates changes of many orders and shipments from a seed, one at a time. It does not change the world: pass each
   * change to `apply` once its `afterMs` milliseconds have passed.
   *
   * ```ts
   * for (const planned of tradecloud.world.history({ seed: 7, changes: 100 })) {
   *   tradecloud.clock.advance(planned.afterMs)
   *   tradecloud.world.apply(planned)
   *   await tradecloud.world.deliver({ url, auth })
   * }
   * ```
   */
  history(options?: HistoryOptions): Generator<PlannedChange, void, undefined>
  apply(planned: PlannedChange): WorldChange
}

export interface WorldParts {
  clock: SimulatorClock
  orders: EntityStore
  singleDeliveryOrders: EntityStore
  shipments: EntityStore
  sendAll: (triggers: Trigger[]) => Promise<SimulatorReport>
}

export class World implements TradecloudWorld {
  readonly #parts: WorldParts
  readonly #orders = new Map<string, Entity>()
  readonly #shipments = new Map<string, Entity>()
  #coming: WorldEvent[] = []
  #changes = 0

  constructor(parts: WorldParts) {
    this.#parts = parts
  }

  get nextDueAt(): number | undefined {
    return this.#coming[0]?.dueAt
  }

  order(id: string): Entity | undefined {
    return structuredClone(this.#orders.get(id))
  }

  shipment(id: string): Entity | undefined {
    return structuredClone(this.#shipments.get(id))
  }

  history(options: HistoryOptions = {}): Generator<PlannedChange, void, undefined> {
    return planHistory(options)
  }

  apply(planned: PlannedChange): WorldChange {
    return planned.kind === 'order'
      ? this.change(planned.id, planned.change)
      : this.changeShipment(planned.id, planned.change)
  }

  change(given: string | { id: string }, options: OrderChange = {}): WorldChange {
    const change = resolveChange(options, 'order')
    const { eventName = 'OrderLinesUpdatedBySupplier', lines = [], form = 'deliverySchedule', timed = true } = change
    const order = this.#entity(this.#orders, given)
    const message = this.#message(eventName, change.agoMs)
    const isDocuments = (orderDocumentsEventNames as readonly string[]).includes(eventName)
    const wanted = lines.map((line): LineChange => (typeof line === 'string' ? { id: line } : line))
    const header = isDocuments && wanted.length === 0 ? attach({}, order.supplierOrder, 'supplierOrder', message) : {}
    if (wanted.length === 0 && !isDocuments) merge(header, { buyerOrder: { description: `change ${message.number}` } })
    merge(order, change.header ?? header)
    order.lines = changeLines(linesOf(order), wanted, { ...message, timed, isDocuments })
    order.version = Number(order.version ?? 0) + 1
    order.lastUpdatedAt = message.lastUpdatedAt
    const single = singleDeliveryOf(order)
    const visibleAt = this.#parts.clock.now() - change.agoMs + change.visibleAfterMs
    this.#parts.orders.set(order.id, order, visibleAt)
    this.#parts.singleDeliveryOrders.set(order.id, single, visibleAt)
    const lineIds = wanted.map(({ id }) => id)
    const body = isDocuments
      ? () => documentsBody(order, lineIds, message)
      : form === 'deliverySchedule'
        ? () => orderBody(order, lineIds, 'orderEvent', message)
        : () => orderBody(single as Entity, lineIds, 'singleDeliveryOrderEvent', message)
    const { lastUpdatedAt } = message
    return this.#send(
      { kind: 'order', id: order.id, lastUpdatedAt, eventName, lineIds, deliver: change.deliver },
      change,
      body,
    )
  }

  changeShipment(given: string | { id: string }, options: ShipmentChange = {}): WorldChange {
    const change = resolveChange(options, 'shipment')
    const { eventName = 'ShipmentReissuedBySupplier' } = change
    const shipment = this.#entity(this.#shipments, given)
    const message = this.#message(eventName, change.agoMs)
    const { lastUpdatedAt } = message
    merge(shipment, change.header ?? { identifiers: { trackingNumber: `change ${message.number}` } })
    shipment.meta = { ...(shipment.meta as Json | undefined), lastUpdatedAt }
    const visibleAt = this.#parts.clock.now() - change.agoMs + change.visibleAfterMs
    this.#parts.shipments.set(shipment.id, shipment, visibleAt)
    const made = { kind: 'shipment', id: shipment.id, lastUpdatedAt, eventName, lineIds: [], deliver: change.deliver }
    return this.#send(made as WorldChange, change, () => shipmentBody(shipment, message))
  }

  due(): WorldEvent[] {
    const now = this.#parts.clock.now()
    const due = this.#coming.filter(({ dueAt }) => dueAt <= now)
    this.#coming = this.#coming.filter(({ dueAt }) => dueAt > now)
    return due
  }

  async deliver(target: WebhookTarget | ((event: WorldEvent) => WebhookTarget)): Promise<SimulatorReport> {
    const triggers = this.due().map((event): Trigger => {
      const { method, body } = event
      const more = typeof target === 'function' ? target(event) : target
      if (body !== undefined) return { ...more, method, event: body }
      return { ...more, method, [event.change.kind === 'order' ? 'orderId' : 'shipmentId']: event.change.id }
    })
    return this.#parts.sendAll(triggers)
  }

  #entity(entities: Map<string, Entity>, given: string | { id: string }): Entity {
    const id = typeof given === 'string' ? given : given.id
    if (typeof (id as unknown) !== 'string' || id === '') throw new TypeError('an order or shipment needs an id')
    const entity = entities.get(id) ?? (typeof given === 'string' ? { id } : structuredClone(given))
    entities.set(id, entity)
    return entity
  }

  #message(eventName: string, agoMs: number) {
    const shown = this.#parts.clock.shown() - agoMs
    return { eventName, lastUpdatedAt: new Date(shown).toISOString(), number: ++this.#changes }
  }

  #send(change: WorldChange, how: ReturnType<typeof resolveChange>, bodyOf: () => object): WorldChange {
    const { deliver, delayMs, method } = how
    if (deliver === 'lose' || deliver === 'none') return change
    const now = this.#parts.clock.now()
    const body = method === 'POST' ? structuredClone(bodyOf()) : undefined
    const send = (dueAt: number) => {
      const at = this.#coming.findLastIndex((event) => event.dueAt <= dueAt)
      this.#coming.splice(at + 1, 0, { change, dueAt, method, body })
    }
    if (deliver !== 'delay') send(now)
    if (deliver !== 'send') send(now + delayMs)
    return change
  }
}

interface LineMessage {
  lastUpdatedAt: string
  number: number
  timed: boolean
  isDocuments: boolean
}

function changeLines(lines: readonly Json[], wanted: readonly LineChange[], message: LineMessage): Json[] {
  const changed = [...lines]
  for (const { id, ...fields } of wanted) {
    const at = changed.findIndex((line) => line.id === id)
    const line = changed[at] ?? { id }
    if (message.isDocuments) attach(line, line.supplierLine, 'supplierLine', message)
    else
      merge(line, Object.keys(fields).length > 0 ? fields : { buyerLine: { description: `change ${message.number}` } })
    if (message.timed) line.lastUpdatedAt = message.lastUpdatedAt
    else delete line.lastUpdatedAt
    changed.splice(at < 0 ? changed.length : at, 1, line)
  }
  return changed
}

/** Attaches a document to the supplier's part of an order or line. */
function attach(target: Json, part: unknown, name: string, { number }: { number: number }): Json {
  const { documents } = (part ?? {}) as { documents?: unknown }
  const document = { code: `DOC-${number}`, name: `change ${number}`, type: 'General', objectId: `object-${number}` }
  return merge(target, {
    [name]: { documents: [...(Array.isArray(documents) ? (documents as unknown[]) : []), document] },
  })
}

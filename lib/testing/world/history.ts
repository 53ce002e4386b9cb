/**
 * Histories for property tests: a seed determines the changes of many orders and shipments, and what happens to their
 * events.
 */
import { requireKnown, requireOneOf, requireWhole } from '../checks'
import { createRandom } from '../random'
import type { LineChange, OrderChange, ShipmentChange } from './changes'
import { answerTo, ownRequest } from './own-requests'

/** Options of a history. Shares are from 0 to 1. */
export interface HistoryOptions {
  /** Determines the history: a whole number. Default: 1. */
  seed?: number | undefined
  /** Number of changes. Default: 50. */
  changes?: number | undefined
  /** Number of orders. Default: 6. */
  orders?: number | undefined
  /** Highest number of lines of an order. Default: 4. */
  lines?: number | undefined
  /** Number of shipments. Default: 2. */
  shipments?: number | undefined
  /** Number of orders that exist before the history begins, each older than an hour and without events. Default: 2. */
  existing?: number | undefined
  /** Longest time between two changes, in milliseconds. Default: 120000. */
  pauseMs?: number | undefined
  /** Share of changes that are made in the same millisecond as the previous change. Default: 0.15. */
  sameMoment?: number | undefined
  /**
   * Share of order changes that are made to the first order. The remaining ones are distributed over all orders.
   * Default: 0.3.
   */
  busy?: number | undefined
  /** Share of events that are lost. Default: 0.3. */
  lost?: number | undefined
  /** Share of events that are sent late, so that newer ones may arrive first. Default: 0.2. */
  delayed?: number | undefined
  /** Share of events that are sent twice. Default: 0.1. */
  twice?: number | undefined
  /** Longest delay of a late event, in milliseconds. Default: 3600000. */
  delayMs?: number | undefined
  /** Share of changes that become visible in the API later. Default: 0.2. */
  hidden?: number | undefined
  /** Longest time until a `hidden` change becomes visible, in milliseconds. Default: 300000. */
  hiddenMs?: number | undefined
  /** Share of triggers that are GETs. Default: 0.1. */
  gets?: number | undefined
  /** Share of order changes that attach a document. Default: 0.05. */
  documents?: number | undefined
  /** Share of order changes that change only the header. Default: 0.15. */
  headers?: number | undefined
  /** Share of order changes whose lines have no `lastUpdatedAt`. Default: 0.05. */
  untimed?: number | undefined
  /**
   * Share of order changes that your own company makes: its requests, and lines that it issues. No event is sent for
   * these changes. The other company answers them later. Default: 0.
   */
  own?: number | undefined
  /** Role of your own company. Default: 'buyer'. */
  party?: 'buyer' | 'supplier' | undefined
  /** Form of order events. Default: 'deliverySchedule'. */
  form?: 'deliverySchedule' | 'singleDelivery' | undefined
}

export type PlannedChange = {
  /** Milliseconds since the previous change. */
  afterMs: number
  id: string
} & ({ kind: 'order'; change: OrderChange } | { kind: 'shipment'; change: ShipmentChange })

const DEFAULTS = {
  ...{ seed: 1, changes: 50, orders: 6, lines: 4, shipments: 2, existing: 2, pauseMs: 120_000, sameMoment: 0.15 },
  ...{ busy: 0.3, lost: 0.3, delayed: 0.2, twice: 0.1, delayMs: 3_600_000, hidden: 0.2, hiddenMs: 300_000, gets: 0.1 },
  ...({ documents: 0.05, headers: 0.15, untimed: 0.05, own: 0, party: 'buyer', form: 'deliverySchedule' } as const),
}

type Resolved = { [Name in keyof HistoryOptions]-?: NonNullable<HistoryOptions[Name]> }

const SHARES = [
  ...(['sameMoment', 'busy', 'lost', 'delayed', 'twice', 'hidden', 'gets', 'documents', 'headers', 'untimed'] as const),
  'own' as const,
]

function resolveHistory(options: HistoryOptions): Resolved {
  requireKnown('history', options, Object.keys(DEFAULTS))
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const resolved = { ...DEFAULTS, ...given } as Resolved
  requireWhole('seed', resolved.seed, Number.MIN_SAFE_INTEGER)
  for (const name of ['changes', 'shipments', 'existing', 'pauseMs', 'delayMs', 'hiddenMs'] as const)
    requireWhole(name, resolved[name], 0)
  for (const name of ['orders', 'lines'] as const) requireWhole(name, resolved[name], 1)
  for (const name of SHARES)
    if (!(resolved[name] >= 0 && resolved[name] <= 1))
      throw new TypeError(`${name} must be from 0 to 1, not ${resolved[name]}`)
  requireOneOf('party', resolved.party, ['buyer', 'supplier'])
  requireOneOf('form', resolved.form, ['deliverySchedule', 'singleDelivery'])
  return resolved
}

export function* planHistory(options: HistoryOptions): Generator<PlannedChange, void, undefined> {
  const resolved = resolveHistory(options)
  const planner = new Planner(resolved)
  for (let i = 0; i < resolved.existing; i++) yield planner.existing(i)
  for (let i = 0; i < resolved.changes; i++) yield planner.next()
}

class Planner {
  readonly #options: Resolved
  readonly #random: () => number
  /**
   * IDs of the orders, lines and shipments that have already changed in this millisecond: the API cannot distinguish
   * two changes of the same line in one millisecond.
   */
  readonly #changed = new Set<string>()
  /** The changes of your own company that have no answer yet, by line ID. */
  readonly #open = new Map<string, string>()
  readonly #old = new Set<string>()

  constructor(options: Resolved) {
    this.#options = options
    this.#random = createRandom(options.seed)
  }

  existing(index: number): PlannedChange {
    const id = orderId(index % this.#options.orders)
    const lines = Array.from({ length: this.#options.lines }, (_, line) => ({ id: lineId(id, line) }))
    const agoMs = 3_600_000 + this.#below(86_400_000)
    // The order already exists, so this is an ordinary change.
    if (this.#old.has(id)) return this.next()
    this.#old.add(id)
    return { afterMs: 0, kind: 'order', id, change: { lines: lines.map((line) => line.id), deliver: 'none', agoMs } }
  }

  next(): PlannedChange {
    const { sameMoment, pauseMs, shipments, orders } = this.#options
    const afterMs = this.#chance(sameMoment) ? 0 : 1 + this.#below(Math.max(1, pauseMs))
    if (afterMs > 0) this.#changed.clear()
    const isShipment = shipments > 0 && this.#chance(shipments / (shipments + orders))
    const planned = isShipment ? this.#shipment() : this.#order()
    // `undefined`: the chosen order, lines or shipment have already changed in this millisecond, so time must pass
    // first.
    if (planned !== undefined) return { afterMs, ...planned }
    this.#changed.clear()
    return { ...this.next(), afterMs: 1 + this.#below(Math.max(1, pauseMs)) }
  }

  #shipment(): Omit<Extract<PlannedChange, { kind: 'shipment' }>, 'afterMs'> | undefined {
    const id = `shipment-${this.#below(this.#options.shipments)}`
    if (!this.#take(id)) return undefined
    return { kind: 'shipment', id, change: this.#fate() }
  }

  #order(): Omit<Extract<PlannedChange, { kind: 'order' }>, 'afterMs'> | undefined {
    const { busy, orders, documents, headers, untimed, own, form } = this.#options
    const id = orderId(this.#chance(busy) ? 0 : this.#below(orders))
    const isAlone = this.#chance(headers)
    if (isAlone) {
      // The API cannot distinguish a change of the header from a change of a line in the same millisecond.
      if ([...this.#changed].some((key) => key.startsWith(id)) || !this.#take(id)) return undefined
    } else if (this.#changed.has(id)) return undefined
    const lineIds = isAlone ? [] : this.#lineIds(id)
    if (!isAlone && lineIds.length === 0) return undefined
    const [first] = lineIds
    if (first !== undefined && this.#chance(own)) return { kind: 'order', id, change: this.#own(first) }
    const timed = !this.#chance(untimed)
    const eventName = this.#chance(documents) ? 'OrderDocumentsAttachedBySupplier' : undefined
    const lines = lineIds.map((lineId): string | LineChange => {
      const request = this.#open.get(lineId)
      this.#open.delete(lineId)
      return request === undefined || eventName !== undefined ? lineId : answerTo(request, lineId)
    })
    return { kind: 'order', id, change: { ...this.#fate(), lines, timed, form, eventName } }
  }

  #own(lineId: string): OrderChange {
    const { request, line, eventName } = ownRequest(this.#options.party, this.#random())
    this.#open.set(lineId, request)
    return { lines: [{ id: lineId, ...line }], eventName, deliver: 'none', form: this.#options.form }
  }

  #lineIds(id: string): string[] {
    const { lines } = this.#options
    const count = 1 + this.#below(Math.min(2, lines))
    const wanted = Array.from({ length: count }, () => lineId(id, this.#below(lines)))
    return [...new Set(wanted)].filter((line) => this.#take(line))
  }

  #fate() {
    const { lost, delayed, twice, delayMs, hidden, hiddenMs, gets } = this.#options
    const luck = this.#random()
    const deliver =
      luck < lost ? 'lose' : luck < lost + delayed ? 'delay' : luck < lost + delayed + twice ? 'twice' : 'send'
    return {
      deliver,
      delayMs: this.#below(delayMs + 1),
      visibleAfterMs: this.#chance(hidden) ? this.#below(hiddenMs + 1) : 0,
      method: this.#chance(gets) ? 'GET' : 'POST',
    } as const
  }

  #take(key: string): boolean {
    if (this.#changed.has(key)) return false
    this.#changed.add(key)
    return true
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

const orderId = (index: number): string => `order-${index}`
const lineId = (order: string, index: number): string => `${order}-${String((index + 1) * 10).padStart(4, '0')}`

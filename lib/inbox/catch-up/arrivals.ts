/**
 * Defines what counts as arrived: which changes an event covers, and which parts of an order or shipment no event
 * covers.
 */
import type { OrderEvent, WebhookEvent } from '../../events/events'
import { instantOf } from '../../events/entity'
import { HEADER, lineParts, readEntity, type EntitySnapshot, type EntityName, type Part } from './parts'

/** A record that a part arrived: one row in the database. */
export interface Mark {
  name: string
  /**
   * When the part last changed, in milliseconds since 1970. For a part without a time, the time of its order or
   * shipment. If neither can be used, 0 or the horizon of the run that found the part.
   */
  time: number
  hash: string
}

export interface Arrival extends EntityName {
  marks: Mark[]
  /**
   * When documents were attached. A documents event covers no part, but explains why a poll returns the order with this
   * time.
   */
  documentsAt?: number | undefined
}

/** The records of one order or shipment. */
export interface Arrivals {
  marks: readonly Mark[]
  documentsAt: readonly number[]
  /** True if a GET trigger is waiting to be delivered: its fetch will return all changes made before the fetch. */
  isFetchWaiting: boolean
  /**
   * True if a GET trigger is being delivered. Its fetch may already be over, and then does not contain later changes.
   */
  isFetching: boolean
}

/**
 * The changes that an event covers. An event that names affected lines covers only these lines and the header, even if
 * the whole order was fetched. `undefined` for an event of an unknown kind, and for a GET trigger whose entity was not
 * fetched.
 */
export function arrivalOf(event: WebhookEvent): Arrival | undefined {
  if (event.kind === 'unknown' || event.completeness === 'id-only') return undefined
  const time = instantOf(event.lastUpdatedAt)
  if (event.kind === 'shipment') {
    const whole = readEntity('shipment', 'deliverySchedule', event.shipment as EntitySnapshot['content'])
    return {
      kind: 'shipment',
      id: event.shipmentId,
      form: 'deliverySchedule',
      marks: whole ? marksOf(whole.parts, time) : [],
    }
  }
  const name = { kind: 'order', id: event.orderId } as const
  if (event.kind === 'orderDocuments')
    return { ...name, form: 'deliverySchedule', marks: [], documentsAt: Number.isNaN(time) ? undefined : time }
  return { ...name, form: event.lineForm, marks: marksOfOrder(event, time) }
}

/**
 * The parts that an order event covers. Without `affectedLines`, as for a GET trigger, it covers all lines, each up to
 * its own time.
 */
function marksOfOrder(event: OrderEvent, time: number): Mark[] {
  const header: Part[] = Number.isNaN(time) ? [] : [{ name: HEADER, time, hash: String(time), comparedBy: 'time' }]
  const lines = event.affectedLines ?? event.order?.lines
  return marksOf([...header, ...lineParts(Array.isArray(lines) ? lines : [])], time)
}

/** Converts parts to marks. `time` is the time of the order or shipment, used for parts without a time. */
export function marksOf(parts: readonly Part[], time: number): Mark[] {
  return parts.map((part) => ({
    name: part.name,
    time: part.time ?? (Number.isNaN(time) ? 0 : time),
    hash: part.hash,
  }))
}

export interface CompareOptions {
  /**
   * Changes up to this time count as covered: they are older than the option `from`, or earlier runs have checked them.
   */
  floor: number
  /** The time on the API's clock. */
  clock: number
  /**
   * Set with `fetch: 'never'`: a GET trigger then covers no change, because its entity is never fetched. Default:
   * false.
   */
  neverFetches?: boolean | undefined
}

/** The API's clock is read from the header `Date`, which has no milliseconds. */
export const endOfSecond = (clock: number): number => clock + 999

export interface Comparison {
  missing: Part[]
  /** Parts that no arrival record covers, but that a running delivery may cover; a later comparison decides. */
  pending: Part[]
  /**
   * The time of the newest arrival record that is newer than its part. If there is such a record, either the list shows
   * an old state, or the API's clock was set back. Parts compared by content are left out.
   */
  newer?: number | undefined
}

export function compare(
  entity: EntitySnapshot,
  arrivals: Arrivals,
  { floor, clock, neverFetches }: CompareOptions,
): Comparison {
  const marks = new Map<string, Mark[]>()
  for (const mark of arrivals.marks) marks.set(mark.name, [...(marks.get(mark.name) ?? []), mark])
  const missing: Part[] = []
  const pending: Part[] = []
  let newer = -Infinity
  for (const part of entity.parts) {
    const known = marks.get(part.name) ?? []
    const time = part.time ?? entity.time
    const newest = Math.max(...known.map((mark) => mark.time))
    if (part.comparedBy !== 'content' && newest > time) newer = Math.max(newer, newest)
    const isFetched = !neverFetches && !(time > clock)
    if (time <= floor || (isFetched && arrivals.isFetchWaiting) || hasArrived(part, known, newest, time)) continue
    if (isFetched && arrivals.isFetching) pending.push(part)
    else missing.push(part)
  }
  return { missing, pending, newer: newer === -Infinity ? undefined : newer }
}

/**
 * `newest` is the time of the newest mark. `time` is the time of the part or, if the part has none, of its order or
 * shipment.
 */
function hasArrived({ comparedBy, hash }: Part, marks: readonly Mark[], newest: number, time: number): boolean {
  if (comparedBy === 'time' && newest >= time) return true
  if (comparedBy !== 'newest') return marks.some((mark) => mark.hash === hash)
  // A part may change back to earlier content, so only the newest record counts.
  return newest > time || marks.some((mark) => mark.time === newest && mark.hash === hash)
}

/**
 * The orders or shipments that the simulated API holds: one by its ID, or polled for by what has changed.
 */
import type { SimulatorClock } from '../clock'
import { refusal, type ApiAnswer } from './answer'
import { instantOf, matches, readPoll, valueAt, type PollKind } from './polling'

interface Entity {
  /** Served byte for byte as it was set. */
  text: string
  value: unknown
  /** As it stands in the entity; the time of setting where none stands there. */
  lastUpdatedAt: string
}

/**
 * Which time a poll tells as its `lastUpdatedAt`: that of the newest entity in this answer, or of all that matched. Not
 * documented, so a client should get along with both.
 */
export type PollCursor = 'page' | 'total'

export class EntityStore {
  private readonly entities = new Map<string, Entity>()

  constructor(
    private readonly kind: PollKind,
    private readonly clock: SimulatorClock,
    private readonly cursor: PollCursor,
  ) {}

  set(id: string, entity: object): void {
    const text = JSON.stringify(entity)
    const value: unknown = JSON.parse(text)
    const told = valueAt(value, this.kind === 'shipment' ? 'meta.lastUpdatedAt' : 'lastUpdatedAt')
    const lastUpdatedAt = instantOf(told) === undefined ? this.clock.timestamp() : String(told)
    this.entities.set(id, { text, value, lastUpdatedAt })
  }

  delete(id: string): void {
    this.entities.delete(id)
  }

  one(id = ''): ApiAnswer {
    const found = this.entities.get(id)
    return found === undefined ? refusal(404, 'unknown ID') : { status: 200, body: found.text }
  }

  /** Oldest change first, equally old ones in the order in which they were first set. */
  poll(body: unknown): ApiAnswer {
    const query = readPoll(body, this.kind)
    if (typeof query === 'string') return refusal(400, query)
    const { offset, limit, ...filters } = query
    const all = [...this.entities.values()]
      .map((entity) => ({ ...entity, instant: instantOf(entity.lastUpdatedAt) ?? 0 }))
      .filter(({ instant, value }) => instant > filters.after && matches(value, filters))
      .sort((one, other) => one.instant - other.instant)
    const page = all.slice(offset, offset + limit)
    // Nothing found, no time to tell: what an empty answer of Tradecloud holds here is not documented.
    const newest = page.length === 0 ? undefined : (this.cursor === 'page' ? page : all).at(-1)?.lastUpdatedAt
    const rest = JSON.stringify({ total: all.length, lastUpdatedAt: newest })
    return { status: 200, body: `{"data":[${page.map(({ text }) => text).join(',')}],${rest.slice(1)}` }
  }
}

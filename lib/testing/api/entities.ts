/**
 * The orders or shipments of the simulated API, requested by ID or polled by time of change. Each entity also keeps its
 * future states, which are not visible yet, and the old states that a lagging list may still show.
 */
import { requireOneOf, requireWhole, requireKnown } from '../checks'
import type { SimulatorClock } from '../clock'
import { refusal, type SimulatedAnswer } from './answer'
import { instantOf, matches, readPoll, valueAt, type PollKind } from './polling'

/**
 * Which entity's time a poll returns as its `lastUpdatedAt`. `page`: the newest entity in the response. `total`: the
 * newest entity that matched. Tradecloud does not document which time it returns, so a client should work with both.
 */
export type CursorEnd = 'page' | 'total'

/** How the API answers polls. Tradecloud documents none of this, so a client should work with every setting. */
export interface PollBehaviour {
  /** Order of the list: oldest change first, newest change first, or by ID. Default: 'asc'. */
  sort?: 'asc' | 'desc' | 'id' | undefined
  /** Which time a poll returns as `lastUpdatedAt`, see `CursorEnd`. Default: 'page'. */
  cursor?: CursorEnd | undefined
  /**
   * How far the list lags behind, in milliseconds. `GET` always shows the current state. A function is called for each
   * entity in each poll. Default: 0.
   */
  listLagMs?: number | (() => number) | undefined
  /** Largest offset that is accepted; larger ones are answered with 400. Default: no limit. */
  maxOffset?: number | undefined
}

export function resolvePollBehaviour(options: PollBehaviour): Required<PollBehaviour> {
  requireKnown('poll', options, ['sort', 'cursor', 'listLagMs', 'maxOffset'])
  const { sort = 'asc', cursor = 'page', listLagMs = 0, maxOffset = Number.MAX_SAFE_INTEGER } = options
  requireOneOf('poll.sort', sort, ['asc', 'desc', 'id'])
  requireOneOf('poll.cursor', cursor, ['page', 'total'])
  if (typeof listLagMs !== 'function') requireWhole('poll.listLagMs', listLagMs, 0)
  requireWhole('poll.maxOffset', maxOffset, 0)
  return { sort, cursor, listLagMs, maxOffset }
}

interface State {
  /** The JSON of the entity, served byte for byte as it was set. */
  text: string
  value: unknown
  /** `lastUpdatedAt` of the entity. If the entity has no such field: the time at which the entity was set. */
  lastUpdatedAt: string
  instant: number
  /** The state becomes visible when `clock.now()` reaches this time. */
  visibleAt: number
}

/** How long a replaced state is kept for lists that lag behind. Lists are not expected to lag behind by more. */
const KEPT_MS = 3_600_000

export class EntityStore {
  /** States of each entity, oldest first. */
  private readonly entities = new Map<string, State[]>()

  constructor(
    private readonly kind: PollKind,
    private readonly clock: SimulatorClock,
    private readonly behaviour: Required<PollBehaviour>,
  ) {}

  /**
   * Sets a state, which becomes visible when `clock.now()` reaches `visibleAt`. Default: it is visible now, even in a
   * list that lags behind.
   */
  set(id: string, entity: object, visibleAt = -Infinity): void {
    const text = JSON.stringify(entity)
    const value: unknown = JSON.parse(text)
    const told = valueAt(value, this.kind === 'shipment' ? 'meta.lastUpdatedAt' : 'lastUpdatedAt')
    const lastUpdatedAt = instantOf(told) === undefined ? this.clock.timestamp() : String(told)
    const state = { text, value, lastUpdatedAt, instant: instantOf(lastUpdatedAt) ?? 0, visibleAt }
    const states = this.entities.get(id) ?? []
    const first = states.findLastIndex((earlier) => earlier.visibleAt <= this.clock.now() - KEPT_MS)
    const kept = visibleAt === -Infinity ? [] : states.slice(Math.max(0, first))
    this.entities.set(id, [...kept, state])
  }

  delete(id: string): void {
    this.entities.delete(id)
  }

  one(id = ''): SimulatedAnswer {
    const found = this.shown(this.entities.get(id) ?? [], this.clock.now())
    return found === undefined ? refusal(404, 'unknown ID') : { status: 200, body: found.text }
  }

  /** Entities with the same time keep the order in which they were first set. */
  poll(body: unknown): SimulatedAnswer {
    const query = readPoll(body, this.kind)
    if (typeof query === 'string') return refusal(400, query)
    const { offset, limit, ...filters } = query
    const { cursor, maxOffset } = this.behaviour
    if (offset > maxOffset) return refusal(400, `offset must be at most ${maxOffset}`)
    const all = this.listed().filter(({ instant, value }) => instant > filters.after && matches(value, filters))
    const page = all.slice(offset, offset + limit)
    // An empty result has no `lastUpdatedAt`, because what Tradecloud returns for it is not documented.
    const newest = page.length === 0 ? undefined : newestOf(cursor === 'page' ? page : all)
    const rest = JSON.stringify({ total: all.length, lastUpdatedAt: newest })
    return { status: 200, body: `{"data":[${page.map(({ text }) => text).join(',')}],${rest.slice(1)}` }
  }

  private listed(): State[] {
    const { sort, listLagMs } = this.behaviour
    const now = this.clock.now()
    const found = [...this.entities].flatMap(([id, states]) => {
      const state = this.shown(states, now - (typeof listLagMs === 'function' ? listLagMs() : listLagMs))
      return state === undefined ? [] : [{ id, state }]
    })
    if (sort === 'id') found.sort((one, other) => (one.id < other.id ? -1 : 1))
    const sign = sort === 'desc' ? -1 : 1
    if (sort !== 'id') found.sort((one, other) => sign * (one.state.instant - other.state.instant))
    return found.map(({ state }) => state)
  }

  /**
   * The newest state that is visible at this time. Older states are ignored even if they become visible later, because
   * each state contains all earlier changes.
   */
  private shown(states: readonly State[], at: number): State | undefined {
    return states.findLast(({ visibleAt }) => visibleAt <= at)
  }
}

function newestOf(states: State[]): string | undefined {
  return states.reduce<State | undefined>((newest, state) => {
    return newest === undefined || state.instant >= newest.instant ? state : newest
  }, undefined)?.lastUpdatedAt
}

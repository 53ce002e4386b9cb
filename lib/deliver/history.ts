/**
 * Remembers entities and events in this process, in addition to dedupe: the newest delivered state, failed calls, and
 * IDs that the API did not know yet. The number of entries is limited. Once a state is forgotten, `outdated` is false.
 * Once failed calls are forgotten, `attempt` is 1 again. Once an ID is forgotten, its grace period begins again.
 */
import { BoundedMap } from '../bytes/bounded-map'
import { instantOf, type EntityState } from '../events/entity'

const MAX_REMEMBERED = 100_000
/**
 * After a pause of this length, the next GET trigger for an ID counts as the first. If the grace period is longer than
 * this, the pause must be as long as the grace period.
 */
const QUIET_MS = 24 * 60 * 60 * 1000

export class History {
  readonly #newest = new BoundedMap<EntityState>(MAX_REMEMBERED)
  readonly #failedCalls = new BoundedMap<number>(MAX_REMEMBERED)
  readonly #notFound = new BoundedMap<{ first: number; last: number }>(MAX_REMEMBERED)

  isOutdated(entity: string, state: EntityState): boolean {
    const newest = this.#newest.get(entity)
    return newest !== undefined && compareStates(state, newest) < 0
  }

  delivered(entity: string, state: EntityState): void {
    const newest = this.#newest.get(entity) ?? {}
    if (newest.version === state.version && newest.lastUpdatedAt === state.lastUpdatedAt) return
    const isLater =
      Number.isNaN(instantOf(newest.lastUpdatedAt)) || instantOf(state.lastUpdatedAt) > instantOf(newest.lastUpdatedAt)
    this.#newest.set(entity, {
      version:
        newest.version !== undefined && newest.version > (state.version ?? -Infinity) ? newest.version : state.version,
      lastUpdatedAt: isLater ? state.lastUpdatedAt : newest.lastUpdatedAt,
    })
  }

  /** The number of the call that is about to start; 1 for the first call. */
  attempt(event: string): number {
    return (this.#failedCalls.get(event) ?? 0) + 1
  }

  called(event: string, succeeded: boolean): void {
    if (succeeded) this.#failedCalls.delete(event)
    else this.#failedCalls.set(event, this.attempt(event))
  }

  /**
   * Records that the API does not know an ID. Returns true until `graceMs` have passed since the first trigger with
   * that ID.
   */
  mayStillAppear(entity: string, triggeredAt: number, graceMs: number): boolean {
    const known = this.#notFound.get(entity)
    const first = known && triggeredAt - known.last < Math.max(QUIET_MS, graceMs) ? known.first : triggeredAt
    if (triggeredAt - first < graceMs) {
      this.#notFound.set(entity, { first, last: triggeredAt })
      return true
    }
    this.#notFound.delete(entity)
    return false
  }

  appeared(entity: string): void {
    this.#notFound.delete(entity)
  }
}

/** Compares versions if both exist and differ, otherwise times of change; 0 if neither decides. */
function compareStates(a: EntityState, b: EntityState): number {
  if (a.version !== undefined && b.version !== undefined && a.version !== b.version) return a.version - b.version
  if (a.lastUpdatedAt === b.lastUpdatedAt) return 0
  const difference = instantOf(a.lastUpdatedAt) - instantOf(b.lastUpdatedAt)
  return Number.isNaN(difference) ? 0 : difference
}

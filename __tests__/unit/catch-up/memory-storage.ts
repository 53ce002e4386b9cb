/**
 * The storage of the catch-up, in memory. It also holds what the webhook stores: arrivals, and waiting GET triggers.
 */
import type { Arrival, Arrivals, Mark } from '../../../lib/inbox/catch-up/arrivals'
import type { EntityName } from '../../../lib/inbox/catch-up/parts'
import { LeaseLostError, type CatchUpStorage, type FoundEvent, type Lease } from '../../../lib/inbox/catch-up/storage'
import type { Position, Stored, StoreRequest } from '../../../lib/inbox/catch-up/storage'
import { storeFound } from '../../../lib/inbox/catch-up/store-found'

const nameOf = ({ kind, id, form }: EntityName) => `${kind} ${form} ${id}`

export class MemoryStorage implements CatchUpStorage {
  readonly positions = new Map<string, Position>()
  readonly marks = new Map<string, Map<string, Mark>>()
  readonly documents = new Map<string, Set<number>>()
  /** GET triggers that wait for their fetch, as the kind and the ID: `order PO-1`. */
  readonly fetches: string[] = []
  /** GET triggers that are being delivered. */
  readonly fetching: string[] = []
  readonly events = new Map<string, FoundEvent>()
  readonly seen = new Map<string, number>()
  holder: string | undefined = 'token'
  waitingEvents = { events: 0, bytes: 0 }
  onStored: (event: FoundEvent) => void = () => undefined

  get rows(): number {
    return [...this.marks.values()].reduce((sum, marks) => sum + marks.size, 0) + this.documents.size + this.seen.size
  }

  async position(scope: string): Promise<Position | undefined> {
    return this.positions.get(scope)
  }

  async savePosition(lease: Lease, position: Position): Promise<void> {
    this.#requireLease(lease)
    this.positions.set(lease.scope.key, position)
    const { forgottenUpTo } = position
    if (forgottenUpTo === undefined) return
    for (const [entity, marks] of this.marks) {
      if (!entity.startsWith(`${lease.scope.kind} ${lease.scope.form} `)) continue
      for (const [key, { time }] of marks) if (time <= forgottenUpTo) marks.delete(key)
      if (marks.size === 0) this.marks.delete(entity)
    }
    for (const [key, clock] of this.seen) if (clock <= forgottenUpTo) this.seen.delete(key)
  }

  async arrivals(entity: EntityName): Promise<Arrivals> {
    return this.#arrivals(entity)
  }

  async firstSeen(lease: Lease, what: string, clock: number): Promise<number> {
    this.#requireLease(lease)
    const known = this.seen.get(what)
    if (known === undefined) this.seen.set(what, clock)
    return known ?? clock
  }

  async forgetAfter(lease: Lease, { kind, form }: Pick<EntityName, 'kind' | 'form'>, clock: number): Promise<void> {
    this.#requireLease(lease)
    for (const [entity, marks] of this.marks) {
      if (!entity.startsWith(`${kind} ${form} `)) continue
      for (const [key, { time }] of marks) if (time > clock) marks.delete(key)
    }
  }

  async store(lease: Lease, request: StoreRequest): Promise<Stored> {
    this.#requireLease(lease)
    return storeFound(
      {
        arrivals: (entity) => this.#arrivals(entity),
        addArrival: (arrival) => this.arrive(arrival),
        addEvent: (event) => {
          if (this.events.has(event.key)) return false
          this.events.set(event.key, event)
          this.onStored(event)
          return true
        },
      },
      request,
    )
  }

  async waiting(): Promise<{ events: number; bytes: number }> {
    return this.waitingEvents
  }

  arrive(arrival: Arrival): void {
    const name = nameOf(arrival)
    const marks = this.marks.get(name) ?? new Map<string, Mark>()
    for (const mark of arrival.marks) {
      const key = `${mark.name} ${mark.hash}`
      if (mark.time >= (marks.get(key)?.time ?? -Infinity)) marks.set(key, mark)
    }
    if (marks.size > 0) this.marks.set(name, marks)
    if (arrival.documentsAt === undefined) return
    const times = this.documents.get(arrival.id) ?? new Set<number>()
    this.documents.set(arrival.id, times.add(arrival.documentsAt))
  }

  #arrivals(entity: EntityName): Arrivals {
    return {
      marks: [...(this.marks.get(nameOf(entity))?.values() ?? [])],
      documentsAt: [...(this.documents.get(entity.id) ?? [])],
      isFetchWaiting: this.fetches.includes(`${entity.kind} ${entity.id}`),
      isFetching: this.fetching.includes(`${entity.kind} ${entity.id}`),
    }
  }

  #requireLease({ token }: Lease): void {
    if (token !== this.holder) throw new LeaseLostError('The lease was lost.')
  }
}

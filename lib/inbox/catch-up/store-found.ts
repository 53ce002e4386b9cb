/**
 * Stores what the catch-up found. Inside the same transaction it compares again, because the webhook may have received
 * the change meanwhile.
 */
import { sha256 } from '../../bytes/digest'
import { compare, endOfSecond, marksOf, type Arrival, type Arrivals } from './arrivals'
import { keyOfPart, type EntitySnapshot, type EntityName, type Part } from './parts'
import type { FoundEvent, Stored, StoreRequest } from './storage'

type Maybe<T> = T | Promise<T>

/** The operations on the database, inside a transaction that holds the lease. */
export interface FoundTables {
  arrivals(entity: EntityName): Maybe<Arrivals>
  addArrival(arrival: Arrival): Maybe<void>
  /** Returns false, and does nothing, if there is already an event with this key. */
  addEvent(event: FoundEvent): Maybe<boolean>
}

export async function storeFound(tables: FoundTables, request: StoreRequest): Promise<Stored> {
  const { entity, wanted, outdated, all } = request
  const { missing, pending, newer } = compare(entity, await tables.arrivals(entity), request)
  const isPending = pending.some((part) => wanted.has(keyOfPart(part)))
  if (all === undefined && (isPending || (newer !== undefined && !outdated))) return { parts: [], isLeft: true }
  const candidates = all === undefined ? missing : entity.parts
  const parts = candidates.filter((part) => wanted.has(keyOfPart(part)))
  if (parts.length === 0) return { parts, isLeft: false }
  const isNew = await tables.addEvent({ key: keyOf(entity, parts, all), entity, parts, outdated })
  // If neither a part nor its entity has a time, the record gets the horizon as its time, because the next run would
  // delete a record with the time 0.
  const time = Number.isNaN(entity.time) ? request.horizon : entity.time
  // A record with a time ahead of the API's clock would cover later changes, so the horizon is recorded instead.
  const marks = marksOf(parts, time).map((mark) =>
    mark.time > endOfSecond(request.clock) ? { ...mark, time: request.horizon } : mark,
  )
  await tables.addArrival({ kind: entity.kind, id: entity.id, form: entity.form, marks })
  // `isNew` is false for a change that the catch-up has already delivered. Such a change is found again after its
  // arrival records were deleted.
  return { parts: isNew ? parts : [], isLeft: false }
}

/** Depends only on the change and on `all`, so that a repeated run stores nothing twice. */
function keyOf({ kind, id, form, lastUpdatedAt }: EntitySnapshot, parts: readonly Part[], all = ''): string {
  const content = [kind, id, form, lastUpdatedAt, all, ...parts.flatMap(({ name, time, hash }) => [name, time, hash])]
  return `catch-up:${sha256(JSON.stringify(content))}`
}

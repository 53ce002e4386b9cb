/**
 * What the catch-up stores, in the database of the inbox: where it is, who polls, what arrived, and what it found. Knows no
 * API.
 */
import type { Arrivals, CompareOptions } from './arrivals/arrivals'
import type { Entity, EntityName, Part } from './arrivals/parts'

/** Where the polls of one list are. Times are milliseconds since 1970, by the API's clock. */
export interface Position {
  /** The next run reads what has changed since then. As Tradecloud wrote it, if it stands for a change. */
  cursor: string
  /** The first `from`: what is older is not looked for. NaN if it cannot be parsed. */
  since: number
  /** Records of what arrived up to then may be deleted, so everything up to then is covered. */
  forgottenUpTo?: number | undefined
  /** When the last sweep was complete. */
  sweptAt?: number | undefined
  /** What the API's clock showed last. */
  clock?: number | undefined
  /** A run that read oldest changes first, and was cut off. */
  partial?: PartialRun | undefined
}

export interface PartialRun {
  /** It goes on here, without overlap. */
  after: string
  /** What had changed before may not have been visible yet when the run began. */
  horizon: number
  isSweep: boolean
}

/** The right to poll. */
export interface Lease {
  scope: string
  token: string
}

/** Something that never arrived, on its way into the inbox. */
export interface FoundEvent {
  key: string
  entity: Entity
  /** Lines that nothing covered, and the header. */
  parts: Part[]
  /** The list and the API show an older state than what arrived before. */
  outdated: boolean
}

export interface StoreRequest extends CompareOptions {
  entity: Entity
  /** Keys of the parts to be delivered, as far as nothing covers them by now. */
  wanted: ReadonlySet<string>
  /** What has changed after it may not be visible yet. */
  horizon: number
  /** Delivered although something newer arrived. */
  outdated: boolean
  /** An on-demand run that also delivers what arrived before: its events have keys of their own. */
  all?: string | undefined
}

export interface Stored {
  /** Parts that were stored; empty if everything arrived meanwhile. */
  parts: Part[]
  /** Something newer arrived meanwhile, so nothing was stored. */
  isOlder: boolean
}

/** Rejected writes: another process polls now. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** Every write is conditional on the lease, in the same transaction, and rejects with a `LeaseLostError` without it. */
export interface CatchUpStorage {
  position(scope: string): Promise<Position | undefined>
  /** Deletes records of what arrived up to `forgottenUpTo`. */
  savePosition(lease: Lease, position: Position): Promise<void>
  arrivals(entity: EntityName): Promise<Arrivals>
  /** When something was first seen in this scope: `clock`, unless it is known. */
  firstSeen(lease: Lease, what: string, clock: number): Promise<number>
  /** The API's clock was set back: forgets what arrived with later times, as new changes will have earlier ones. */
  forgetAfter(lease: Lease, scope: Pick<EntityName, 'kind' | 'form'>, clock: number): Promise<void>
  /** Compares, stores the event and the records that it arrived, in one transaction: see `storeFound`. */
  store(lease: Lease, request: StoreRequest): Promise<Stored>
  /** Found events that are not delivered yet. */
  waiting(): Promise<{ events: number; bytes: number }>
}

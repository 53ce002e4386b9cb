/**
 * What the catch-up stores, in the database of the inbox: where it is, who polls, what arrived, and what it found. Knows no
 * API.
 */
import type { Arrivals } from './arrivals'
import type { Entity, EntityName, Part } from './parts'

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

/** The right to poll, and what is polled. */
export interface Lease {
  scope: Scope
  token: string
}

/** One list, with a cursor of its own. */
export interface Scope extends Pick<EntityName, 'kind' | 'form'> {
  /** The cursor is kept under it: consists of kind, base URL, API user, form and filters. */
  key: string
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

export interface StoreRequest {
  /** Up to this time everything is covered, because earlier runs checked it. */
  floor: number
  /** The API's clock. */
  clock: number
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
  /** Deletes records of what arrived up to `forgottenUpTo`, of the kind and form of the scope. */
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

/** What an inbox offers for the catch-up. All of it belongs to one webhook, by its name. */
export interface CatchUpInbox extends CatchUpStorage, CatchUpRequests {
  /**
   * The right to poll: one for all scopes, so that no two processes poll at the same time. `undefined` while another process
   * has it. It ends after 15 s without `renew`, by the clock of the leases of the inbox.
   */
  acquire(): Promise<string | undefined>
  /** False if it was lost. */
  renew(token: string): Promise<boolean>
  release(token: string): Promise<void>
  /** The newest time in the records of what arrived in this form. `undefined` if nothing did. */
  newestArrival(of: Pick<EntityName, 'kind' | 'form'>): Promise<number | undefined>
}

/** What a person asks for at the command line. The process that has the catch-up looks for it, and runs it. */
export interface CatchUpRequest {
  from?: string | undefined
  all?: boolean | undefined
  dryRun?: boolean | undefined
}

export interface CatchUpRequests {
  /** Resolves with the ID of the request. One that is not taken within a minute is void. */
  requestRun(request: CatchUpRequest): Promise<string>
  /** The oldest request that waits, or whose process has not reported for 15 s; it is `running` from then on. */
  takeRequest(): Promise<{ id: string; request: CatchUpRequest } | undefined>
  /** What the run has done so far, or its end. Kept for a day. */
  reportRun(id: string, status: RunStatus): Promise<void>
  /** `undefined` for an ID that is not known. */
  runStatus(id: string): Promise<(RunStatus & { reportedAgoMs: number }) | undefined>
  /** False if it was taken. */
  withdrawRequest(id: string): Promise<boolean>
}

/** Plain JSON. */
export interface RunStatus {
  state: 'waiting' | 'running' | 'done' | 'failed'
  /** Of `running`: how far it is. Of `done` and `failed`: its report. */
  report?: Record<string, unknown> | undefined
}

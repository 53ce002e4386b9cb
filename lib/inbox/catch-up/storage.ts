/**
 * What the catch-up stores in the database of the inbox: cursors, the right to poll, what arrived, and what it found.
 * Independent of the API.
 */
import type { Arrivals } from './arrivals'
import type { Entity, EntityName, Part } from './parts'

/** How far the polls of one list have come. Times are milliseconds since 1970, by the API's clock. */
export interface Position {
  /**
   * The cursor: the next run reads what has changed since then. In Tradecloud's own notation if it is the time of a
   * change.
   */
  cursor: string
  /** The first `from`: older changes are never delivered. NaN if it cannot be parsed. */
  since: number
  /** Arrival records up to this time may have been deleted, so everything up to it counts as covered. */
  forgottenUpTo?: number | undefined
  /** When the last sweep was complete. */
  sweptAt?: number | undefined
  /** The API's clock at the last run. */
  clock?: number | undefined
  /** Progress of an interrupted run that read the oldest changes first. */
  partial?: PartialRun | undefined
}

export interface PartialRun {
  /** Where to continue, without overlap. */
  after: string
  /** Earlier changes may not have been visible when the run began. */
  horizon: number
  isSweep: boolean
  /**
   * Number of entities that were not read. If the list has fewer behind `after`, it is not sorted from the oldest change.
   * `undefined` if unknown.
   */
  unread?: number | undefined
}

/** The right to poll, for one list. */
export interface Lease {
  scope: Scope
  token: string
}

/** One list, with a cursor of its own. */
export interface Scope extends Pick<EntityName, 'kind' | 'form'> {
  /** Key of the cursor: consists of kind, base URL, API user, form and filters. */
  key: string
}

/** A found event that is about to be stored in the inbox. */
export interface FoundEvent {
  key: string
  entity: Entity
  /** Parts that never arrived: lines and the header. */
  parts: Part[]
  /** The list and the API show an older state than one that has arrived. */
  outdated: boolean
}

export interface StoreRequest {
  /** Everything up to this time is covered, because earlier runs have checked it. */
  floor: number
  /** The API's clock. */
  clock: number
  /** With `fetch: 'never'`: a GET trigger that waits covers nothing, because it is not fetched. Default: false. */
  neverFetches?: boolean | undefined
  entity: Entity
  /** Keys of the parts to be delivered, unless they have arrived meanwhile. */
  wanted: ReadonlySet<string>
  /** Later changes may not be visible yet. */
  horizon: number
  /** Deliver it although something newer has arrived. */
  outdated: boolean
  /** Set by an on-demand run that also delivers what has arrived: its events have keys of their own. */
  all?: string | undefined
}

export interface Stored {
  /** Stored parts; empty if everything has arrived meanwhile. */
  parts: Part[]
  /** Nothing was stored, because something newer has arrived meanwhile. */
  isOlder: boolean
}

/** A write was rejected because another process holds the lease. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/**
 * Storage of one run. Every write checks the lease in its own transaction, and rejects with a `LeaseLostError` without
 * it.
 */
export interface CatchUpStorage {
  position(scope: string): Promise<Position | undefined>
  /** Also deletes arrival records up to `forgottenUpTo`, for the kind and form of the scope. */
  savePosition(lease: Lease, position: Position): Promise<void>
  arrivals(entity: EntityName): Promise<Arrivals>
  /** Returns when something was first seen in this scope: records `clock` unless an earlier time is known. */
  firstSeen(lease: Lease, what: string, clock: number): Promise<number>
  /**
   * Called after the API's clock was set back: deletes arrival records with later times, because new changes will have
   * earlier ones.
   */
  forgetAfter(lease: Lease, scope: Pick<EntityName, 'kind' | 'form'>, clock: number): Promise<void>
  /** Compares again, then stores the event and its arrival records, in one transaction: see `storeFound`. */
  store(lease: Lease, request: StoreRequest): Promise<Stored>
  /** Found events that are not delivered yet. */
  waiting(): Promise<{ events: number; bytes: number }>
}

/** What an inbox provides for the catch-up of one webhook, identified by its name. */
export interface CatchUpInbox extends CatchUpStorage, CatchUpRequests {
  /**
   * Acquires the right to poll, which covers all scopes, so that no two processes poll at the same time. `undefined`
   * while another process has it. It expires after 15 s without `renew`, by the clock that the inbox uses for leases.
   */
  acquire(): Promise<string | undefined>
  /** False if the lease was lost. */
  renew(token: string): Promise<boolean>
  release(token: string): Promise<void>
  /** The newest time in the arrival records of this form. `undefined` if there are none. */
  newestArrival(of: Pick<EntityName, 'kind' | 'form'>): Promise<number | undefined>
}

/** Runs requested at the command line. The process that has the catch-up polls for requests and runs them. */
export interface CatchUpRequest {
  from?: string | undefined
  all?: boolean | undefined
  dryRun?: boolean | undefined
}

export interface CatchUpRequests {
  /** Resolves with the ID of the request. A request that no process takes within a minute expires. */
  requestRun(request: CatchUpRequest): Promise<string>
  /**
   * Takes the oldest request that waits, or whose process has not reported for 15 s. Its state is `running` from then
   * on.
   */
  takeRequest(): Promise<{ id: string; request: CatchUpRequest } | undefined>
  /** Reports the progress of the run, or its end. Kept for a day. */
  reportRun(id: string, status: RunStatus): Promise<void>
  /** `undefined` for an ID that is not known. */
  runStatus(id: string): Promise<(RunStatus & { reportedAgoMs: number }) | undefined>
  /** Withdraws a request. False if a process has taken it. */
  withdrawRequest(id: string): Promise<boolean>
}

/** Plain JSON. */
export interface RunStatus {
  state: 'waiting' | 'running' | 'done' | 'failed'
  /** For `running`: the progress. For `done` and `failed`: the report. */
  report?: Record<string, unknown> | undefined
}

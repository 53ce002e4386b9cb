/**
 * What the catch-up stores in the database of the inbox: cursors, the lease for polling, what arrived, and what it
 * found. Independent of the API.
 */
import type { Arrivals } from './arrivals'
import type { EntitySnapshot, EntityName, Part } from './parts'

/** The position of the polls of one list. Times are milliseconds since 1970, on the API's clock. */
export interface Position {
  /**
   * The cursor is a time: the next run reads the changes after it, and reads some earlier changes again. If the cursor
   * is the time of a change, it is written as Tradecloud wrote that time.
   */
  cursor: string
  /** The first `from` that was set: periodic runs never deliver older changes. NaN if it cannot be parsed. */
  since: number
  /** Arrival records up to this time may have been deleted, so every change up to it counts as covered. */
  forgottenUpTo?: number | undefined
  /** The time of the last complete sweep; before the first sweep, the time of the first run. */
  sweptAt?: number | undefined
  /** The time of the last run, on the API's clock. */
  clock?: number | undefined
  /** The time that the API's clock showed when it was found to have been set back. */
  setBackTo?: number | undefined
  /** Progress of an interrupted run that read the oldest changes first. */
  partial?: PartialRun | undefined
}

export interface PartialRun {
  /** The next run continues from this time, without overlap. */
  after: string
  /** The time up to which changes were certainly visible when the interrupted run began. */
  horizon: number
  isSweep: boolean
  /**
   * Number of entities that the interrupted run had not read yet. If the list from `after` on contains fewer entities,
   * the list is not sorted from the oldest change. `undefined` if unknown.
   */
  unread?: number | undefined
}

/** The lease for polling, together with the list for which it is used. */
export interface Lease {
  scope: Scope
  token: string
}

/** Identifies one list, which has a cursor of its own. */
export interface Scope extends Pick<EntityName, 'kind' | 'form'> {
  /** Key of the cursor. The key consists of kind, base URL, API user, form and filters. */
  key: string
}

/** A found event that is about to be stored in the inbox. */
export interface FoundEvent {
  key: string
  entity: EntitySnapshot
  /** The parts to deliver: those that have not arrived, or all wanted parts if `all` is set in the `StoreRequest`. */
  parts: Part[]
  /**
   * True if a newer state than `entity` had already arrived. In this case, the list showed an older state, and a fetch
   * of the order or shipment did not help: it failed, or returned an older state too.
   */
  outdated: boolean
}

export interface StoreRequest {
  /**
   * Changes up to this time count as covered: they are older than the option `from`, or earlier runs have checked them.
   */
  floor: number
  /** The time on the API's clock. */
  clock: number
  /**
   * Set with `fetch: 'never'`: orders and shipments of GET triggers are then never fetched, so a stored GET trigger
   * does not make a catch-up event redundant. Default: false.
   */
  neverFetches?: boolean | undefined
  entity: EntitySnapshot
  /** Keys of the parts to deliver. Parts that have arrived meanwhile are left out, unless `all` is set. */
  wanted: ReadonlySet<string>
  /** Changes after this time may not be visible yet. */
  horizon: number
  /** True if the event is delivered although something newer has arrived. */
  outdated: boolean
  /**
   * Set only by a run on demand with `all`. The value is part of the keys of the run's events, so that these events are
   * not duplicates.
   */
  all?: string | undefined
}

export interface Stored {
  /**
   * The parts that were stored. Empty if none was stored, for example because all wanted parts have arrived meanwhile.
   */
  parts: Part[]
  /** True if all parts are left for a later run: something newer has arrived, or a running fetch may cover a part. */
  isLeft: boolean
}

/** The lease for polling was lost. A write rejects with this error, and a run is aborted with it. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/**
 * The storage that a run uses. Every write checks the lease in its own transaction, and rejects with a `LeaseLostError`
 * if the lease was lost.
 */
export interface CatchUpStorage {
  position(scope: string): Promise<Position | undefined>
  /**
   * Saves the cursor and the rest of the position. Then deletes the arrival records of the scope's kind and the scope's
   * times of `firstSeen`, both up to the time `forgottenUpTo`.
   */
  savePosition(lease: Lease, position: Position): Promise<void>
  arrivals(entity: EntityName): Promise<Arrivals>
  /**
   * Returns the time at which `what` was first seen in the scope of the lease. If that time is not known yet, records
   * and returns `clock`.
   */
  firstSeen(lease: Lease, what: string, clock: number): Promise<number>
  /**
   * Called after the API's clock was set back: deletes arrival records with later times, because new changes will have
   * earlier times.
   */
  forgetAfter(lease: Lease, scope: Pick<EntityName, 'kind' | 'form'>, clock: number): Promise<void>
  /** Compares again, and stores the event with its arrival records in the same transaction; see `storeFound`. */
  store(lease: Lease, request: StoreRequest): Promise<Stored>
  /** Number and bytes of found events that are not delivered yet. */
  waiting(): Promise<{ events: number; bytes: number }>
}

/** The part of an inbox that the catch-up of one webhook uses. */
export interface CatchUpInbox extends CatchUpStorage, CatchUpRequests {
  /**
   * Acquires the lease for polling. The lease covers all scopes, so no two processes poll at the same time. Returns
   * `undefined` while another process holds the lease. Without `renew`, the lease expires after 15 s, measured by the
   * clock that the inbox uses for leases.
   */
  acquire(): Promise<string | undefined>
  /** Returns false if the lease was lost. */
  renew(token: string): Promise<boolean>
  release(token: string): Promise<void>
  /**
   * The newest time in the arrival records of this kind and form, except those of fetches; `undefined` if there are
   * none.
   */
  newestArrival(of: Pick<EntityName, 'kind' | 'form'>): Promise<number | undefined>
}

/** A run that was requested at the command line. The process that has the catch-up polls for requests and runs them. */
export interface CatchUpRequest {
  from?: string | undefined
  all?: boolean | undefined
  dryRun?: boolean | undefined
}

export interface CatchUpRequests {
  /** Resolves with the ID of the request. A request that no process takes within a minute expires. */
  requestRun(request: CatchUpRequest): Promise<string>
  /**
   * Takes the oldest request that can be taken, and marks it as `running`. A request can be taken if it is waiting, or
   * if its process has not reported for 15 s.
   */
  takeRequest(): Promise<{ id: string; request: CatchUpRequest } | undefined>
  /** Reports the progress or the end of a run. A request and its report are kept for at least a day. */
  reportRun(id: string, status: RunStatus): Promise<void>
  /** `undefined` for an ID that is not known. */
  runStatus(id: string): Promise<(RunStatus & { reportedAgoMs: number }) | undefined>
  /** Withdraws a request. Returns false if it is no longer waiting. */
  withdrawRequest(id: string): Promise<boolean>
}

/** The state of a requested run. It is stored as JSON. */
export interface RunStatus {
  state: 'waiting' | 'running' | 'done' | 'failed'
  /** The progress if the state is `running`, the report if it is `done` or `failed`. */
  report?: Record<string, unknown> | undefined
}

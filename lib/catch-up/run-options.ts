/** The inputs of a run, and what it reports. */
import type { Polled } from '../api/poll'
import type { Json } from '../events/entity'
import type { EntityKind, LineForm } from '../inbox/catch-up/parts'
import type { Position } from '../inbox/catch-up/storage'
import type { Want } from './want'
import type { Window, WindowOptions } from './window'

/** Access to the API. */
export interface CatchUpSource {
  read(after: string, signal: AbortSignal): AsyncIterable<Polled>
  /** `undefined` if the API does not know the ID, or cannot return a single order in this form. */
  fetch(id: string, signal: AbortSignal): Promise<Json | undefined>
}

export interface RunOptions extends WindowOptions {
  kind: EntityKind
  form: LineForm
  want: Want
  settleMs: number
  /** True with `fetch: 'never'`. */
  neverFetches?: boolean | undefined
  /** Limits for found events that wait for delivery: at either limit, the run pauses. */
  maxWaiting: { events: number; bytes: number }
  /** Resolves after a short pause, or when the signal aborts. */
  pause: (signal: AbortSignal) => Promise<void>
  notes: RunNotes
}

/** Receives everything that a run reports to the log: one method for each kind of message. */
export interface RunNotes {
  /** Called before anything is delivered. */
  begun(total: number | undefined, window: Window): void
  skipped(after: string | undefined, before: string | undefined, error: unknown): void
  /** An entity of the list has no ID, so it cannot be delivered. `after`: the ID of the entity before it. */
  withoutId(after: string | undefined): void
  /** A single order or shipment could not be fetched, so its state in the list is used. */
  notFetched(id: string, error: unknown): void
  found(change: RecoveredChange): void
}

/** An order or shipment that has changes that never arrived. In a run with `all`: one that has any changes. */
export interface RecoveredChange {
  kind: EntityKind
  id: string
  /** IDs of the lines that have these changes. */
  lines: string[]
  lastUpdatedAt: string | undefined
}

export interface RunRequest {
  position: Position
  /** Set for a run with `from`, `all` or `dryRun`: the cursor stays where it is. */
  onDemand?: { from?: string | undefined; all?: string | undefined; dryRun?: boolean | undefined } | undefined
  signal: AbortSignal
  /** Called after each entity that was read and, if needed, stored. */
  onTaken?: (() => void) | undefined
}

export interface RunResult {
  from: string
  to: string | undefined
  polled: number
  covered: number
  skipped: number
  recovered: RecoveredChange[]
  recoveredTotal: number
}

/**
 * The period that a run reads, and where the next run begins. All times are on the API's clock, never on the local one.
 */
import { instantOf } from '../events/entity'
import type { PartialRun, Position } from '../inbox/catch-up/storage'

export interface WindowOptions {
  marginMs: number
  overlapMs: number
  sweep: false | { everyMs: number; backMs: number }
}

export interface Window {
  /** `lastUpdatedAfter` of the poll. */
  after: string
  /** Changes up to this time are not delivered: earlier runs have checked them, or they happened before `from`. */
  floor: number
  /** The cursor never passes this time: later changes may not be visible yet. */
  horizon: number
  isSweep: boolean
}

/** Without sweeps, arrival records are kept for this multiple of the overlap. */
const OVERLAPS_KEPT = 4

const textOf = (instant: number): string => new Date(instant).toISOString()

/** The beginning of the window, used until the API's clock is known. */
export function firstAfter({ cursor, partial }: Position, { overlapMs }: WindowOptions): string {
  if (partial) return partial.after
  const instant = instantOf(cursor)
  return Number.isNaN(instant) ? cursor : textOf(instant - overlapMs)
}

/** `clock`: the API's clock at the first response. */
export function windowOf(position: Position, options: WindowOptions, clock: number): Window {
  const { cursor, since, forgottenUpTo = -Infinity, sweptAt, setBackTo = Infinity, partial } = position
  const { marginMs, overlapMs, sweep } = options
  const horizon = clock - marginMs
  // If the API's clock was set back, new changes have times before the cursor.
  const latest = Math.min(clock, setBackTo) - marginMs - overlapMs
  // The floor may be earlier than the beginning of the window, because earlier runs may have missed changes, for two
  // reasons. An interrupted run has not seen all orders. And if a list begins with the newest change, an order that
  // changes during a run moves to a position that was already read.
  const floor = Math.max(Number.isNaN(since) ? -Infinity : since, Math.min(forgottenUpTo, latest))
  if (partial && !(instantOf(partial.after) > horizon))
    return { after: partial.after, floor, horizon, isSweep: partial.isSweep }
  const instant = instantOf(cursor)
  if (Number.isNaN(instant)) return { after: cursor, floor, horizon, isSweep: false }
  const isSweep = sweep !== false && sweptAt !== undefined && !(sweptAt <= clock && clock - sweptAt < sweep.everyMs)
  const start = Math.min(instant - overlapMs, latest, isSweep ? clock - sweep.backMs : Infinity)
  return { after: textOf(start), floor, horizon, isSweep }
}

export interface WindowProgress {
  /** The newest change, with its time as Tradecloud wrote it. */
  newest?: { time: number; text: string } | undefined
  /** Time of the oldest part that was left for a later run; Infinity if there is none. */
  left: number
}

/** The position after a complete run. */
export function positionAfter(
  position: Position,
  { horizon, isSweep }: Window,
  { newest, left }: WindowProgress,
  { sweep, overlapMs, marginMs }: WindowOptions,
  clock: number,
): Position {
  const seen = newest ?? { time: instantOf(position.cursor), text: position.cursor }
  // If this run has continued an interrupted one, the cursor does not pass the horizon of the interrupted run: changes
  // before `partial.after` may have become visible since that run.
  const limit = Math.min(horizon, position.partial?.horizon ?? Infinity, left - 1)
  // A time that cannot be parsed cannot be compared with the limit, so its text becomes the cursor.
  const cursor = seen.time > limit ? textOf(limit) : seen.text
  const start = instantOf(cursor) - overlapMs
  const oldest = Math.min(start, clock - (sweep ? sweep.backMs : OVERLAPS_KEPT * overlapMs))
  // Arrival records that were deleted stay deleted, even if the cursor moves back.
  const before = Math.min(position.forgottenUpTo ?? -Infinity, clock - marginMs - overlapMs)
  return {
    cursor,
    since: position.since,
    clock,
    forgottenUpTo: Number.isNaN(oldest) ? undefined : Math.max(oldest, before),
    sweptAt: isSweep ? clock : (position.sweptAt ?? clock),
  }
}

/**
 * Drops the progress of an interrupted run if it cannot be trusted. The interrupted run left `unread` entities unread.
 * `total` is the number of entities from `partial.after` on. If `total` is less than `unread`, some unread changes are
 * earlier than `partial.after`, so the list only seemed to begin with the oldest change. Then the list is read again
 * from the cursor.
 */
export function trusted(position: Position, total: number | undefined): Position {
  const { unread = 0 } = position.partial ?? {}
  return total !== undefined && total < unread ? { ...position, partial: undefined } : position
}

/** How far a run has read, after a page of a list that begins with the oldest change. */
export function partialAfter(
  { partial }: Position,
  { horizon, after: start, isSweep }: Window,
  { newest, left }: WindowProgress,
  unread: number | undefined,
): PartialRun | undefined {
  if (newest === undefined) return undefined
  // Stays a millisecond behind the last change, because more entities with the same time may follow.
  const after = Math.min(newest.time, horizon, left) - 1
  if (!(after > instantOf(start))) return undefined
  return { after: textOf(after), horizon: Math.min(horizon, partial?.horizon ?? Infinity), isSweep, unread }
}

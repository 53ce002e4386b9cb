/** Which changes a run reads, and where the next one begins. All times are of the API's clock, never of ours. */
import { instantOf } from '../tradecloud/entity-state'
import type { PartialRun, Position } from '../inbox/catch-up/storage'

export interface WindowOptions {
  marginMs: number
  overlapMs: number
  sweep: false | { everyMs: number; backMs: number }
}

export interface Window {
  /** `lastUpdatedAfter` of the poll. */
  after: string
  /** Everything up to then is covered. */
  floor: number
  /** The cursor never passes it: later changes may not be visible yet. */
  horizon: number
  isSweep: boolean
}

/** Without a sweep, arrival records are kept for this number of overlaps. */
const OVERLAPS_KEPT = 4
/** Clocks of several servers differ a little. */
const SET_BACK_MS = 60_000

const textOf = (instant: number): string => new Date(instant).toISOString()

/** The window before the API's clock is known. */
export function firstAfter({ cursor, partial }: Position, { overlapMs }: WindowOptions): string {
  if (partial) return partial.after
  const instant = instantOf(cursor)
  return Number.isNaN(instant) ? cursor : textOf(instant - overlapMs)
}

/** `clock`: of the first response. */
export function windowOf(position: Position, options: WindowOptions, clock: number): Window {
  const { cursor, since, forgottenUpTo = -Infinity, sweptAt, partial } = position
  const { marginMs, overlapMs, sweep } = options
  const horizon = clock - marginMs
  // After the clock was set back, changes are older than the cursor.
  const latest = horizon - overlapMs
  // Not the beginning of the window: in a list that begins with the newest change, an order that changes while a run
  // reads moves to where the run has been, and a run that was cut off has not seen all orders.
  const floor = Math.max(Number.isNaN(since) ? -Infinity : since, Math.min(forgottenUpTo, latest))
  if (partial && !(instantOf(partial.after) > horizon))
    return { after: partial.after, floor, horizon, isSweep: partial.isSweep }
  const instant = instantOf(cursor)
  if (Number.isNaN(instant)) return { after: cursor, floor, horizon, isSweep: false }
  const isSweep = sweep !== false && sweptAt !== undefined && !(sweptAt <= clock && clock - sweptAt < sweep.everyMs)
  const start = Math.min(instant - overlapMs, latest, isSweep ? clock - sweep.backMs : Infinity)
  return { after: textOf(start), floor, horizon, isSweep }
}

/** What a run has seen so far. */
export interface Progress {
  /** The newest change, and how Tradecloud wrote it. */
  newest?: { time: number; text: string } | undefined
  /** The oldest part that was left for another run. Infinity if nothing was. */
  left: number
}

/** After a complete run. */
export function positionAfter(
  position: Position,
  { horizon, isSweep }: Window,
  { newest, left }: Progress,
  { sweep, overlapMs, marginMs }: WindowOptions,
  clock: number,
): Position {
  const seen = newest ?? { time: instantOf(position.cursor), text: position.cursor }
  // Before `partial.after`, something may have become visible since the run that was cut off.
  const limit = Math.min(horizon, position.partial?.horizon ?? Infinity, left - 1)
  // A cursor that cannot be parsed stands for no time, so nothing is known to be later.
  const cursor = seen.time > limit ? textOf(limit) : seen.text
  const start = instantOf(cursor) - overlapMs
  const oldest = Math.min(start, clock - (sweep ? sweep.backMs : OVERLAPS_KEPT * overlapMs))
  // Those that were deleted stay deleted, even if the cursor moves back.
  const before = Math.min(position.forgottenUpTo ?? -Infinity, clock - marginMs - overlapMs)
  return {
    cursor,
    since: position.since,
    clock,
    forgottenUpTo: Number.isNaN(oldest) ? undefined : Math.max(oldest, before),
    sweptAt: isSweep ? clock : (position.sweptAt ?? clock),
  }
}

/** After a page of a list that begins with the oldest changes. */
export function partialAfter(
  { partial }: Position,
  { horizon, after: start, isSweep }: Window,
  { newest, left }: Progress,
): PartialRun | undefined {
  if (newest === undefined) return undefined
  // Others may have changed in the same millisecond as the last one, and come behind it.
  const after = Math.min(newest.time, horizon, left) - 1
  if (!(after > instantOf(start))) return undefined
  return { after: textOf(after), horizon: Math.min(horizon, partial?.horizon ?? Infinity), isSweep }
}

export const wasSetBack = (position: Position, clock: number): boolean =>
  position.clock !== undefined && clock < position.clock - SET_BACK_MS

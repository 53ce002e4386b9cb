/**
 * Selects the parts of an order or shipment that a run delivers. Such a part never arrived (with `all`, it may have
 * arrived), is wanted, and is so old that the webhook should have received it.
 */
import { compare, endOfSecond, type Arrivals, type CompareOptions } from '../inbox/catch-up/arrivals'
import type { EntitySnapshot, Part } from '../inbox/catch-up/parts'
import { isWanted, type Want } from './want'

export interface DueOptions extends CompareOptions {
  want: Want
  settleMs: number
  /** Also deliver changes that have already arrived. */
  all: boolean
  /** When the change was first seen, on the API's clock. */
  firstSeen: (what: string) => Promise<number>
}

export interface Due {
  parts: Part[]
  /** Parts that are left for a later run: they changed too recently, or a running delivery may cover them. */
  young: Part[]
  /** As returned by `compare`: if a part is older than its newest arrival record, the time of that record. */
  newer: number | undefined
  /** True if parts are missing, but the option `want` excludes all of them. */
  isUnwanted: boolean
  /**
   * True if each of `parts` changed at the time of a documents event that has arrived: the poll then returned the
   * entity only because of the attached documents.
   */
  isExplained: boolean
}

export async function dueParts(entity: EntitySnapshot, arrivals: Arrivals, options: DueOptions): Promise<Due> {
  const { want, settleMs, clock, floor } = options
  const { missing, pending, newer } = compare(entity, arrivals, options)
  const candidates = options.all ? entity.parts.filter(({ time = entity.time }) => !(time <= floor)) : missing
  const wanted = candidates.filter((part) => isWanted(want, entity, part))
  const parts: Part[] = []
  const young = options.all ? [] : pending.filter((part) => isWanted(want, entity, part))
  for (const part of wanted) {
    const age = clock - (await settlesFrom(entity, part, options))
    if (age >= settleMs) parts.push(part)
    else young.push(part)
  }
  const isExplained = parts.every(({ time = entity.time }) => arrivals.documentsAt.includes(time))
  return { parts, young, newer, isUnwanted: candidates.length > 0 && wanted.length === 0, isExplained }
}

/** If the time of a part is ahead of the API's clock, its age counts from when it was first seen. */
async function settlesFrom(
  { id, time: ofEntity }: EntitySnapshot,
  { name, time = ofEntity }: Part,
  { clock, firstSeen }: DueOptions,
): Promise<number> {
  if (Number.isNaN(time)) return -Infinity
  return time > endOfSecond(clock) ? firstSeen(`ahead:${id}:${name}:${time}`) : Math.min(time, clock)
}

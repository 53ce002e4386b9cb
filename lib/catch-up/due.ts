/**
 * Selects the parts of an order or shipment that a run delivers: those that never arrived, are wanted, and are old
 * enough not to be left to the webhook.
 */
import { compare, endOfSecond, type Arrivals, type CompareOptions } from '../inbox/catch-up/arrivals'
import type { Entity, Part } from '../inbox/catch-up/parts'
import { isWanted, type Want } from './want'

export interface DueOptions extends CompareOptions {
  want: Want
  settleMs: number
  /** Also deliver what has arrived. */
  all: boolean
  /** The API's clock when this was first seen. */
  firstSeen: (what: string) => Promise<number>
}

export interface Due {
  parts: Part[]
  /** Too recent: left for a later run. */
  young: Part[]
  /** A part is older than what has arrived, which has this time. */
  newer: number | undefined
  /** Something is missing but not wanted. */
  isUnwanted: boolean
  /** A documents event explains the change of all parts. */
  isExplained: boolean
}

export async function dueParts(entity: Entity, arrivals: Arrivals, options: DueOptions): Promise<Due> {
  const { want, settleMs, clock, floor } = options
  const { missing, newer } = compare(entity, arrivals, options)
  const candidates = options.all ? entity.parts.filter(({ time = entity.time }) => !(time <= floor)) : missing
  const wanted = candidates.filter((part) => isWanted(want, entity, part))
  const parts: Part[] = []
  const young: Part[] = []
  for (const part of wanted) {
    const age = clock - (await settlesFrom(entity, part, options))
    if (age >= settleMs) parts.push(part)
    else young.push(part)
  }
  const isExplained = parts.every(({ time = entity.time }) => arrivals.documentsAt.includes(time))
  return { parts, young, newer, isUnwanted: candidates.length > 0 && wanted.length === 0, isExplained }
}

/** A part with a time ahead of the API's clock is aged from when it was first seen. */
async function settlesFrom(
  { id, time: ofEntity }: Entity,
  { name, time = ofEntity }: Part,
  { clock, firstSeen }: DueOptions,
): Promise<number> {
  if (Number.isNaN(time)) return -Infinity
  return time > endOfSecond(clock) ? firstSeen(`ahead:${id}:${name}:${time}`) : Math.min(time, clock)
}

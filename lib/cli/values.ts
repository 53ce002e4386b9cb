/** Parses option values: texts, choices, numbers, durations and times. */
import type { InboxFilter } from '../inbox/inbox'
import { STATES } from '../inbox/stored-event'
import { KINDS } from '../views/inbox'
import type { Option, OptionValue, OptionValues } from './command'
import { UsageError } from './errors'
import { printable } from './printable'

export const FILTERS: Readonly<Record<string, Option>> = {
  state: { type: 'string', value: 'state', help: `One of ${STATES.join(', ')}.` },
  kind: { type: 'string', value: 'kind', help: `One of ${KINDS.join(', ')}.` },
  'event-name': { type: 'string', value: 'name', help: 'Name of the event, such as OrderLinesAcceptedBySupplier.' },
  entity: { type: 'string', value: 'id', help: 'ID of an order or shipment, or the end of one: PO-2026/00013.' },
  since: {
    type: 'string',
    value: 'time',
    help: 'Received at or after this time: 2026-05-31, 2026-05-31T08:00Z, or 2h for two hours ago.',
  },
  before: { type: 'string', value: 'time', help: 'Received before this time.' },
}

export function filterOf(values: OptionValues): InboxFilter {
  return {
    state: oneOf('state', STATES, values.state),
    kind: oneOf('kind', KINDS, values.kind),
    eventName: textOf('event-name', values['event-name']),
    entityId: textOf('entity', values.entity),
    since: timeOf('since', values.since),
    before: timeOf('before', values.before),
  }
}

export function isFiltered(filter: InboxFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined)
}

/**
 * An empty value is an error: it usually comes from a variable that is not set, and an empty filter would match
 * everything.
 */
export function textOf(option: string, value: OptionValue): string | undefined {
  if (value === '') throw new UsageError(`--${option} is empty.`)
  return typeof value === 'string' ? value : undefined
}

export function oneOf<T extends string>(option: string, allowed: readonly T[], value: OptionValue): T | undefined {
  const found = allowed.find((each) => each === value)
  if (value !== undefined && found === undefined) throw wrong(option, value, `one of ${allowed.join(', ')}`)
  return found
}

export function wholeNumberOf(option: string, value: OptionValue, min: number, max: number): number | undefined {
  if (value === undefined) return undefined
  const number = /^\d+$/.test(String(value)) ? Number(value) : NaN
  if (!(number >= min && number <= max)) throw wrong(option, value, `a whole number from ${min} to ${max}`)
  return number
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads a duration such as `30s`, and returns it in milliseconds. */
export function durationOf(option: string, value: OptionValue): number | undefined {
  if (value === undefined) return undefined
  return readDuration(String(value)) ?? fail(wrong(option, value, 'a duration, such as 30s, 15m, 2h or 1d'))
}

function readDuration(text: string): number | undefined {
  const [, number, unit = ''] =
    /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? (text === '0' ? ['', '0', 's'] : [])
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? NaN)
}

export function timeOf(option: string, value: OptionValue): Date | undefined {
  if (value === undefined) return undefined
  const text = String(value)
  const ago = readDuration(text)
  if (ago !== undefined) return new Date(Date.now() - ago)
  const match = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text)
  const time = new Date(match ? text : NaN)
  // `Date` would turn 30 February into 2 March.
  const [year = 0, month = 0, day = 0] = match ? match.slice(1, 4).map(Number) : []
  const isDay = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
  if (!isDay || Number.isNaN(time.getTime()))
    throw wrong(option, value, 'a time in ISO 8601, such as 2026-05-31T08:00:00Z, or a duration such as 2h')
  return time
}

function wrong(option: string, value: OptionValue, allowed: string): UsageError {
  return new UsageError(`--${option} is ${printable(String(value))}; it must be ${allowed}.`)
}

function fail(error: Error): never {
  throw error
}

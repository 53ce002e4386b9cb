/**
 * Checks the options of the builders against the limits that Tradecloud documents. An invalid option throws a
 * `TypeError` that names it.
 */
import { inspect } from 'node:util'
import { findUnknownKey, suggest } from '../../errors/checks'
import { orderDocumentsEventNames, orderEventNames, shipmentEventNames } from '../../events/event-names'
import { schemas } from '../../schema'
import { isPlainObject } from './merge'

/** Largest number of lines of an order or shipment. */
export const MAX_LINES = 500
/** Largest number of entries of any other list. */
export const MAX_ENTRIES = 100

/** Options of all builders. */
export interface BuilderOptions {
  /**
   * Selects the order or shipment: a whole number from 0. The same options always give the same JSON, byte by byte;
   * another seed gives another order or shipment. Default: 1.
   */
  seed?: number | undefined
  /**
   * Selects the state of the order or shipment, a whole number from 0 to 2,147,483,647. Each state is one second newer
   * than the one before. Only orders have a field for the version. Default: 1.
   */
  version?: number | undefined
  /**
   * Time of the last change of the order or shipment, and of the lines that are built. Default: derived from `version`.
   */
  lastUpdatedAt?: string | undefined
}

export function wholeNumber(name: string, value: unknown, from: number, to: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value
  throw new TypeError(`${name} must be a whole number from ${from} to ${to}, not ${show(value)}`)
}

/** Accepts any string, even an empty one, because tests may need an invalid event. */
export function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError(`${name} must be a string, not ${show(value)}`)
}

/** Returns one override for each entry to build: those of the list, or empty objects if `value` is a number. */
export function entries<T extends object>(name: string, value: number | readonly T[], max: number): T[] {
  if (!Array.isArray(value)) return Array.from({ length: wholeNumber(name, value, 0, max) }, () => ({}) as T)
  wholeNumber(`the number of ${name}`, value.length, 0, max)
  const wrong = value.findIndex((entry) => !isPlainObject(entry))
  if (wrong >= 0) throw new TypeError(`${name}[${wrong}] must be an object, not ${show(value[wrong])}`)
  return value as T[]
}

interface Allowed {
  /** Names of the builder's own options. */
  options: readonly string[]
  /** The schema whose fields are accepted as overrides. */
  schema: 'order' | 'orderDocuments' | 'shipment'
  /**
   * Names that are refused although `options` or the schema contains them. Each is an option of another builder, or a
   * second name for an ID.
   */
  refused: readonly string[]
}

/** Unknown options are refused, because a misspelled option would otherwise become a field of the order. */
export function requireOptions(options: unknown, builder: string, { options: own, schema, refused }: Allowed): void {
  if (!isPlainObject(options)) throw new TypeError(`the options of ${builder} must be an object, not ${show(options)}`)
  const { properties = {} } = schemas[schema] as { properties?: object }
  const known = [...new Set([...own, ...Object.keys(properties)])].filter((name) => !refused.includes(name))
  const unknown = findUnknownKey(options, known)
  if (unknown === undefined) return
  const { key, help } = unknown
  if (refused.includes(key)) throw new TypeError(`${key} is not an option of ${builder}`)
  throw new TypeError(`${key} is neither an option of ${builder} nor a field of what it builds; ${help}`)
}

/** Names of events of another kind are accepted, because tests may check how a receiver treats such an event. */
const EVENT_NAMES: readonly string[] = [...orderEventNames, ...orderDocumentsEventNames, ...shipmentEventNames]

export function knownEventName(value: unknown): string {
  const name = text('eventName', value)
  // An empty name is not a mistake: it stands for an event without a name.
  if (name === '' || EVENT_NAMES.includes(name)) return name
  const advice = 'for an event with a new name, set it in the built body'
  throw new TypeError(`eventName ${show(name)} is not known; ${advice}${suggest(name, EVENT_NAMES)}`)
}

/** The overrides: all fields of `options` that are not options of the builder. */
export function overridesIn(options: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)))
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 3, maxStringLength: 50 })
}

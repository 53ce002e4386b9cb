/**
 * Checks of what users give to the builders, and the bounds that Tradecloud documents. A wrong option throws a
 * `TypeError` and names itself.
 */
import { inspect } from 'node:util'
import { findUnknownKey, suggest } from '../../errors/checks'
import { orderDocumentsEventNames, orderEventNames, shipmentEventNames } from '../../tradecloud/event-names'
import { schemas } from '../../schema'
import { isPlainObject } from './merge'

/** Lines of an order or of a shipment. */
export const MAX_LINES = 500
/** Entries of any other list. */
export const MAX_ENTRIES = 100

/** Options that all builders have. */
export interface BuilderOptions {
  /**
   * Which order or shipment: a whole number from 0. The same seed gives the same JSON each time, byte by byte, and
   * another seed another ID. Default: 1.
   */
  seed?: number | undefined
  /**
   * Which state of it, a whole number from 0 to 2,147,483,647. Each is one second newer than the one before. Only
   * orders hold it as a field. Default: 1.
   */
  version?: number | undefined
  /** When the order or shipment and all built lines of it last changed. Default: follows from `version`. */
  lastUpdatedAt?: string | undefined
}

export function wholeNumber(name: string, value: unknown, from: number, to: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value
  throw new TypeError(`${name} must be a whole number from ${from} to ${to}, not ${show(value)}`)
}

/** Any text, an empty one too: tests may want an event that cannot be right. */
export function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError(`${name} must be a text, not ${show(value)}`)
}

/** How many entries to build, as overrides of each: a number of entries, or one override for each entry. */
export function entries<T extends object>(name: string, value: number | readonly T[], max: number): T[] {
  if (!Array.isArray(value)) return Array.from({ length: wholeNumber(name, value, 0, max) }, () => ({}) as T)
  wholeNumber(`the number of ${name}`, value.length, 0, max)
  const wrong = value.findIndex((entry) => !isPlainObject(entry))
  if (wrong >= 0) throw new TypeError(`${name}[${wrong}] must be an object, not ${show(value[wrong])}`)
  return value as T[]
}

interface Allowed {
  /** What the builder reads itself. */
  options: readonly string[]
  /** Schema whose fields may be given as overrides. */
  schema: 'order' | 'orderDocuments' | 'shipment'
  /** Of these two, the names that would slip in as fields: options of another builder, or another name of an ID. */
  refused: readonly string[]
}

/** A misspelled option would become a field of the order. */
export function requireOptions(options: unknown, builder: string, { options: own, schema, refused }: Allowed): void {
  if (!isPlainObject(options)) throw new TypeError(`the options of ${builder} must be an object, not ${show(options)}`)
  const { properties = {} } = schemas[schema] as { properties?: object }
  const known = [...new Set([...own, ...Object.keys(properties)])].filter((name) => !refused.includes(name))
  const unknown = findUnknownKey(options, known)
  if (unknown === undefined) return
  const { key, help } = unknown
  if (refused.includes(key)) throw new TypeError(`${key} is no option of ${builder}`)
  throw new TypeError(`${key} is neither an option of ${builder} nor a field of what it builds; ${help}`)
}

/** Those of another kind too: what a receiver makes of such an event is worth a test. */
const EVENT_NAMES: readonly string[] = [...orderEventNames, ...orderDocumentsEventNames, ...shipmentEventNames]

export function knownEventName(value: unknown): string {
  const name = text('eventName', value)
  // An empty name is no misspelled one: it stands for an event without a name.
  if (name === '' || EVENT_NAMES.includes(name)) return name
  const advice = 'for an event with a new name, set it in the built body'
  throw new TypeError(`eventName ${show(name)} is not known; ${advice}${suggest(name, EVENT_NAMES)}`)
}

/** What is no option is a field. */
export function overridesIn(options: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)))
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 3, maxStringLength: 50 })
}

/**
 * Reads the ID, version and time of change of an order or shipment. Any field may be missing, `null`, empty, or of a
 * type that is not documented.
 */
import { hash } from 'node:crypto'

export type Json = Record<string, unknown>

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns `value` if it is a string that is not blank, and `undefined` if it is not. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

/** The version and the time of change of an order or shipment, which tell how new it is. */
export interface EntityState {
  version?: number | undefined
  lastUpdatedAt?: string | undefined
}

export function stateOf(kind: string, entity: Json): EntityState {
  if (kind === 'shipment') return { lastUpdatedAt: isObject(entity.meta) ? timeOfChange(entity.meta) : undefined }
  const version = typeof entity.version === 'string' && entity.version !== '' ? Number(entity.version) : entity.version
  return {
    version: Number.isSafeInteger(version) ? (version as number) : undefined,
    lastUpdatedAt: timeOfChange(entity),
  }
}

/** The connector docs of 2022 and 2023 call the field lastChangedAt. */
function timeOfChange({ lastUpdatedAt, lastChangedAt }: Json): string | undefined {
  return textOf(lastUpdatedAt) ?? textOf(lastChangedAt)
}

/**
 * The ID of an order or shipment: the field `orderId` in an order event, and `id` in a fetched order, in early events
 * and in a shipment.
 */
export function idOf(kind: string, entity: Json): string | undefined {
  return (kind === 'shipment' ? undefined : idText(entity.orderId)) ?? idText(entity.id)
}

/** An ID may be a number, because Tradecloud mixed up strings and numbers in October 2020 (TC-6431). */
function idText(id: unknown): string | undefined {
  return textOf(typeof id === 'number' ? String(id) : id)
}

/**
 * A time in milliseconds since 1970; NaN if it is missing or cannot be parsed. A time without a time zone, as in one
 * documented example, is read as UTC.
 */
export function instantOf(time: string | undefined): number {
  if (time === undefined) return NaN
  const zone = /(Z|[+-]\d\d(:?\d\d)?)$/i.exec(time.slice(10))?.[0]
  // Minutes are added to a time zone that has only hours, which Date.parse does not accept.
  return Date.parse(zone === undefined ? `${time}Z` : zone.length === 3 ? `${time}:00` : time)
}

/** Maximum length of an ID, in UTF-16 code units. */
const MAX_ID_LENGTH = 256

/**
 * Why `value` cannot be an ID, such as "is empty"; `undefined` if it can. Tradecloud builds the ID of an order or
 * shipment from a number of an ERP system: it contains no white space, but may contain characters such as a slash, hash
 * or percent sign.
 */
export function checkEntityId(value: string): string | undefined {
  if (value === '') return 'is empty'
  if (value.length > MAX_ID_LENGTH) return `is longer than ${MAX_ID_LENGTH} characters`
  // As path segments, these mean the current and the parent folder, even if they are escaped.
  if (value === '.' || value === '..') return 'is a dot segment'
  if (/\s/.test(value)) return 'contains white space'
  if (/\p{Cc}/u.test(value)) return 'contains a control character'
  if (/\p{Cs}/u.test(value)) return 'is not well-formed Unicode'
  return undefined
}

/**
 * The ID as used in keys. An ID that is too long or not well-formed is replaced by its hash. Without the hash, a
 * database would store two IDs with different unpaired surrogates as the same text. Only a body can contain such IDs.
 */
export function keptId(id: string): string {
  // JSON escapes unpaired surrogates, which UTF-8 cannot encode.
  if (/\p{Cs}/u.test(id)) return hash('sha256', JSON.stringify(id), 'hex')
  return id.length > MAX_ID_LENGTH ? hash('sha256', id, 'hex') : id
}

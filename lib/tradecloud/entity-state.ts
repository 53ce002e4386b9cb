/**
 * Reads fields of an order or shipment. Any part may be missing, `null`, empty, or of another type than documented.
 */
export type Json = Record<string, unknown>

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A string that is not blank. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

/** How new an order or shipment is. */
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

/** The connector docs of 2022 and 2023 call it lastChangedAt. */
function timeOfChange({ lastUpdatedAt, lastChangedAt }: Json): string | undefined {
  return textOf(lastUpdatedAt) ?? textOf(lastChangedAt)
}

/** The identifier: `orderId` in an order event, `id` in a fetched order, in early events and in a shipment. */
export function idOf(kind: string, entity: Json): string | undefined {
  return (kind === 'shipment' ? undefined : idText(entity.orderId)) ?? idText(entity.id)
}

/** In October 2020 strings and numbers were mixed up (TC-6431). */
function idText(id: unknown): string | undefined {
  return textOf(typeof id === 'number' ? String(id) : id)
}

/**
 * Milliseconds since 1970; NaN if there is no time. A time without a time zone, as in one documented example, is UTC.
 */
export function instantOf(time: string | undefined): number {
  if (time === undefined) return NaN
  const zone = /(Z|[+-]\d\d(:?\d\d)?)$/i.exec(time.slice(10))?.[0]
  // Date.parse does not accept an offset without minutes.
  return Date.parse(zone === undefined ? `${time}Z` : zone.length === 3 ? `${time}:00` : time)
}

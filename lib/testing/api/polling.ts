/**
 * Reads the query of a poll. Unknown fields and filters are refused with 400: how Tradecloud treats a misspelt filter
 * is not documented, and a test should notice the mistake.
 */

export type PollKind = 'order' | 'shipment'

export interface PollFilters {
  /** Exclusive lower bound of `lastUpdatedAt`, in milliseconds since 1970; -Infinity for none. */
  after: number
  processStatus?: readonly string[] | undefined
  /**
   * IDs of companies. An entity matches if its buyer or its supplier is among them. Tradecloud does not document which
   * of the two companies its filter means.
   */
  companyIds?: readonly string[] | undefined
  buyerCompanyIds?: readonly string[] | undefined
}

export interface PollQuery extends PollFilters {
  offset: number
  limit: number
}

/**
 * A larger `limit` is reduced to this. Tradecloud does not document what it does with a larger `limit`, so clients must
 * expect fewer results than they request.
 */
const MOST = 100

const ALLOWED: Record<PollKind, readonly string[]> = {
  order: ['lastUpdatedAfter', 'status.processStatus', 'companyId'],
  shipment: ['lastUpdatedAfter', 'status.processStatus', 'companyId', 'buyerShipment.companyId'],
}

/** Returns the query, or what is wrong with it. All fields are optional. */
export function readPoll(body: unknown, kind: PollKind): PollQuery | string {
  if (!isObject(body)) return 'the body is not a JSON object'
  const { filters = {}, offset = 0, limit = MOST, ...unknown } = body
  const [stray] = Object.keys(unknown)
  if (stray !== undefined) return `unknown field ${stray}`
  if (!isObject(filters)) return 'filters must be an object'
  const wrong = leaves(filters).find((path) => !ALLOWED[kind].includes(path))
  if (wrong !== undefined) return `unknown filter ${wrong}`
  if (!isWhole(offset, 0)) return 'offset must be a whole number'
  if (!isWhole(limit, 1)) return 'limit must be a whole number above 0'

  const lastUpdatedAfter = valueAt(filters, 'lastUpdatedAfter')
  const after = instantOf(lastUpdatedAfter)
  if (lastUpdatedAfter !== undefined && after === undefined) return 'lastUpdatedAfter must be a date and time'
  const processStatus = valueAt(filters, 'status.processStatus')
  if (processStatus !== undefined && !isTexts(processStatus)) return 'status.processStatus must be a list of strings'
  const companyIds = oneOrMore(valueAt(filters, 'companyId'))
  const buyerCompanyIds = oneOrMore(valueAt(filters, 'buyerShipment.companyId'))
  if (companyIds === null || buyerCompanyIds === null) return 'companyId must be a string or a list of strings'
  return { after: after ?? -Infinity, processStatus, companyIds, buyerCompanyIds, offset, limit: Math.min(limit, MOST) }
}

export function matches(entity: unknown, { processStatus, companyIds, buyerCompanyIds }: PollFilters): boolean {
  const holds = (wanted: readonly string[] | undefined, ...paths: string[]) =>
    wanted === undefined || paths.some((path) => wanted.includes(String(valueAt(entity, path))))
  const parties = ['buyerOrder', 'supplierOrder', 'buyerShipment', 'supplierShipment']
  return (
    holds(processStatus, 'status.processStatus') &&
    holds(companyIds, ...parties.map((party) => `${party}.companyId`)) &&
    holds(buyerCompanyIds, 'buyerShipment.companyId')
  )
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/

/** A time in milliseconds since 1970. Some documented examples have no time zone; these are read as UTC. */
export function instantOf(value: unknown): number | undefined {
  const found = typeof value === 'string' ? INSTANT.exec(value) : null
  if (found === null) return undefined
  const instant = Date.parse(found[1] === undefined ? `${found[0]}Z` : found[0])
  return Number.isNaN(instant) ? undefined : instant
}

export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce((part, name) => (isObject(part) ? part[name] : undefined), value)
}

function leaves(value: Record<string, unknown>): string[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    return isObject(inner) ? leaves(inner).map((path) => `${name}.${path}`) : [name]
  })
}

/** `companyId` may be a string or a list, because its form is not documented. `null` if it is neither. */
function oneOrMore(value: unknown): string[] | undefined | null {
  if (value === undefined) return undefined
  if (typeof value === 'string') return [value]
  return isTexts(value) ? value : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least
}

/** Options and results of a poll, and the checks of the options. */
import { checkKeys, checkWholeNumber } from '../errors/checks'
import { invalidOption } from '../errors/errors'
import { parseJson } from '../bytes/json'
import type { Order, Shipment, SingleDeliveryOrder } from '../schema/types'
import type { PollPage } from './poll'

/** Filters that are not listed here are sent unchanged. */
export interface OrderPollFilters {
  /** Statuses to include, such as `{ processStatus: ['Confirmed'] }`. Default: any. */
  status?: { processStatus?: readonly string[] | undefined } | undefined
  /**
   * ID of a company. Tradecloud's .NET clients use this filter; it is not documented whether it takes one ID or a list.
   * Default: any.
   */
  companyId?: string | readonly string[] | undefined
  [filter: string]: unknown
}

/** Filters that are not listed here are sent unchanged. */
export interface ShipmentPollFilters {
  /** Company of the buyer. It is not documented whether this filter takes one ID or a list. Default: any. */
  buyerShipment?: { companyId?: string | readonly string[] | undefined } | undefined
  [filter: string]: unknown
}

export interface PollOptions<Filters> {
  /**
   * Where the poll begins. For the first poll, a date and time such as `2025-04-23T10:01:53.812Z`. Afterwards, the
   * `lastUpdatedAt` of the `cursor` with which the previous poll ended: pass it unchanged, and never pass a time of
   * your own clock. Required.
   */
  lastUpdatedAfter: string
  /** Limits what the poll yields. Default: none, everything that the Tradecloud user may see. */
  filters?: Filters | undefined
  /** Entities per page, 2 to 100. Fewer are requested after a failure that a smaller page may avoid. Default: 100. */
  limit?: number | undefined
  /** Aborts the poll, with code `unavailable` and the signal's reason as `cause`. Default: none. */
  signal?: AbortSignal | undefined
}

/** The last item of a poll: store it once all items before it are processed, and pass it to the next poll. */
export interface PollCursor {
  type: 'cursor'
  /**
   * The new cursor, exactly as Tradecloud wrote it. If nothing has changed, it is the value that was passed to the
   * poll.
   */
  lastUpdatedAt: string
}

export type PolledOrder = { type: 'order'; order: Order } | PollCursor
export type PolledSingleDeliveryOrder = { type: 'order'; order: SingleDeliveryOrder } | PollCursor
export type PolledShipment = { type: 'shipment'; shipment: Shipment } | PollCursor

const MAX_LIMIT = 100

export interface ResolvedPollOptions {
  lastUpdatedAfter: string
  filters: object
  limit: number
  signal: AbortSignal | undefined
}

export function resolvePollOptions(options: PollOptions<object>): ResolvedPollOptions {
  const given = (options as Partial<PollOptions<object>> | undefined) ?? {}
  checkKeys('', given, ['lastUpdatedAfter', 'filters', 'limit', 'signal'])
  const { lastUpdatedAfter, filters = {}, limit = MAX_LIMIT, signal } = given
  if (typeof lastUpdatedAfter !== 'string' || lastUpdatedAfter === '') {
    throw invalidOption('lastUpdatedAfter', 'must be the cursor of an earlier poll, or a date and time to begin with')
  }
  if (typeof (filters as unknown) !== 'object' || (filters as unknown) === null)
    throw invalidOption('filters', 'must be an object')
  return { lastUpdatedAfter, filters, limit: checkWholeNumber('limit', limit, 2, MAX_LIMIT), signal }
}

export function readPollPage(body: Buffer): ({ ok: true } & PollPage) | { ok: false; reason: string } {
  const parsed = parseJson(body)
  if (!parsed.ok) return parsed
  const { data, total, lastUpdatedAt } = (parsed.value ?? {}) as Partial<Record<keyof PollPage, unknown>>
  if (!Array.isArray(data)) return { ok: false, reason: 'the body has no list `data`' }
  const odd = data.some((entity: unknown) => typeof entity !== 'object' || entity === null)
  if (odd) return { ok: false, reason: '`data` contains something that is not an object' }
  return {
    ok: true,
    data,
    total: Number.isSafeInteger(total) ? (total as number) : undefined,
    lastUpdatedAt: typeof lastUpdatedAt === 'string' && lastUpdatedAt !== '' ? lastUpdatedAt : undefined,
  }
}

/** What the builders of an order share: their options, and values that are computed before lines are built. */
import type { Order } from '../../schema'
import { entries, MAX_ENTRIES, MAX_LINES, text, wholeNumber, type BuilderOptions } from './options'
import { BUYER_ID, digits, plan, type Plan } from './parts'

/** Options of all builders of orders and of order events. */
export interface OrderSizeOptions<Line> extends BuilderOptions {
  /**
   * Tradecloud's ID of the order; line IDs begin with it. Default: an ID of the documented form that contains a slash.
   */
  orderId?: string | undefined
  /**
   * The number of lines, 0 to 500, or a list with an override for each line (`{}`: no override). Line 1 has the
   * position `0010`, line 2 `0020`. The content of a line does not depend on the number of lines. Default: 2.
   */
  lines?: number | readonly Line[] | undefined
  /** Number of documents in each list of documents, 0 to 100. Default: 0. */
  documents?: number | undefined
}

/** Options of builders of an order with its deliveries. */
export interface OrderDeliveryOptions<Line> extends OrderSizeOptions<Line> {
  /** Number of deliveries per line, 0 to 100 (single delivery form: 1 to 100). Default: 1. */
  deliveries?: number | undefined
}

/** Options of the builders of order events. */
export interface AffectedLinesOptions {
  /**
   * Number of the first affected line, counted from 1 in the order. An event contains only the affected lines.
   * Default: 1.
   */
  firstLine?: number | undefined
}

/** Names of the options of the builders of orders and their events; all other fields are overrides. */
export const ORDER_OPTIONS = [
  'seed',
  'version',
  'lastUpdatedAt',
  'orderId',
  'lines',
  'deliveries',
  'documents',
  'firstLine',
  'eventName',
] as const

/** Fields of an order that cannot be overridden: a builder has an option for them, or computes them. */
export type DecidedOrderField = 'id' | 'orderId' | 'lines' | 'version' | 'lastUpdatedAt' | 'meta'
/** The fields of an order that can be overridden. */
export type OrderOverrides = Omit<Order, DecidedOrderField>

export interface OrderPlan extends Plan {
  deliveries: number
  purchaseOrderNumber: string
}

export const purchaseOrderNumber = (seed: number): string => `PO-2026/${digits(seed, 5)}`

export function orderPlan(options: OrderDeliveryOptions<unknown>, minDeliveries = 0, documents = 0): OrderPlan {
  const planned = plan(options, documents)
  const number = purchaseOrderNumber(planned.seeded.seed)
  const { orderId = `${BUYER_ID}-${number}`, deliveries = 1 } = options
  return {
    ...planned,
    id: text('orderId', orderId),
    deliveries: wholeNumber('deliveries', deliveries, minDeliveries, MAX_ENTRIES),
    purchaseOrderNumber: number,
  }
}

/** Index and override of each line that is built. */
export function affectedLines<Line extends object>(
  options: OrderSizeOptions<Line> & AffectedLinesOptions,
): Array<{ index: number; override: Line }> {
  const { lines = 2, firstLine = 1 } = options
  const overrides = entries('lines', lines, MAX_LINES)
  const first = wholeNumber('firstLine', firstLine, 1, MAX_LINES)
  const last = first + overrides.length - 1
  if (last > MAX_LINES)
    throw new TypeError(`firstLine and lines lead to line ${last}: an order has at most ${MAX_LINES} lines`)
  return overrides.map((override, index) => ({ index: first - 1 + index, override }))
}

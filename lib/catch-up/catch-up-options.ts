/** The options of the catch-up, their defaults and their checks. */
import type { TradecloudClient } from '../api'
import type { OrderPollFilters, ShipmentPollFilters } from '../api'
import {
  checkBoolean,
  checkFunction,
  checkHasEffect,
  checkKeys,
  checkWholeNumber,
  MAX_TIMER_MS,
  show,
} from '../errors/checks'
import { invalidOption } from '../errors/errors'
import type { Inbox } from '../inbox/inbox'
import { instantOf, isObject } from '../events/entity'
import type { LineForm } from '../inbox/catch-up/parts'
import type { RecoveredChange } from './run-options'
import type { Want } from './want'

export interface CatchUpOptions {
  /**
   * Where to start: an ISO 8601 time, in UTC unless it has a time zone. Earlier changes are not delivered. Required
   * until the inbox has a cursor, ignored afterwards. Default: none; the current time is never used instead.
   */
  from?: string | undefined
  /**
   * Which changes to deliver: `'all'`, or a function that is called for each changed line and header. Its result must
   * depend only on its argument. A poll also returns the changes that your own company made: `notOwnRequest` leaves out
   * order lines that wait for an answer from the other company. Required.
   */
  want: Want
  /**
   * The form of your order events. If they arrive in the other form, the catch-up delivers no order. Required if orders
   * are polled.
   */
  form?: LineForm | undefined
  /** How often to poll. `false`: only when `catchUp()` or the command line requests it. Default: 300,000 ms (5 min). */
  everyMs?: number | false | undefined
  /**
   * Changes that are more recent than this are left to the webhook. Use 0 if orders and shipments are only polled,
   * without a webhook. Default: 600,000 ms (10 min).
   */
  settleMs?: number | undefined
  /**
   * How far the cursor stays behind the API's clock, because a change may become visible late. Default: 600,000 ms (10
   * min).
   */
  marginMs?: number | undefined
  /** How far before the cursor a run begins to read. Default: 900,000 ms (15 min). */
  overlapMs?: number | undefined
  /**
   * How often and how far a run looks back further than usual, for changes that became visible very late. `false`:
   * never. Default: once a day, two days back.
   */
  sweep?: false | SweepOptions | undefined
  /** Which orders to poll. `false`: none. Default: all orders, if there is an `onOrder`. */
  orders?: false | PollOrdersOptions | undefined
  /** Which shipments to poll. `false`: none. Default: all shipments, if there is an `onShipment`. */
  shipments?: false | PollShipmentsOptions | undefined
}

export interface SweepOptions {
  /** How often to look back. Default: 86,400,000 ms (a day). */
  everyMs?: number | undefined
  /** How far to look back: at least `overlapMs`. Default: 172,800,000 ms (two days), or `overlapMs` if that is more. */
  backMs?: number | undefined
}

export interface PollOrdersOptions {
  /** Filters that are sent with each poll. Default: none. */
  filters?: OrderPollFilters | undefined
}

export interface PollShipmentsOptions {
  /** Filters that are sent with each poll. Default: none. */
  filters?: ShipmentPollFilters | undefined
}

/** Options of a run on demand. With `from`, `all` or `dryRun`, the cursor stays where it is. */
export interface CatchUpRunOptions {
  /** Where to start, as in `CatchUpOptions`. Default: the cursor. */
  from?: string | undefined
  /** Also deliver changes that have already arrived. Default: false. */
  all?: boolean | undefined
  /** Only report what would be delivered. Default: false. */
  dryRun?: boolean | undefined
  /** Ends the run, also while it waits for another run to end. Default: none. */
  signal?: AbortSignal | undefined
}

/** The result of a run. All counts are numbers of orders and shipments. */
export interface CatchUpReport {
  /** Start of the period that was read. ISO 8601, UTC. */
  from: string
  /**
   * The run should have seen all changes up to this time, which is `marginMs` before the API's clock: later changes may
   * not be visible yet. Absent if the run could not be completed.
   */
  to?: string | undefined
  polled: number
  /** Number of orders and shipments of which every change had arrived. */
  covered: number
  /** Number of orders and shipments whose missing changes were all left out by the option `want`. */
  skipped: number
  /** What was stored for delivery; with `dryRun`, what would have been stored. At most 100. */
  recovered: RecoveredChange[]
  recoveredTotal: number
  durationMs: number
  /** Why the run could not be completed. Changes that were stored before the failure are still delivered. */
  error?: Error | undefined
}

export interface ResolvedCatchUp {
  /** The option `from`, as ISO 8601 in UTC. */
  from: string | undefined
  want: Want
  form: LineForm
  everyMs: number | false
  settleMs: number
  marginMs: number
  overlapMs: number
  sweep: false | { everyMs: number; backMs: number }
  /** `false`: never polled. `undefined`: the option is not set. */
  orders: boolean | undefined
  orderFilters: object
  shipments: boolean | undefined
  shipmentFilters: object
  neverFetches: boolean
  onCatchUp: ((report: CatchUpReport) => unknown) | undefined
}

interface Surroundings {
  catchUp?: CatchUpOptions | undefined
  onCatchUp?: ((report: CatchUpReport) => unknown) | undefined
  client: TradecloudClient | undefined
  inbox?: Inbox | undefined
  onOrder?: unknown
  deliver?: boolean | undefined
  fetch?: 'get' | 'always' | 'never' | undefined
}

const DEFAULTS = { everyMs: 300_000, settleMs: 600_000, marginMs: 600_000, overlapMs: 900_000 } as const
const SWEEP = { everyMs: 86_400_000, backMs: 172_800_000 }
const KEYS = ['from', 'want', 'form', ...Object.keys(DEFAULTS), 'sweep', 'orders', 'shipments']
const FORMS: readonly unknown[] = ['deliverySchedule', 'singleDelivery']
const MAX_MS = Number.MAX_SAFE_INTEGER
const DAY_MS = 86_400_000

export function resolveCatchUp({
  catchUp: given,
  onCatchUp,
  client,
  inbox,
  onOrder,
  deliver,
  fetch,
}: Surroundings): ResolvedCatchUp | undefined {
  checkHasEffect('onCatchUp', onCatchUp, '`catchUp`', given !== undefined)
  if (given === undefined) return undefined
  if (!isObject(given)) throw invalidOption('catchUp', `must be { ${KEYS.join(', ')} }`)
  checkKeys('catchUp', given, KEYS)
  checkFunction('onCatchUp', onCatchUp)
  if (!client) throw invalidOption('catchUp', 'needs `api`, because it polls the Tradecloud API')
  if (!inbox) throw invalidOption('catchUp', 'needs an `inbox`, which stores what was found and the cursor')
  if (typeof (inbox.catchUp as unknown) !== 'function')
    throw invalidOption('catchUp', 'needs an inbox with a method catchUp, such as sqliteInbox or postgresInbox')
  const { from, want, everyMs = DEFAULTS.everyMs, settleMs = DEFAULTS.settleMs } = given
  const { marginMs = DEFAULTS.marginMs, overlapMs = DEFAULTS.overlapMs } = given
  if ((want as unknown) === undefined)
    throw invalidOption('catchUp.want', "is missing: 'all', or a function such as notOwnRequest('buyer')")
  if (want !== 'all' && typeof want !== 'function')
    throw invalidOption('catchUp.want', `is ${show(want)}; it must be 'all' or a function`)
  if (everyMs !== false) checkWholeNumber('catchUp.everyMs', everyMs, 1, MAX_TIMER_MS)
  checkWholeNumber('catchUp.settleMs', settleMs, 0, MAX_MS)
  checkWholeNumber('catchUp.marginMs', marginMs, 0, MAX_MS)
  checkWholeNumber('catchUp.overlapMs', overlapMs, 0, MAX_MS)
  const orders = readList('orders', given.orders)
  const shipments = readList('shipments', given.shipments)
  const pollsOrders = orders.polls ?? (onOrder !== undefined || deliver === false)
  return {
    from: from === undefined ? undefined : checkTime('catchUp.from', from),
    want,
    form: checkForm(given.form, pollsOrders),
    ...{ everyMs, settleMs, marginMs, overlapMs, sweep: readSweep(given.sweep, overlapMs) },
    ...{ orders: orders.polls, orderFilters: orders.filters },
    ...{ shipments: shipments.polls, shipmentFilters: shipments.filters },
    neverFetches: fetch === 'never',
    onCatchUp,
  }
}

function checkForm(form: unknown, isNeeded: boolean): LineForm {
  const allowed = "'deliverySchedule' or 'singleDelivery', the same as that of the webhook in Tradecloud's portal"
  if (form === undefined && isNeeded) throw invalidOption('catchUp.form', `is missing: ${allowed}`)
  if (form !== undefined && !FORMS.includes(form))
    throw invalidOption('catchUp.form', `is ${show(form)}; it must be ${allowed}`)
  return (form ?? 'deliverySchedule') as LineForm
}

function readSweep(sweep: unknown, overlapMs: number): ResolvedCatchUp['sweep'] {
  if (sweep === false) return false
  if (sweep !== undefined && !isObject(sweep))
    throw invalidOption('catchUp.sweep', 'must be false or { everyMs, backMs }')
  checkKeys('catchUp.sweep', sweep ?? {}, Object.keys(SWEEP))
  const { everyMs = SWEEP.everyMs, backMs = Math.max(SWEEP.backMs, overlapMs) } = (sweep ?? {}) as Partial<typeof SWEEP>
  checkWholeNumber('catchUp.sweep.everyMs', everyMs, 1, MAX_MS)
  checkWholeNumber('catchUp.sweep.backMs', backMs, overlapMs, MAX_MS)
  return { everyMs, backMs }
}

function readList(option: 'orders' | 'shipments', list: unknown): { polls: boolean | undefined; filters: object } {
  if (list === undefined) return { polls: undefined, filters: {} }
  if (list === false) return { polls: false, filters: {} }
  const path = `catchUp.${option}`
  if (!isObject(list)) throw invalidOption(path, 'must be false or { filters }')
  checkKeys(path, list, ['filters'])
  const { filters = {} } = list
  if (!isObject(filters)) throw invalidOption(`${path}.filters`, 'must be an object')
  if ('lastUpdatedAfter' in filters)
    throw invalidOption(`${path}.filters`, 'has lastUpdatedAfter, which the catch-up sets itself: see `from`')
  return { polls: true, filters }
}

export function checkRunOptions(options: CatchUpRunOptions): CatchUpRunOptions {
  if (!isObject(options)) throw invalidOption('options', 'must be { from, all, dryRun, signal }')
  checkKeys('', options, ['from', 'all', 'dryRun', 'signal'])
  for (const option of ['all', 'dryRun'] as const) checkBoolean(option, options[option])
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw invalidOption('signal', 'must be an AbortSignal')
  return options.from === undefined ? options : { ...options, from: checkTime('from', options.from) }
}

const TIME = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?)?$/i

/** Checks a time and returns it as ISO 8601 in UTC. */
export function checkTime(option: string, value: unknown): string {
  const allowed = 'it must be a time in ISO 8601, such as 2026-11-01T00:00:00Z, in UTC unless it has a time zone'
  const day = typeof value === 'string' ? TIME.exec(value)?.[1] : undefined
  const instant =
    day === undefined ? NaN : instantOf((value as string).length === 10 ? `${day}T00:00:00Z` : String(value))
  // `Date` would turn 30 February into 2 March.
  const isDay = day !== undefined && new Date(`${day}T00:00:00Z`).getUTCDate() === Number(day.slice(8))
  if (Number.isNaN(instant) || !isDay) throw invalidOption(option, `is ${show(value)}; ${allowed}`)
  if (instant > Date.now() + DAY_MS) throw invalidOption(option, `is ${show(value)}, which is in the future`)
  return new Date(instant).toISOString()
}

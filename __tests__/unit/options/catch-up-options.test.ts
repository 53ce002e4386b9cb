/** The options of the catch-up: what is required, what is allowed, and what each error says. */
import { checkRunOptions, checkTime } from '../../../lib/catch-up/catch-up-options'
import { createTradecloudWorker } from '../../../lib/compose/create-worker'
import type { TradecloudWorkerOptions } from '../../../lib/options/options'
import { API, inertInbox, logger, nothing, refusal, REQUIRED, resolve } from './set-up'

const inbox = { ...inertInbox, catchUp: nothing }
const given = { from: '2025-11-01', want: 'all', form: 'deliverySchedule' }
const complete = { api: API, inbox, catchUp: given }
const refusalOf = (catchUp: unknown, more: object = {}) =>
  refusal({ ...REQUIRED, logger, ...complete, catchUp, ...more })
const resolved = (catchUp: object, more: object = {}) => resolve({ ...complete, ...more, catchUp }).catchUp

test('the defaults', () => {
  expect(resolved(given)).toMatchObject({
    ...{ from: '2025-11-01T00:00:00.000Z', want: 'all', form: 'deliverySchedule', everyMs: 300_000 },
    ...{ settleMs: 600_000, marginMs: 600_000, overlapMs: 900_000, orders: undefined, shipments: undefined },
    sweep: { everyMs: 86_400_000, backMs: 172_800_000 },
  })
  expect(resolve({}).catchUp).toBeUndefined()
})

test('an option that is undefined counts as absent', () => {
  const nothingSet = { from: undefined, everyMs: undefined, settleMs: undefined, sweep: undefined, orders: undefined }
  expect(resolved({ ...given, ...nothingSet, from: undefined })).toMatchObject({ from: undefined, everyMs: 300_000 })
})

test.each<[string, object, string]>([
  ['api', { api: undefined }, '`catchUp` needs `api`'],
  ['an inbox', { inbox: undefined }, '`catchUp` needs an `inbox`'],
  ['an inbox that can', { inbox: inertInbox }, '`catchUp` needs an inbox with a method catchUp'],
  ['want', { catchUp: { ...given, want: undefined } }, "`catchUp.want` is missing: 'all', or a function"],
  ['form', { catchUp: { ...given, form: undefined } }, '`catchUp.form` is missing'],
  ['the option catchUp', { catchUp: undefined, onCatchUp: nothing }, '`onCatchUp` is set without `catchUp`'],
])('requires %s', (_what, more, message) => expect(refusalOf(given, more)).toContain(message))

test('form is required where orders are polled, and only there', () => {
  const without = { from: '2025-11-01', want: 'all' }
  const shipments = { onOrder: undefined, onShipment: nothing }
  expect(resolved(without, shipments)).toMatchObject({ form: 'deliverySchedule' })
  expect(resolved({ ...without, orders: false })).toMatchObject({ orders: false })
  expect(refusalOf({ ...without, orders: {} }, shipments)).toContain('`catchUp.form` is missing')
  expect(refusalOf(without, { onOrder: undefined, deliver: false })).toContain('`catchUp.form` is missing')
})

test.each<[string, unknown, string]>([
  ['a list', [], '`catchUp` must be { from, want, form,'],
  ['a text', 'all', '`catchUp` must be { from, want, form,'],
  ['an unknown key', { ...given, every: 5 }, '`catchUp` has the unknown key "every"; expected one of from, want'],
  ['a wrong want', { ...given, want: 'none' }, '`catchUp.want` is "none"; it must be \'all\' or a function'],
  ['a wrong form', { ...given, form: 'single' }, '`catchUp.form` is "single"; it must be \'deliverySchedule\' or'],
  ['everyMs 0', { ...given, everyMs: 0 }, '`catchUp.everyMs` is 0; it must be a whole number from 1'],
  ['everyMs true', { ...given, everyMs: true }, '`catchUp.everyMs` is true'],
  ['settleMs', { ...given, settleMs: -1 }, '`catchUp.settleMs` is -1'],
  ['marginMs', { ...given, marginMs: 1.5 }, '`catchUp.marginMs` is 1.5'],
  ['overlapMs', { ...given, overlapMs: '5' }, '`catchUp.overlapMs` is "5"'],
  ['sweep true', { ...given, sweep: true }, '`catchUp.sweep` must be false or { everyMs, backMs }'],
  ['an unknown key of sweep', { ...given, sweep: { back: 1 } }, '`catchUp.sweep` has the unknown key "back"'],
  ['a sweep shorter than the overlap', { ...given, sweep: { backMs: 1 } }, '`catchUp.sweep.backMs` is 1'],
  ['orders true', { ...given, orders: true }, '`catchUp.orders` must be false or { filters }'],
  ['an unknown key of orders', { ...given, orders: { filter: {} } }, '`catchUp.orders` has the unknown key "filter"'],
  ['filters', { ...given, shipments: { filters: [] } }, '`catchUp.shipments.filters` must be an object'],
  ['a cursor', { ...given, orders: { filters: { lastUpdatedAfter: 'x' } } }, 'which the catch-up sets itself'],
  ['from', { ...given, from: 'yesterday' }, '`catchUp.from` is "yesterday"; it must be a time in ISO 8601'],
])('%s throws', (_what, catchUp, message) => expect(refusalOf(catchUp)).toContain(message))

test('onCatchUp must be a function', () =>
  expect(refusalOf(given, { onCatchUp: 5 })).toContain('`onCatchUp` is of type number, not a function'))

test.each([
  ['2025-11-01T10:00:00', '2025-11-01T10:00:00.000Z'],
  ['2025-11-01T10:00', '2025-11-01T10:00:00.000Z'],
  ['2025-11-01', '2025-11-01T00:00:00.000Z'],
  ['2025-11-01T10:00:00+02:00', '2025-11-01T08:00:00.000Z'],
  ['2025-11-01T10:00:00.123456Z', '2025-11-01T10:00:00.123Z'],
])('%s means %s', (text, instant) => expect(checkTime('from', text)).toBe(instant))

test.each(['', '2025', '2025-02-30', '2025-13-01', '2025-11-01T25:00', '2025-11-01 10:00', '1 Nov 2025', 5, null])(
  '%j is no time',
  (text) => expect(() => checkTime('from', text)).toThrow('must be a time in ISO 8601'),
)

test('a time in the future is a mistake: nothing would be delivered until then', () =>
  expect(() => checkTime('from', '2999-01-01')).toThrow('which is in the future'))

test.each<[object, string]>([
  [{ since: 'x' }, '`since` is not known; expected one of from, all, dryRun, signal'],
  [{ all: 1 }, '`all` is 1; allowed: true, false'],
  [{ dryRun: 'yes' }, '`dryRun` is "yes"'],
  [{ signal: {} }, '`signal` must be an AbortSignal'],
  [{ from: 'x' }, '`from` is "x"'],
])('a run with %j is refused', (options, message) => expect(() => checkRunOptions(options)).toThrow(message))

test('a worker has the same option', () => {
  const worker = { ...complete, onOrder: nothing, logger } as unknown as TradecloudWorkerOptions
  expect(() => createTradecloudWorker({ ...worker, catchUp: { ...given, want: undefined } as never })).toThrow('want')
})

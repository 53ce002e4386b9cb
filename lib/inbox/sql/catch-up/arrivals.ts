/**
 * Arrival records: which parts of an order or shipment have arrived in events, and when these parts had last changed.
 */
import type { Arrival, Arrivals, Mark } from '../../catch-up/arrivals'
import type { EntityKind, EntityName, LineForm } from '../../catch-up/parts'
import { keptId } from '../../../events/entity'
import { entityKeyOf, escaped } from '../names'
import { insert, RUNNING, WAITING, type Tables, type SqlValue } from '../tables'

/**
 * The origin of a record. `fetched`: a fetch for a GET trigger. A fetch always returns delivery schedules, so the form
 * in which events arrive stays unknown. `documents`: a documents event. It covers no part, so only the time of its
 * change is stored.
 */
type StoredForm = LineForm | 'fetched' | 'documents'

const FORMS: readonly StoredForm[] = ['deliverySchedule', 'singleDelivery', 'fetched', 'documents']
const DOCUMENTS = 'documents'
/**
 * Maximum number of records per event, far more than the 500 lines of the largest order that Tradecloud documents.
 * Further parts get no record, and may be delivered twice.
 */
const MAX_MARKS = 5_000
export const AT_A_TIME = 200

/** An arrival that is about to be stored. */
export interface RecordedArrival {
  name: string
  arrival: Arrival
  /** Number of the event. If the event is quarantined later, its records are removed. */
  event: number
  /** True if the parts were fetched for a GET trigger. */
  fetched?: boolean | undefined
}

export async function recordArrivals(tables: Tables, recorded: readonly RecordedArrival[]): Promise<void> {
  const rows = new Map<string, Record<string, SqlValue>>()
  for (const one of recorded)
    for (const row of rowsOf(one)) {
      const key = JSON.stringify([row.entity, row.form, row.part, row.hash])
      // Only the newest of several records with the same key is stored, because a statement cannot change a row twice.
      if (!(Number(rows.get(key)?.changed) > Number(row.changed))) rows.set(key, row)
    }
  await insert(
    tables,
    'arrivals',
    [...rows.values()],
    `ON CONFLICT (entity, form, part, hash) DO UPDATE SET changed = excluded.changed, event = excluded.event
     WHERE excluded.changed >= arrivals.changed`,
  )
}

function rowsOf({ name, arrival, event, fetched = false }: RecordedArrival): Array<Record<string, SqlValue>> {
  const { kind, id, marks, documentsAt } = arrival
  const entity = entityKeyOf(name, kind, keptId(id))
  const rowOf = (form: StoredForm, { name: part, hash, time: changed }: Mark) => {
    return { entity, form, part, hash, changed, list: listOf(name, kind, form), event }
  }
  const form = fetched ? 'fetched' : arrival.form
  const rows = marks.slice(0, MAX_MARKS).map((mark) => rowOf(form, mark))
  if (documentsAt !== undefined)
    rows.push(rowOf(DOCUMENTS, { name: DOCUMENTS, hash: String(documentsAt), time: documentsAt }))
  return rows
}

/** The value of the column `list`, by which records are deleted and the newest record is found. */
function listOf(name: string, kind: EntityKind, form: StoredForm): string {
  return `${escaped(name)}:${kind}:${form}`
}

/** Removes the records of an event that is quarantined, or whose delivered content differs from what was recorded. */
export function removeArrivalsOf(tables: Tables, queue: number, event: number) {
  const sql = 'DELETE FROM arrivals WHERE entity = (SELECT key FROM queues WHERE queue = ?) AND event = ?'
  return tables.run(sql, queue, event)
}

export async function arrivals(
  tables: Tables,
  { name, kind, id, form }: { name: string } & EntityName,
): Promise<Arrivals> {
  const entity = entityKeyOf(name, kind, keptId(id))
  const rows = await tables.all<{ form: StoredForm; part: string; hash: string; changed: number }>(
    'SELECT form, part, hash, changed FROM arrivals WHERE entity = ?',
    entity,
  )
  const fetch = await tables.get<{ state: number | null }>(
    `SELECT min(state) AS state FROM events
     WHERE queue = (SELECT queue FROM queues WHERE key = ?) AND state < 2 AND occurrence IS NULL`,
    entity,
  )
  const covers = (stored: StoredForm): boolean =>
    stored === form || (stored === 'fetched' && form === 'deliverySchedule')
  return {
    marks: rows
      .filter((row) => covers(row.form))
      .map(({ part, hash, changed }) => ({ name: part, hash, time: changed })),
    documentsAt: rows.filter((row) => row.form === DOCUMENTS).map(({ changed }) => changed),
    isFetchWaiting: fetch?.state === WAITING,
    isFetching: fetch?.state === RUNNING,
  }
}

/**
 * The newest change among the records with this form. Records with `fetched` do not count: a fetch returns delivery
 * schedules, whatever the form in which events arrive.
 */
export async function newestArrival(
  tables: Tables,
  { name, kind, form }: { name: string } & Pick<EntityName, 'kind' | 'form'>,
): Promise<number | undefined> {
  const row = await tables.get<{ newest: number | null }>(
    'SELECT max(changed) AS newest FROM arrivals WHERE list = ?',
    listOf(name, kind, form),
  )
  return row?.newest ?? undefined
}

/**
 * Deletes the records of a kind up to a time. Includes the forms that are not polled, because their records need not
 * be kept longer. Returns true if there are more records to delete.
 */
export async function forgetUpTo(tables: Tables, name: string, kind: EntityKind, time: number): Promise<boolean> {
  const lists = FORMS.map((form) => listOf(name, kind, form))
  return deleteSome(tables, lists, 'changed <= ?', time)
}

/** Returns true if there are more records to delete. */
export async function forgetLaterThan(
  tables: Tables,
  name: string,
  { kind, form }: Pick<EntityName, 'kind' | 'form'>,
  time: number,
): Promise<boolean> {
  const forms = form === 'deliverySchedule' ? ([form, 'fetched'] as const) : [form]
  const lists = forms.map((one) => listOf(name, kind, one))
  return deleteSome(tables, lists, 'changed > ?', time)
}

/** Returns true if there are more records to delete. */
export async function forgetAll(tables: Tables, name: string): Promise<boolean> {
  const lists = FORMS.flatMap((form) => [listOf(name, 'order', form), listOf(name, 'shipment', form)])
  return deleteSome(tables, lists, 'changed <= ?', Number.MAX_SAFE_INTEGER)
}

/** Selects the rows in a fixed order, to avoid deadlocks of two transactions that delete the same rows. */
async function deleteSome(tables: Tables, lists: string[], condition: string, time: number): Promise<boolean> {
  for (const list of lists) {
    const deleted = await tables.run(
      `DELETE FROM arrivals WHERE (entity, form, part, hash) IN (
         SELECT entity, form, part, hash FROM arrivals WHERE list = ? AND ${condition} ORDER BY changed LIMIT ${AT_A_TIME})`,
      ...[list, time],
    )
    if (deleted === AT_A_TIME) return true
  }
  return false
}

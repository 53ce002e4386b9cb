/**
 * Queries and actions of operators: list, show, replay, give up, purge and statistics, and a check that the inbox
 * works.
 */
import type { EventKind } from '../../events/events'
import type { InboxEntry, InboxPage, InboxStats, ListOptions } from '../inbox'
import { STATES, type InboxState, type StoredEvent } from '../stored-event'
import { requeue } from './accept'
import { reversed } from './names'
import { updateQueue, type QueueRow } from './queues'
import { removeEvent } from './settle'
import { freeStranded, strandedEvents, type Stranded } from './stranded'
import { DEAD, DELIVERED, QUARANTINED, RUNNING, WAITING, type Tables } from './tables'

const MAX_PAGE = 1_000

interface EventRow {
  event: number
  id: string
  name: string
  kind: EventKind
  received: number
  state: number
  attempts: number
  bytes: number
  has_body: number
  due: number
  settled: number | null
  outcome: string | null
  reason: string | null
  queue: number | null
  head: string
  first: string | null
}

/** The columns of an entry. `first`: for a waiting event, the ID of the event that is first in its queue. */
const COLUMNS = `event, id, name, kind, received, state, attempts, bytes, has_body, due, settled, outcome, reason, queue,
  head, CASE WHEN state = ${WAITING} THEN (SELECT e.id FROM events AS e WHERE e.queue = events.queue AND e.state < 2
  ORDER BY e.seq LIMIT 1) END AS first`

/**
 * The condition for the end of an entity's ID. The queues show where to look for waiting and running events. Ranges are
 * used instead of LIKE, which would not use the indexes, and treats % and _ as wildcards.
 */
const ENDS_WITH = `event IN (
  SELECT event FROM events WHERE state < 2 AND queue IN (SELECT queue FROM queues WHERE key >= ? AND key < ?)
    AND reversed_entity_id >= ? AND reversed_entity_id < ?
  UNION ALL
  SELECT event FROM events WHERE state >= 2 AND reversed_entity_id >= ? AND reversed_entity_id < ?)`

export async function list(
  tables: Tables,
  { limit = 100, after, newestFirst = false, ...filter }: ListOptions,
): Promise<InboxPage> {
  const conditions: string[] = []
  const values: Array<string | number> = []
  const where = (condition: string, ...parameters: Array<string | number>): void => {
    conditions.push(condition)
    values.push(...parameters)
  }
  if (filter.id !== undefined) where('id >= ? AND id < ?', filter.id, afterAll(filter.id))
  const stranded = await strandedEvents(tables)
  if (filter.state !== undefined) where(...ofState(filter.state, [...stranded.keys()]))
  if (filter.kind !== undefined) where('kind = ?', filter.kind)
  if (filter.eventName !== undefined) where('event_name = ?', filter.eventName)
  if (filter.entityId !== undefined) {
    const end = reversed(filter.entityId)
    const range = [end, afterAll(end)]
    where(ENDS_WITH, ...range, ...range, ...range)
  }
  if (filter.since) where('received >= ?', filter.since.getTime())
  if (filter.before) where('received < ?', filter.before.getTime())
  if (after !== undefined) where(newestFirst ? 'event < ?' : 'event > ?', Number(after))
  const size = Math.min(Math.max(1, limit), MAX_PAGE)
  const rows = await tables.all<EventRow>(
    `SELECT ${COLUMNS} FROM events ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
     ORDER BY event ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
    ...values,
    size + 1,
  )
  const page = rows.slice(0, size)
  const last = page.at(-1)
  return {
    entries: page.map((row) => entryOf(row, stranded)),
    next: rows.length > size && last ? String(last.event) : undefined,
  }
}

/** In the result, `body` is the number of the event if its body is kept. */
export async function show(tables: Tables, id: string) {
  const row = await find(tables, id)
  if (!row) return undefined
  const attempts = await tables.all<{
    begun: number
    ended: number | null
    outcome: string | null
    reason: string | null
  }>('SELECT begun, ended, outcome, reason FROM attempts WHERE event = ? ORDER BY number', row.event)
  return {
    body: row.has_body === 1 ? row.event : undefined,
    entry: entryOf(row, await strandedEvents(tables)),
    event: headOf(row),
    attempts: attempts.map(({ begun, ended, outcome, reason }) => ({
      begunAt: isoOf(begun),
      endedAt: ended === null ? undefined : isoOf(ended),
      outcome: outcome ?? undefined,
      reason: reason ?? undefined,
    })),
  }
}

export async function replay(tables: Tables, id: string): Promise<boolean> {
  const row = await findFree(tables, id)
  if (!row || row.state === RUNNING || (row.bytes > 0 && row.has_body === 0)) return false
  if (row.state !== WAITING) return requeue(tables, row.event, row.state, true)
  return changeWaiting(tables, row, 'due = ?, replay = 1', tables.now)
}

export async function giveUp(tables: Tables, { id, reason }: { id: string; reason: string }): Promise<boolean> {
  const row = await findFree(tables, id)
  if (row?.state !== WAITING) return false
  const change = `state = ${DEAD}, settled = ?, outcome = 'given_up', reason = ?`
  return changeWaiting(tables, row, change, tables.now, reason)
}

/** Returns false if a process has taken the event meanwhile. */
async function changeWaiting(
  tables: Tables,
  { event, queue: number }: EventRow,
  change: string,
  ...values: Array<string | number>
): Promise<boolean> {
  const sql = `SELECT queue, owner FROM queues WHERE queue = ?${tables.lock}`
  const queue = await tables.get<QueueRow>(sql, number)
  const changed = await tables.run(
    `UPDATE events SET ${change} WHERE event = ? AND state = ${WAITING}`,
    ...[...values, event],
  )
  if (queue?.owner === null) await updateQueue(tables, queue.queue)
  return changed === 1
}

export async function purge(tables: Tables, id: string): Promise<boolean> {
  const row = await find(tables, id)
  if (row?.state !== DEAD && row?.state !== QUARANTINED) return false
  await removeEvent(tables, row.event)
  return true
}

export async function stats(tables: Tables): Promise<InboxStats> {
  const counts = await tables.all<{ state: number; count: number; bytes: number }>(
    `SELECT state, CAST(count(*) AS BIGINT) AS count, CAST(sum(bytes) AS BIGINT) AS bytes FROM events GROUP BY state`,
  )
  const of = (state: number) => counts.find((row) => row.state === state) ?? { count: 0, bytes: 0 }
  const oldest = await tables.get<{ received: number | null }>(
    `SELECT min(received) AS received FROM events WHERE event IN (
       (SELECT min(event) FROM events WHERE state = ${WAITING}), (SELECT min(event) FROM events WHERE state = ${RUNNING}))`,
  )
  const { size: stranded } = await strandedEvents(tables)
  return {
    waiting: of(WAITING).count + stranded,
    running: of(RUNNING).count - stranded,
    delivered: of(DELIVERED).count,
    dead: of(DEAD).count,
    quarantined: of(QUARANTINED).count,
    waitingBytes: of(WAITING).bytes + of(RUNNING).bytes,
    oldestWaitingAt: oldest?.received == null ? undefined : new Date(oldest.received),
  }
}

/** Tests with a small write whether an event could be stored. */
export async function check(tables: Tables): Promise<void> {
  await tables.run(
    `INSERT INTO meta (key, value) VALUES ('checked', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    String(tables.now),
  )
}

/** The end of a range that contains all texts with this beginning. */
function afterAll(beginning: string): string {
  return `${beginning}\u{10ffff}`
}

function find(tables: Tables, id: string) {
  return tables.get<EventRow>(`SELECT ${COLUMNS} FROM events WHERE id = ?`, id)
}

async function findFree(tables: Tables, id: string): Promise<EventRow | undefined> {
  const row = await find(tables, id)
  if (row?.state !== RUNNING) return row
  await freeStranded(tables, row.event)
  return find(tables, id)
}

/** The condition for events in a state. Stranded events count as waiting. */
function ofState(state: InboxState, stranded: number[]): [condition: string, ...values: number[]] {
  const number = STATES.indexOf(state)
  const places = stranded.map(() => '?').join(', ')
  if (places === '' || number > RUNNING) return ['state = ?', number]
  return number === WAITING
    ? [`(state = ? OR event IN (${places}))`, number, ...stranded]
    : [`state = ? AND event NOT IN (${places})`, number, ...stranded]
}

/** The stored event. If its JSON is damaged, contains only what other columns contain too. */
function headOf({ head, id, name, kind, received }: EventRow): StoredEvent {
  try {
    return JSON.parse(head) as StoredEvent
  } catch {
    const unknown = { format: 1, trigger: 'body', method: 'POST', path: '', digest: '', requestId: '' } as const
    return { ...unknown, id, name, kind, receivedAt: isoOf(received) }
  }
}

function entryOf(row: EventRow, stranded: Stranded): InboxEntry {
  const state = stranded.has(row.event) ? WAITING : row.state
  const { attempts, bytes, due, settled, outcome, reason, first } = row
  const { id, name, trigger, kind, eventName, entity, receivedAt, requestId } = headOf(row)
  return {
    id,
    name,
    trigger,
    kind,
    eventName,
    entity,
    receivedAt,
    requestId,
    state: STATES[state] ?? 'waiting',
    attempts,
    bytes,
    outcome: outcome ?? undefined,
    reason: reason ?? undefined,
    nextAttemptAt: state === WAITING && attempts > 0 ? isoOf(due) : undefined,
    waitsBehind: first === null || first === row.id ? undefined : first,
    settledAt: settled === null ? undefined : isoOf(settled),
  }
}

function isoOf(time: number): string {
  return new Date(time).toISOString()
}

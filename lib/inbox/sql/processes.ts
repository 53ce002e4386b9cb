/** The processes that share an inbox: their callbacks, and the queues of those that have ended. */
import { randomUUID } from 'node:crypto'
import type { EventKind } from '../../events/events'
import type { Wanted } from '../inbox'
import { keepCallbacks, NOTHING } from './former-callbacks'
import { useCatchUp } from './catch-up/used'
import { ANY_KIND, reversed } from './names'
import type { ProcessIdentity } from './process-identity'
import { insert, RUNNING, type Tables, type SqlValue, WAITING } from './tables'
import { DAMAGED, shortenWaits, type WantedQueues } from './take'

/** A process that has not renewed its lease for this long counts as ended or frozen. */
export const LEASE_MS = 15_000
export const RENEW_EVERY_MS = LEASE_MS / 3

export interface ProcessRow {
  id: string
  /** The `ProcessIdentity` as JSON. NULL if the processes may be on several machines, where PIDs are not comparable. */
  identity: string | null
  lease: number
}

interface Registration {
  name: string
  wanted: readonly Wanted[]
  identity: ProcessIdentity | undefined
  catchUp?: boolean | undefined
}

/** Registers a process that takes events. Returns the ID with which it owns queues. */
export async function register(
  tables: Tables,
  { name, wanted, identity, catchUp = false }: Registration,
): Promise<string> {
  const id = randomUUID()
  const { time, boot: clock } = tables.monotonic()
  if (catchUp) await useCatchUp(tables, name)
  const announced = { id, name, wanted: JSON.stringify(wanted), identity: identity ? JSON.stringify(identity) : null }
  await insert(tables, 'processes', [{ ...announced, lease: 0, renewed: time, clock }])
  return id
}

/** Returns false if the lease was lost because another process has freed the events. */
export async function renew(tables: Tables, id: string): Promise<boolean> {
  const { time } = tables.monotonic()
  return (await tables.run('UPDATE processes SET lease = lease + 1, renewed = ? WHERE id = ?', time, id)) === 1
}

/** Called for a process that takes no more events, but still owns the events that it has taken. */
export async function retire(tables: Tables, id: string): Promise<void> {
  await keepCallbacks(tables, id)
  await tables.run('UPDATE processes SET wanted = ? WHERE id = ?', NOTHING, id)
}

export async function remove(tables: Tables, id: string): Promise<void> {
  await keepCallbacks(tables, id)
  await tables.run('DELETE FROM processes WHERE id = ?', id)
  await free(tables, 'owner = ?', id)
}

/**
 * Frees the queues that match the condition. Their running events become waiting, so that operators can give them up.
 * Rows are locked in a fixed order, so that two transactions cannot deadlock.
 */
export async function free(tables: Tables, condition: string, ...values: SqlValue[]): Promise<void> {
  const queues = await tables.all<{ queue: number }>(
    `SELECT queue FROM queues WHERE ${condition}${tables.lock && ` ORDER BY key${tables.lock}`}`,
    ...values,
  )
  for (const { queue } of queues) {
    await tables.run(`UPDATE events SET state = ${WAITING} WHERE queue = ? AND state = ${RUNNING}`, queue)
    await tables.run('UPDATE queues SET owner = NULL, token = NULL WHERE queue = ?', queue)
  }
}

/** The processes, the queues that `owner` has taken, and the queues whose first event cannot be read. */
export async function survey(tables: Tables, owner = '') {
  const processes = await tables.all<ProcessRow>('SELECT id, identity, lease FROM processes')
  const ownedSql = `SELECT queue, token FROM queues WHERE owner = ?${tables.lock && ' ORDER BY key'}`
  const owned = await tables.all<OwnedQueue>(ownedSql, owner)
  const damaged = await tables.all<{ key: string }>('SELECT key FROM queues WHERE owner = ?', DAMAGED)
  return { processes, owned, damaged: damaged.map(({ key }) => reversed(key)) }
}

/** A queue that a process has taken, and the token of the call of `take` that took it. */
export interface OwnedQueue {
  queue: number
  token: number
}

export interface Tidying extends WantedQueues {
  /**
   * Processes to remove because they have ended or are frozen. A process that has renewed its lease meanwhile is kept.
   */
  gone: readonly ProcessRow[]
  owner: string | undefined
  /** Queues of the owner to free, because they belong to no delivery. */
  lost: readonly OwnedQueue[]
  maxDelayMs: number
}

/** Returns true if there may be something to take now. */
export async function tidy(tables: Tables, { gone, owner = '', lost, ...waits }: Tidying): Promise<boolean> {
  for (const { id, lease } of gone)
    if (await tables.get(`SELECT id FROM processes WHERE id = ? AND lease = ?${tables.lock}`, id, lease))
      await remove(tables, id)
  for (const { queue, token } of lost) await free(tables, 'queue = ? AND owner = ? AND token = ?', queue, owner, token)
  return (await shortenWaits(tables, waits)) || gone.length > 0 || lost.length > 0
}

/**
 * The callbacks of the current processes with this name, and of those that ended less than an hour ago. Time in which
 * no process ran does not count towards the hour. Reads both in one statement, because a process may end or start
 * between two statements.
 */
export async function wantedBy(tables: Tables, name: string): Promise<Wanted[]> {
  const both =
    'SELECT wanted FROM processes WHERE name = ? UNION ALL SELECT wanted FROM former_callbacks WHERE name = ?'
  return parseWanted(await tables.all(both, name, name))
}

function parseWanted(rows: Array<{ wanted: string }>): Wanted[] {
  return rows.flatMap(({ wanted }) => JSON.parse(wanted) as Wanted[])
}

export function includes(wanted: readonly Wanted[], kind: EventKind, eventName: string | undefined): boolean {
  return wanted.some(
    (one) =>
      one.kind === kind &&
      (one.eventNames === undefined || (eventName !== undefined && one.eventNames.includes(eventName))),
  )
}

/** The kinds and names of events that have been due for the given time while no process has a callback for them. */
export async function untaken(
  tables: Tables,
  { name, handlerTimeoutMs }: { name: string; handlerTimeoutMs: number },
): Promise<string[]> {
  const wanted = parseWanted(await tables.all('SELECT wanted FROM processes WHERE name = ?', name))
  const late = await tables.all<{ kind: EventKind; event_name: string }>(
    `SELECT kind, event_name FROM queues WHERE owner IS NULL AND name = ? AND kind <> '${ANY_KIND}'
     GROUP BY kind, event_name HAVING min(due) < ?`,
    ...[name, tables.now - handlerTimeoutMs],
  )
  return late
    .filter(({ kind, event_name }) => !includes(wanted, kind, event_name || undefined))
    .map(({ kind, event_name }) => [kind, event_name].filter(Boolean).join(' '))
}

/** The processes that share an inbox: what they take, and the queues of those that are gone. */
import { randomUUID } from 'node:crypto'
import type { EventKind } from '../../events/events'
import type { Wanted } from '../event-log'
import { ANY_KIND } from './names'
import { isGone, type ProcessIdentity } from './process-identity'
import { insert, type Tables, type Value } from './tables'

/** A process that does not renew its lease within this time is taken to be gone or frozen. */
export const LEASE_MS = 15_000
export const RENEW_EVERY_MS = LEASE_MS / 3

interface ProcessRow {
  id: string
  pid: number
  pid_namespace: string | null
  start_time: string | null
  boot: string
  lease: number
}

export interface Registration {
  name: string
  wanted: readonly Wanted[]
  identity: ProcessIdentity
}

/** Registers a process that takes deliveries. Returns the ID under which it owns queues. */
export async function register(tables: Tables, { name, wanted, identity }: Registration): Promise<string> {
  const id = randomUUID()
  const { pid, pidNamespace = null, startTime = null, boot } = identity
  const row = {
    id,
    name,
    wanted: JSON.stringify(wanted),
    pid,
    pid_namespace: pidNamespace,
    start_time: startTime,
    boot,
  }
  await insert(tables, 'processes', { ...row, lease: 0 })
  return id
}

/** False if the lease was lost: another process has given what was taken to the others. */
export async function renew(tables: Tables, id: string): Promise<boolean> {
  return (await tables.run('UPDATE processes SET lease = lease + 1 WHERE id = ?', id)) === 1
}

/** The process takes nothing more, and still owns what it has taken. */
export async function retire(tables: Tables, id: string): Promise<void> {
  await tables.run("UPDATE processes SET wanted = '[]' WHERE id = ?", id)
}

export async function remove(tables: Tables, id: string): Promise<void> {
  await tables.run('DELETE FROM processes WHERE id = ?', id)
  await free(tables, 'owner = ?', id)
}

/** In one order, as everywhere, so that no two transactions wait for each other. */
async function free(tables: Tables, condition: string, ...values: Value[]): Promise<void> {
  const rows = `SELECT queue FROM queues WHERE ${condition}${tables.lock && ` ORDER BY key${tables.lock}`}`
  await tables.run(`UPDATE queues SET owner = NULL, token = NULL WHERE queue IN (${rows})`, ...values)
}

/** What was taken by calls whose results were lost. Their tokens follow one another. */
export interface LostTakes {
  owner: string
  first: number
  last: number
}

export function freeLost(tables: Tables, { owner, first, last }: LostTakes): Promise<void> {
  return free(tables, 'owner = ? AND token BETWEEN ? AND ?', owner, first, last)
}

/** Removes processes that ended or stand still, so that others take over. Returns their PIDs. */
export async function removeGone(
  tables: Tables,
  { ownId, identity }: { ownId: string | undefined; identity: ProcessIdentity | undefined },
): Promise<number[]> {
  const rows = await tables.all<ProcessRow>('SELECT * FROM processes')
  const gone = rows.filter((row) => row.id !== ownId && (standsStill(row) || hasEnded(row, identity)))
  for (const { id } of gone) {
    await remove(tables, id)
    seen.delete(id)
  }
  return gone.map(({ pid }) => pid)
}

/** What this process has seen of each lease: how often it was renewed, and since when by the monotonic clock. */
const seen = new Map<string, { lease: number; since: number; lookedAt: number }>()

/**
 * True if the lease was not renewed while this process watched for the whole time. Clocks are not compared, because any of
 * them may be wrong. While the database is down no process can watch, so that each gets the full time to renew afterwards.
 */
function standsStill({ id, lease }: ProcessRow): boolean {
  const now = performance.now()
  const before = seen.get(id)
  const isSame = before?.lease === lease && now - before.lookedAt < RENEW_EVERY_MS
  const since = isSame ? before.since : now
  seen.set(id, { lease, since, lookedAt: now })
  return now - since > LEASE_MS
}

/** `own`: only where all processes are on one machine. */
function hasEnded({ pid, pid_namespace, start_time, boot }: ProcessRow, own: ProcessIdentity | undefined): boolean {
  const identity = { pid, pidNamespace: pid_namespace ?? undefined, startTime: start_time ?? undefined, boot }
  return own !== undefined && isGone(identity, own)
}

export async function wantedBy(tables: Tables, name: string): Promise<Wanted[]> {
  const rows = await tables.all<{ wanted: string }>('SELECT wanted FROM processes WHERE name = ?', name)
  return rows.flatMap(({ wanted }) => JSON.parse(wanted) as Wanted[])
}

/** The kinds and names of the events that wait and belong to no process, and since when the first of each is due. */
export async function unowned(tables: Tables, name: string) {
  return tables.all<{ kind: EventKind; event_name: string; due: number }>(
    `SELECT kind, event_name, min(due) AS due FROM queues WHERE owner IS NULL AND name = ? AND kind <> '${ANY_KIND}'
     GROUP BY kind, event_name`,
    name,
  )
}

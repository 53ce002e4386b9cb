/**
 * Runs requested at the command line. Each request is a row. The process with the catch-up takes the request, and
 * stores its reports in the row.
 */
import { randomUUID } from 'node:crypto'
import type { CatchUpRequest, RunStatus } from '../../catch-up/storage'
import { LEASE_MS } from '../processes'
import { insert, type Tables } from '../tables'

/** A request expires if no process takes it, or if its process does not report, for this long. */
const VOID_MS = 60_000
const KEPT_MS = 86_400_000

interface RequestRow {
  id: string
  request: string
  state: RunStatus['state']
  report: string | null
  /** When the request last changed, on the clock of leases: it was created or taken, or its run reported. */
  reported: number
  boot: string
}

export async function requestRun(
  tables: Tables,
  { name, request }: { name: string; request: CatchUpRequest },
): Promise<string> {
  const id = randomUUID()
  const { time, boot } = tables.monotonic()
  await tables.run('DELETE FROM run_requests WHERE created <= ?', tables.now - KEPT_MS)
  const waiting = { id, name, request: JSON.stringify(request), state: 'waiting', created: tables.now }
  await insert(tables, 'run_requests', [{ ...waiting, reported: time, boot }])
  return id
}

/** The oldest request that can be taken: it is waiting, or its process has not reported for the duration of a lease. */
export async function findRequest(tables: Tables, name: string): Promise<RequestRow | undefined> {
  const { time, boot } = tables.monotonic()
  return tables.get<RequestRow>(
    `SELECT id, request, state, report, reported, boot FROM run_requests
     WHERE name = ? AND boot = ? AND (state = 'waiting' AND reported > ? OR state = 'running' AND reported > ? AND reported <= ?)
     ORDER BY created, id LIMIT 1`,
    ...[name, boot, time - VOID_MS, time - VOID_MS, time - LEASE_MS],
  )
}

export async function takeRequest(
  tables: Tables,
  name: string,
): Promise<{ id: string; request: CatchUpRequest } | undefined> {
  const found = await findRequest(tables, name)
  if (!found) return undefined
  const { id, reported, request } = found
  const { time } = tables.monotonic()
  const sql = "UPDATE run_requests SET state = 'running', reported = ? WHERE id = ? AND reported = ? AND state = ?"
  const taken = await tables.run(sql, time, id, reported, found.state)
  return taken === 1 ? { id, request: JSON.parse(request) as CatchUpRequest } : undefined
}

export async function reportRun(
  tables: Tables,
  { id, status: { state, report } }: { id: string; status: RunStatus },
): Promise<void> {
  const { time, boot } = tables.monotonic()
  const sql = 'UPDATE run_requests SET state = ?, report = ?, reported = ?, boot = ? WHERE id = ?'
  await tables.run(sql, state, report === undefined ? null : JSON.stringify(report), time, boot, id)
}

export async function runStatus(
  tables: Tables,
  id: string,
): Promise<(RunStatus & { reportedAgoMs: number }) | undefined> {
  const sql = 'SELECT state, report, reported, boot FROM run_requests WHERE id = ?'
  const row = await tables.get<RequestRow>(sql, id)
  if (!row) return undefined
  const { time, boot } = tables.monotonic()
  return {
    state: row.state,
    report: row.report === null ? undefined : (JSON.parse(row.report) as Record<string, unknown>),
    // If the last report was made before the machine was restarted, the process has ended.
    reportedAgoMs: row.boot === boot ? Math.max(0, time - row.reported) : Infinity,
  }
}

export async function withdrawRequest(tables: Tables, id: string): Promise<boolean> {
  return (await tables.run("DELETE FROM run_requests WHERE id = ? AND state = 'waiting'", id)) === 1
}

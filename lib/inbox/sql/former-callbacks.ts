/**
 * The callbacks of processes that have ended. A process that is restarting may be the only one with a callback, so
 * events that arrive meanwhile must be stored, not answered as `ignored`.
 */
import { sha256 } from '../../bytes/digest'
import type { Tables } from './tables'

/** For how long after the end of a process its callbacks are treated as if the process were running. */
const KEPT_MINUTES = 60
/** The value of `processes.wanted` for a process without callbacks. */
export const NOTHING = JSON.stringify([])

/**
 * The callbacks of a former process. Their age is counted in minutes instead of computed from a time, because clocks
 * may be changed. The age does not grow while no process runs.
 */
export interface FormerRow {
  id: string
  minutes: number
}

/** Records the callbacks of a process that is ending. */
export async function keepCallbacks(tables: Tables, process: string): Promise<void> {
  const row = await tables.get<{ name: string; wanted: string }>(
    'SELECT name, wanted FROM processes WHERE id = ?',
    process,
  )
  if (row === undefined || row.wanted === NOTHING) return
  await tables.run(
    `INSERT INTO former_callbacks (id, name, wanted, minutes) VALUES (?, ?, ?, 0)
     ON CONFLICT (id) DO UPDATE SET minutes = 0`,
    ...[sha256(`${row.name}\n${row.wanted}`), row.name, row.wanted],
  )
}

/** Called once a minute with the rows of the previous call, so that two processes cannot count the same minute. */
export async function ageCallbacks(tables: Tables, before: readonly FormerRow[]): Promise<FormerRow[]> {
  for (const { id, minutes } of before)
    await tables.run('UPDATE former_callbacks SET minutes = minutes + 1 WHERE id = ? AND minutes = ?', id, minutes)
  await tables.run('DELETE FROM former_callbacks WHERE minutes >= ?', KEPT_MINUTES)
  // The next call updates the rows in this order. It is fixed, so that the updates of two processes cannot deadlock.
  return tables.all<FormerRow>('SELECT id, minutes FROM former_callbacks ORDER BY id')
}

/**
 * What processes that left had callbacks for. A process that crashed or restarts may be the only one with a callback: what
 * arrives meanwhile must be stored, and not answered as `ignored`.
 */
import { sha256 } from '../../bytes/sha256'
import type { Wanted } from '../inbox'
import type { Tables } from './tables'

/** How long they count after the last process with them has left. */
const KEPT_MINUTES = 60
/** `processes.wanted` of a process that takes nothing. */
export const NOTHING = JSON.stringify([])

/** Their age is counted, and not compared with a clock, which may be set meanwhile. While no process runs, they stay. */
export interface FormerRow {
  id: string
  minutes: number
}

/** Of a process that is about to leave. */
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

/** Called once a minute, with the result of the call before: what another process has counted meanwhile is not counted twice. */
export async function ageCallbacks(tables: Tables, before: readonly FormerRow[]): Promise<FormerRow[]> {
  for (const { id, minutes } of before)
    await tables.run('UPDATE former_callbacks SET minutes = minutes + 1 WHERE id = ? AND minutes = ?', id, minutes)
  await tables.run('DELETE FROM former_callbacks WHERE minutes >= ?', KEPT_MINUTES)
  // In one order, so that no two transactions wait for each other.
  return tables.all<FormerRow>('SELECT id, minutes FROM former_callbacks ORDER BY id')
}

export async function formerlyWanted(tables: Tables, name: string): Promise<Wanted[]> {
  return parseWanted(await tables.all<WantedRow>('SELECT wanted FROM former_callbacks WHERE name = ?', name))
}

interface WantedRow {
  wanted: string
}

export function parseWanted(rows: readonly WantedRow[]): Wanted[] {
  return rows.flatMap(({ wanted }) => JSON.parse(wanted) as Wanted[])
}

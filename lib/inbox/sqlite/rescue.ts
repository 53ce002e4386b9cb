/** Copies events out of a file that was deleted or replaced while it was open. */
import type { StoredEvent } from '../stored-event'
import { accept, beginUpload, writePart } from '../sql/accept'
import { PARTS_PER_BODY } from '../sql/tables'
import type { SqliteTables } from './tables'

/** Writes the content of the open file into a new file. */
export function copyTo(tables: SqliteTables, path: string): void {
  tables.run('VACUUM INTO ?', path)
  tables.run('ATTACH ? AS copy', path)
  // The mark names a log that the new file does not have, so it is removed.
  tables.run("DELETE FROM copy.meta WHERE key = 'log'")
  tables.run('DETACH copy')
}

/**
 * Stores the undelivered events of another file as if they were received again: a duplicate changes nothing, and an
 * event that is dead or quarantined here is queued again.
 */
export async function takeOver(tables: SqliteTables, path: string): Promise<void> {
  tables.run('ATTACH ? AS other', path)
  try {
    const rows = tables.all<{ event: number; head: string; bytes: number }>(
      'SELECT event, head, bytes FROM other.events WHERE state < 2 ORDER BY seq',
    )
    for (const row of rows) await takeOverOne(tables, row)
  } finally {
    tables.run('DETACH other')
  }
}

async function takeOverOne(
  tables: SqliteTables,
  { event, head, bytes }: { event: number; head: string; bytes: number },
): Promise<void> {
  const range = [event * PARTS_PER_BODY, (event + 1) * PARTS_PER_BODY]
  const parts = tables.all<{ data: Uint8Array }>(
    'SELECT data FROM other.bodies WHERE part >= ? AND part < ? ORDER BY part',
    ...range,
  )
  tables.begin(false)
  try {
    const upload = await beginUpload(tables)
    for (const [part, { data: bytes }] of parts.entries()) await writePart(tables, { event: upload, part, bytes })
    await accept(tables, { event: JSON.parse(head) as StoredEvent, size: bytes, upload })
    tables.commit()
  } catch (error) {
    tables.run('ROLLBACK')
    throw error
  }
}

/** Removes expired data, a limited number of rows at a time. */
import { removeUpload } from './accept'
import { pruneCatchUps } from './catch-up/used'
import { removeEvent, removeKept } from './settle'
import type { ResolvedKeep } from './options'
import type { Tables } from './tables'

const AT_A_TIME = 200
const UPLOAD_MS = 3_600_000

/** Returns true if there is more to remove. */
export async function prune(
  tables: Tables,
  { keepDelivered, dedupeTtlMs }: Omit<ResolvedKeep, 'maxBytes'>,
): Promise<boolean> {
  const { now } = tables
  const { forMs, maxBytes } = keepDelivered || { forMs: 0, maxBytes: 0 }
  let excess = (await sumOf(tables, 'state = 2 AND has_body = 1')) - maxBytes
  const kept = await tables.all<{ event: number; bytes: number; settled: number }>(
    'SELECT event, bytes, settled FROM events WHERE state = 2 AND has_body = 1 ORDER BY settled LIMIT ?',
    AT_A_TIME,
  )
  const removable = kept.filter(({ bytes, settled }) => {
    if (excess <= 0 && settled > now - forMs) return false
    excess -= bytes
    return true
  })
  for (const { event } of removable) await removeKept(tables, event)
  const expired = await tables.all<{ event: number }>(
    'SELECT event FROM events WHERE state = 2 AND settled <= ? ORDER BY settled LIMIT ?',
    ...[now - dedupeTtlMs, AT_A_TIME],
  )
  for (const { event } of expired) await removeEvent(tables, event)
  const begun = now - UPLOAD_MS
  const uploads = await tables.all<{ event: number }>('SELECT event FROM uploads WHERE begun <= ?', begun)
  for (const { event } of uploads) await removeUpload(tables, event, begun)
  const hasMore = await pruneCatchUps(tables)
  return hasMore || removable.length === AT_A_TIME || expired.length === AT_A_TIME
}

/** The total size of the bodies of the selected events, in bytes. */
export async function sumOf(tables: Tables, condition: string): Promise<number> {
  const sql = `SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) AS sum FROM events WHERE ${condition}`
  return (await tables.get<{ sum: number }>(sql))?.sum ?? 0
}

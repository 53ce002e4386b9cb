/** Records which webhooks have a catch-up, because arrivals are recorded only for these. */
import type { Tables } from '../tables'
import { forgetAll } from './arrivals'

/**
 * If no process has started or run the catch-up of a webhook for this long, the webhook counts as having no catch-up.
 * The time is longer than any outage that the catch-up should recover from.
 */
const USED_FOR_MS = 30 * 86_400_000

/** Records that a webhook has a catch-up. From then on, its arrivals are recorded. */
export function useCatchUp(tables: Tables, name: string) {
  return tables.run(
    'INSERT INTO catch_ups (name, used) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET used = excluded.used',
    ...[name, tables.now],
  )
}

export async function recordsArrivals(tables: Tables, name: string): Promise<boolean> {
  const sql = 'SELECT used FROM catch_ups WHERE name = ? AND used > ?'
  return (await tables.get(sql, name, tables.now - USED_FOR_MS)) !== undefined
}

/** Removes the records of webhooks that no longer have a catch-up. Returns true if there are more to remove. */
export async function pruneCatchUps(tables: Tables): Promise<boolean> {
  const sql = `SELECT name FROM catch_ups WHERE used <= ? LIMIT 1${tables.lock}`
  const unused = await tables.get<{ name: string }>(sql, tables.now - USED_FOR_MS)
  if (!unused) return false
  if (!(await forgetAll(tables, unused.name))) await tables.run('DELETE FROM catch_ups WHERE name = ?', unused.name)
  return true
}

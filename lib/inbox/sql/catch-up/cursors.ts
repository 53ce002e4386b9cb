/**
 * Stores the cursors of the polls, and the times at which something was first seen. Each write needs the lease, and
 * returns `undefined` without it.
 */
import type { EntityName } from '../../catch-up/parts'
import type { Position, Scope } from '../../catch-up/storage'
import { sha256 } from '../../../bytes/digest'
import { insert, type Tables } from '../tables'
import { AT_A_TIME, forgetLaterThan, forgetUpTo } from './arrivals'
import { holds, type Held } from './lease'

export async function position(
  tables: Tables,
  { name, scope }: { name: string; scope: string },
): Promise<Position | undefined> {
  const sql = 'SELECT value FROM cursors WHERE name = ? AND scope = ?'
  const row = await tables.get<{ value: string }>(sql, name, scopeKey(scope))
  if (!row) return undefined
  const stored = JSON.parse(row.value) as Omit<Position, 'since'> & { since: number | null }
  // NaN was stored as `null`, because JSON has no NaN.
  return { ...stored, since: stored.since ?? NaN }
}

/** Returns true if there are more old records to delete. */
export async function savePosition(
  tables: Tables,
  { scope, position: next, ...held }: Held & { scope: Scope; position: Position },
): Promise<boolean | undefined> {
  if (!(await holds(tables, held))) return undefined
  const row = { name: held.name, scope: scopeKey(scope.key), value: JSON.stringify(next) }
  await insert(tables, 'cursors', [row], 'ON CONFLICT (name, scope) DO UPDATE SET value = excluded.value')
  return deleteOld(tables, held.name, scope, next)
}

/** Returns true if there are more old records to delete. */
export async function forgetOld(
  tables: Tables,
  { scope, position: { forgottenUpTo }, ...held }: Held & { scope: Scope; position: Position },
): Promise<boolean | undefined> {
  return (await holds(tables, held)) ? deleteOld(tables, held.name, scope, { forgottenUpTo }) : undefined
}

async function deleteOld(
  tables: Tables,
  name: string,
  { key, kind }: Scope,
  { forgottenUpTo }: Pick<Position, 'forgottenUpTo'>,
): Promise<boolean> {
  if (forgottenUpTo === undefined || !(forgottenUpTo > 0)) return false
  const deleted = await tables.run(
    `DELETE FROM seen WHERE (name, scope, what) IN (
       SELECT name, scope, what FROM seen WHERE name = ? AND scope = ? AND clock <= ? LIMIT ${AT_A_TIME})`,
    ...[name, scopeKey(key), Math.floor(forgottenUpTo)],
  )
  return (await forgetUpTo(tables, name, kind, Math.floor(forgottenUpTo))) || deleted === AT_A_TIME
}

export async function firstSeen(
  tables: Tables,
  { scope, what, clock, ...held }: Held & { scope: Scope; what: string; clock: number },
): Promise<number | undefined> {
  if (!(await holds(tables, held))) return undefined
  const { name } = held
  const row = { name, scope: scopeKey(scope.key), what: sha256(what) }
  await insert(tables, 'seen', [{ ...row, clock }], 'ON CONFLICT DO NOTHING')
  const sql = 'SELECT clock FROM seen WHERE name = ? AND scope = ? AND what = ?'
  return (await tables.get<{ clock: number }>(sql, ...Object.values(row)))?.clock
}

/** Returns true if there are more arrival records to delete. */
export async function forgetAfter(
  tables: Tables,
  { of, clock, ...held }: Held & { of: Pick<EntityName, 'kind' | 'form'>; clock: number },
): Promise<boolean | undefined> {
  return (await holds(tables, held)) ? forgetLaterThan(tables, held.name, of, clock) : undefined
}

/** A hash, because filters may be too long for an index. */
function scopeKey(scope: string): string {
  return sha256(scope)
}

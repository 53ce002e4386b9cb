/**
 * The lease for polling. At most one process holds the lease of a webhook; only this process polls and stores what it
 * finds.
 */
import { randomUUID } from 'node:crypto'
import { LEASE_MS } from '../processes'
import type { Tables } from '../tables'
import { useCatchUp } from './used'

/** The name of a webhook, and the token of the process that holds its lease. */
export interface Held {
  name: string
  token: string
}

/** Acquires the lease. Returns `undefined` while another process holds it. */
export async function acquire(tables: Tables, name: string): Promise<string | undefined> {
  await useCatchUp(tables, name)
  const row = await tables.get<{ token: string | null; expires: number; boot: string }>(
    `SELECT token, expires, boot FROM catch_ups WHERE name = ?${tables.lock}`,
    name,
  )
  const { time, boot } = tables.monotonic()
  // A lease ends at most `LEASE_MS` from now. A row with a later end was stored while the clock was wrong, and does not
  // count.
  const isHeld = row?.token != null && row.boot === boot && time < row.expires && row.expires <= time + LEASE_MS
  if (isHeld) return undefined
  const token = randomUUID()
  await extend(tables, name, 'token = ?', token)
  return token
}

/** Returns false if the lease was lost. */
export async function renewCatchUp(tables: Tables, { name, token }: Held): Promise<boolean> {
  if (!(await holds(tables, { name, token }))) return false
  await extend(tables, name, 'token = ?', token)
  return true
}

async function extend(tables: Tables, name: string, change: string, value: string): Promise<void> {
  const { time, boot } = tables.monotonic()
  const sql = `UPDATE catch_ups SET ${change}, expires = ?, boot = ? WHERE name = ?`
  await tables.run(sql, value, time + LEASE_MS, boot, name)
}

export function release(tables: Tables, { name, token }: Held) {
  return tables.run('UPDATE catch_ups SET token = NULL WHERE name = ? AND token = ?', name, token)
}

/**
 * True if the lease is held with this token. Locks its row until the transaction ends, so that no other process can
 * begin to poll meanwhile.
 */
export async function holds(tables: Tables, { name, token }: Held): Promise<boolean> {
  const sql = `SELECT 1 AS held FROM catch_ups WHERE name = ? AND token = ?${tables.lock}`
  return (await tables.get(sql, name, token)) !== undefined
}

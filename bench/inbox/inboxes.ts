/** Inboxes of the built package in temporary folders, and database servers with slow flushes. */
import { mkdtempSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { preloaded } from '../../__tests__/inbox/preload'
import { startPostgres, type PostgresServer } from '../../__tests__/postgres/postgres-server'
import type { SqliteInboxOptions } from '../../lib/inbox/sqlite'
import type { PostgresInboxOptions } from '../../lib/inbox/postgres'
import type { Inbox } from '../../lib'
import { built } from '../package'

export function openSqlite(options: SqliteInboxOptions): Inbox {
  return built<typeof import('../../lib/inbox/sqlite')>('inbox/sqlite').sqliteInbox(options)
}

export function openPostgres(options: PostgresInboxOptions): Inbox {
  return built<typeof import('../../lib/inbox/postgres')>('inbox/postgres').postgresInbox(options)
}

export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tradecloud-bench-'))
  // PostgreSQL refuses to run as root, so another user needs access to the folder.
  await chmod(folder, 0o755)
  return work(folder).finally(() => rm(folder, { recursive: true, force: true }))
}

/** Starts a server whose flushes are delayed by `flushMs`. */
export async function startSlowPostgres(
  folder: string,
  flushMs: number,
  settings: Record<string, string> = {},
): Promise<PostgresServer> {
  // Environment variables that the server inherits.
  const variables = flushMs > 0 ? preloaded(folder, { FLUSH_MS: String(flushMs) }).slice(1) : []
  const names = variables.map((variable) => {
    const at = variable.indexOf('=')
    process.env[variable.slice(0, at)] = variable.slice(at + 1)
    return variable.slice(0, at)
  })
  try {
    return await startPostgres(settings)
  } finally {
    for (const name of names) Reflect.deleteProperty(process.env, name)
  }
}

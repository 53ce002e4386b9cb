/** The options of an inbox in SQLite. */
import { resolve } from 'node:path'
import { givenOptions } from '../../errors/checks'
import { invalidOption } from '../../errors/errors'
import { resolveKeep, type KeepInboxOptions, type ResolvedKeep } from '../sql/options'

export interface SqliteInboxOptions extends KeepInboxOptions {
  /**
   * Path of the database. Its folder is created if it is missing, and SQLite creates two more files next to it, whose
   * names end in `-wal` and `-shm`. Several processes on one machine may share it. It must be on a local disk.
   * Required.
   */
  file: string
}

export interface ResolvedSqliteInbox extends ResolvedKeep {
  file: string
  /** If false, the file must exist and be an inbox. */
  create: boolean
}

export function resolveSqliteInbox(options: SqliteInboxOptions): ResolvedSqliteInbox {
  const known = ['file', 'keepDelivered', 'maxBytes', 'dedupeTtlMs']
  const { file, ...keep } = givenOptions(options, known, "sqliteInbox({ file: 'inbox.db' })")
  if (typeof file !== 'string' || file === '') throw invalidOption('file', 'must be the path of the database')
  if (file === ':memory:' || file.startsWith('file:'))
    throw invalidOption('file', 'must be a path: events in memory do not survive a crash')
  return { file: resolve(file), create: true, ...resolveKeep(keep) }
}

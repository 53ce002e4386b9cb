/** Opens the file with the settings that durability requires, and creates the tables. Runs in the worker thread. */
import { statSync } from 'node:fs'
import { openWith, type Driver } from './driver'
import { SCHEMA, SCHEMA_VERSION } from '../sql/schema'
import { DAMAGED } from '../sql/take'
import { CHECKPOINT_PAGES, isSuspect, rewriteLog } from './repair'
import { SqliteTables } from './tables'

/** The key under which the table `meta` contains the identity of the log. */
const LOG = 'log'
/**
 * Settings for speed. Without them, storing takes 1.5 times as long: SQLite would keep a copy of changed pages in a
 * temporary file, read index pages from the file again, and make more checkpoints, each with two flushes.
 */
const SPEED = `PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`

/**
 * Throws if the file cannot be used. Returns a `warning` for operators, if there is one. If `create` is false, the file
 * must be an existing inbox, and is opened without taking a lock: this works even while another process is frozen
 * inside a transaction.
 */
export function openTables(
  driver: Driver,
  file: string,
  create = true,
): { tables: SqliteTables; warning?: string | undefined } {
  refuseEmptied(file)
  if (!create && !statSync(file, { throwIfNoEntry: false })) throw new Error(`There is no file ${file}.`)
  const tables = new SqliteTables(openWith(driver, file))
  try {
    // The version is checked before anything is changed, because the file may be the database of another program.
    const version = versionOf(tables, file)
    if (!create && version === 0) throw new Error(`${file} is not an inbox: it is an empty database.`)
    // SQLite must not flush at each commit: the main thread flushes the log itself, so that no flush holds the write
    // lock.
    expectSetting(tables, 'journal_mode', 'wal')
    expectSetting(tables, 'synchronous', 1)
    tables.database.exec(SPEED)
    if (!create) return { tables, warning: findLog(tables, file).warning }
    createTables(tables, file)
    if (isSuspect(tables)) rewriteLog(tables, file)
    tables.run(`UPDATE queues SET owner = NULL WHERE owner = '${DAMAGED}'`)
    return { tables, warning: mark(tables, file) }
  } catch (error) {
    tables.database.close()
    throw error
  }
}

/** Refuses an empty file that has a log: SQLite would consider the file new, and delete the log. */
function refuseEmptied(file: string): void {
  // The log is read first, because a process that is creating the file writes the log last.
  const { size: logSize = 0 } = statSync(`${file}-wal`, { throwIfNoEntry: false }) ?? {}
  if (logSize > 0 && statSync(file, { throwIfNoEntry: false })?.size === 0)
    throw new Error(
      `${file} is empty, although its log ${file}-wal is not: it was truncated. Keep a copy of both and restore a backup.`,
    )
}

/**
 * Marks the file, while it is in use, with the identity of its log. If the log is lost, the last events are missing,
 * which SQLite does not notice. Returns a warning in this case.
 */
export function mark(tables: SqliteTables, file: string): string | undefined {
  const { log, before, warning } = findLog(tables, file)
  tables.run(
    `INSERT INTO meta (key, value) VALUES ('${LOG}', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    log,
  )
  // The mark must be in the database file itself, because the log, which may be lost, cannot report its own loss.
  if (before !== log) tables.get('PRAGMA wal_checkpoint(PASSIVE)')
  return warning
}

/** `log` identifies the log that exists; `before` identifies the log that the file had when it was last marked. */
function findLog(
  tables: SqliteTables,
  file: string,
): { log: string; before: string | undefined; warning: string | undefined } {
  // The mark is read first: if the file was copied without its log, SQLite creates a log only in the first transaction.
  const before = markOf(tables)
  const { ino, birthtimeNs, size } = statSync(`${file}-wal`, { bigint: true })
  const log = `${ino} ${birthtimeNs}`
  const isLost = before !== undefined && before !== log && size === 0n
  const warning = `${file} was in use when its log ${file}-wal was removed, or it is a copy without it. The events that were stored last may be missing: put the log back while no process runs, or fetch what has changed since then from Tradecloud.`
  return { log, before, warning: isLost ? warning : undefined }
}

function markOf(tables: SqliteTables): string | undefined {
  return tables.get<{ value: string }>(`SELECT value FROM meta WHERE key = '${LOG}'`)?.value
}

export function isMarked(tables: SqliteTables): boolean {
  return markOf(tables) !== undefined
}

/**
 * Closes the file. If no other process has it open, SQLite then writes the whole log into it. `keepMark` is set if the
 * log was already lost: the mark stays, so that processes that open the file later report the loss too.
 */
export function closeTables(tables: SqliteTables, keepMark = false): void {
  try {
    // No wait for the lock: if another process holds it, this process is not the last one that has the file open.
    tables.database.exec('PRAGMA busy_timeout = 0')
    if (!keepMark && isMarked(tables)) tables.run(`DELETE FROM meta WHERE key = '${LOG}'`)
  } catch {
    // The mark stays: if the log is lost, the next process that opens the file reports the loss.
  }
  tables.database.close()
}

function expectSetting(tables: SqliteTables, name: string, expected: string | number): void {
  tables.database.exec(`PRAGMA ${name} = ${expected}`)
  const actual = Object.values(tables.get<object>(`PRAGMA ${name}`) ?? {})[0] as unknown
  if (actual !== expected)
    throw new Error(`SQLite does not accept PRAGMA ${name} = ${expected} for this file; it is ${String(actual)}.`)
}

/**
 * The version of the tables; 0 for an empty database. Throws for the database of another program, and for tables of a
 * later version.
 */
function versionOf(tables: SqliteTables, file: string): number {
  const names = tables.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'")
  // The version is read last, because another process may commit the tables and the version in between.
  const { user_version: version } = tables.get<{ user_version: number }>('PRAGMA user_version') ?? { user_version: 0 }
  const isInbox = ['meta', 'queues', 'events', 'bodies'].every((table) => names.some(({ name }) => name === table))
  if (isInbox ? version === 0 : names.length > 0)
    throw new Error(`${file} is the database of another program: name another file.`)
  if (version > SCHEMA_VERSION)
    throw new Error(
      `${file} has tables of version ${version}, this package knows version ${SCHEMA_VERSION}: install the newer package again.`,
    )
  return isInbox ? version : 0
}

function createTables(tables: SqliteTables, file: string): void {
  const { database } = tables
  database.exec('BEGIN IMMEDIATE')
  try {
    if (versionOf(tables, file) === 0) {
      database.exec(SCHEMA)
      database.exec("INSERT INTO meta (key, value) VALUES ('number', 0)")
      database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

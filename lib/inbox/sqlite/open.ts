/** Opens the file, with the settings that the promises depend on, and creates the tables. Runs in the worker thread. */
import { statSync } from 'node:fs'
import { openWith, type Driver } from './driver'
import { SCHEMA, SCHEMA_VERSION } from '../sql/schema'
import { DAMAGED } from '../sql/take'
import { SqliteTables } from './tables'

/** Key in `meta`. */
const LOG = 'log'

/** Throws with a message that says what to do. `warning`: what a person should know. */
export function openTables(driver: Driver, file: string): { tables: SqliteTables; warning?: string | undefined } {
  refuseEmptied(file)
  const tables = new SqliteTables(openWith(driver, file))
  try {
    // The main thread flushes the write-ahead log itself, so that no flush holds the write lock.
    expectSetting(tables, 'journal_mode', 'wal')
    expectSetting(tables, 'synchronous', 1)
    createTables(tables)
    tables.run(`UPDATE queues SET owner = NULL WHERE owner = '${DAMAGED}'`)
    return { tables, warning: mark(tables, file) }
  } catch (error) {
    tables.database.close()
    throw error
  }
}

/** SQLite would take the file for a new one, and delete its log. */
function refuseEmptied(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.size !== 0) return
  if (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size)
    throw new Error(
      `${file} is empty, although its log ${file}-wal is not: it was truncated. Keep a copy of both and restore a backup.`,
    )
}

/**
 * While the file is in use, it says which log belongs to it: without its log, the events that were stored last are
 * missing from it, and SQLite does not notice. Returns what a person should know then.
 */
export function mark(tables: SqliteTables, file: string): string | undefined {
  const { ino, birthtimeNs, size } = statSync(`${file}-wal`, { bigint: true })
  const log = `${ino} ${birthtimeNs}`
  const before = tables.get<{ value: string }>(`SELECT value FROM meta WHERE key = '${LOG}'`)?.value
  tables.run(
    `INSERT INTO meta (key, value) VALUES ('${LOG}', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    log,
  )
  // The mark has to be in the file itself.
  if (before !== log) tables.get('PRAGMA wal_checkpoint(PASSIVE)')
  return before === undefined || before === log || size > 0n
    ? undefined
    : `${file} was in use when its log ${file}-wal was removed, or it is a copy without it. The events that were stored last may be missing: put the log back while no process runs, or fetch what has changed since then from Tradecloud.`
}

export function isMarked(tables: SqliteTables): boolean {
  return tables.get(`SELECT 1 FROM meta WHERE key = '${LOG}'`) !== undefined
}

/** The last process that closes the file has SQLite write all of the log into it. */
export function closeTables(tables: SqliteTables): void {
  try {
    tables.run(`DELETE FROM meta WHERE key = '${LOG}'`)
  } catch {
    // The next process that opens the file reports it if its log is missing.
  }
  tables.database.close()
}

function expectSetting(tables: SqliteTables, name: string, expected: string | number): void {
  tables.database.exec(`PRAGMA ${name} = ${expected}`)
  const actual = Object.values(tables.get<object>(`PRAGMA ${name}`) ?? {})[0] as unknown
  if (actual !== expected)
    throw new Error(`SQLite does not accept PRAGMA ${name} = ${expected} for this file; it is ${String(actual)}.`)
}

function createTables(tables: SqliteTables): void {
  const { database } = tables
  database.exec('BEGIN IMMEDIATE')
  try {
    const { user_version: version } = tables.get<{ user_version: number }>('PRAGMA user_version') ?? { user_version: 0 }
    if (version > SCHEMA_VERSION)
      throw new Error(
        `The file has tables of version ${version}, this package knows version ${SCHEMA_VERSION}: install the newer package again.`,
      )
    if (version === 0) {
      const others = tables.get<{ count: number }>("SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table'")
      if (others && others.count > 0) throw new Error('The file is a database of something else; name another file.')
      database.exec(SCHEMA)
      database.exec("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', 0)")
      database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

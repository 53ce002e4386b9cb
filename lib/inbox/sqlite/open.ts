/** Opens the file, with the settings that the promises depend on, and creates the tables. Runs in the worker thread. */
import { openWith, type Driver } from './driver'
import { SCHEMA, SCHEMA_VERSION } from '../sql/schema'
import { SqliteTables } from './tables'

/** Throws with a message that says what to do. */
export function openTables(driver: Driver, file: string): SqliteTables {
  const tables = new SqliteTables(openWith(driver, file))
  try {
    // The main thread flushes the write-ahead log itself, so that no flush holds the write lock.
    expectSetting(tables, 'journal_mode', 'wal')
    expectSetting(tables, 'synchronous', 1)
    createTables(tables)
    return tables
  } catch (error) {
    tables.database.close()
    throw error
  }
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

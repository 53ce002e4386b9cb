/** The tables of an inbox in PostgreSQL: the tables of SQLite, with the types and the sequence of PostgreSQL. */
import { SCHEMA, SCHEMA_VERSION } from '../sql/schema'
import { BEGIN, query, quoteName, type PostgresClient } from './client'

/** The SQL statements that create the tables, for users who run migrations themselves (`migrate: 'check'`). */
export function postgresInboxSql(schema = 'tradecloud'): string {
  return `BEGIN;\n${createSql(schema)}COMMIT;\n`
}

/**
 * Bodies are compressed with lz4 if the server has lz4. Versions before PostgreSQL 14 and some builds lack it. Compared
 * with the default, pglz, lz4 saves a quarter of the server's CPU for storing events.
 */
function createSql(schema: string): string {
  const tables = SCHEMA.replaceAll('event INTEGER PRIMARY KEY', 'event BIGINT PRIMARY KEY')
    .replace('queue INTEGER PRIMARY KEY', 'queue BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY')
    .replaceAll('INTEGER', 'BIGINT')
    .replaceAll('BLOB', 'BYTEA')
    .replaceAll(' WITHOUT ROWID', '')
    // Searches for the beginning of an ID use ranges, so the sort order must not depend on a language.
    .replace('id TEXT NOT NULL UNIQUE', 'id TEXT COLLATE "C" NOT NULL UNIQUE')
    .replace('reversed_entity_id TEXT', 'reversed_entity_id TEXT COLLATE "C"')
    .replace('key TEXT NOT NULL UNIQUE', 'key TEXT COLLATE "C" NOT NULL UNIQUE')
  return `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)};
SET LOCAL search_path TO ${quoteName(schema)};
CREATE SEQUENCE event_numbers;
${tables}
DO $$ BEGIN EXECUTE 'ALTER TABLE bodies ALTER data SET COMPRESSION lz4'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
INSERT INTO meta (key, value) VALUES ('version', '${SCHEMA_VERSION}');
`
}

/** An arbitrary number for an advisory lock that no other program uses by chance. */
const MIGRATION_LOCK = 7_823_644_219_011

/**
 * Creates the tables if they are missing; with `'check'`, rejects instead. Also rejects if they have a later version.
 * The error says what to do.
 */
export async function prepareSchema(client: PostgresClient, schema: string, migrate: 'auto' | 'check'): Promise<void> {
  await query(client, BEGIN)
  await query(client, `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`)
  const version = await versionOf(client, schema)
  if (version !== undefined && version > SCHEMA_VERSION)
    throw new Error(
      `The tables in schema ${schema} have version ${version}, this package knows version ${SCHEMA_VERSION}: install the newer package again.`,
    )
  if (version === undefined && migrate === 'check')
    throw new Error(`There are no tables in schema ${schema}: run the SQL of postgresInboxSql('${schema}').`)
  if (version === undefined) await query(client, createSql(schema))
  await query(client, 'COMMIT')
}

async function versionOf(client: PostgresClient, schema: string): Promise<number | undefined> {
  const [found] = await query(client, 'SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2', [
    schema,
    'meta',
  ])
  if (!found) return undefined
  const sql = `SELECT value FROM ${quoteName(schema)}.meta WHERE key = 'version'`
  const [row] = await query<{ value: string }>(client, sql)
  return Number(row?.value)
}

/** A setting with which a crash of PostgreSQL can lose acknowledged commits; `undefined` if there is none. */
export async function unsafeSettings(client: PostgresClient, schema: string): Promise<string | undefined> {
  const [row] = await query<{ fsync: string; commit: string }>(
    client,
    "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit",
  )
  if (row?.fsync === 'off') return 'fsync is off: set it to on'
  if (row?.commit === 'off') return 'synchronous_commit is off: set it to on for this role or database'
  const [unlogged] = await query<{ name: string }>(
    client,
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relpersistence <> 'p'`,
    [schema],
  )
  return unlogged && `the table ${unlogged.name} is not logged: ALTER TABLE ${schema}.${unlogged.name} SET LOGGED`
}

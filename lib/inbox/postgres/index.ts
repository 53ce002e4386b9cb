/** The inbox in PostgreSQL, exported as `tradecloud-webhook/postgres`. */
import type { Inbox } from '../inbox'
import { SqlInbox } from '../sql/sql-inbox'
import { PostgresEngine } from './engine'
import { resolvePostgresInbox, type PostgresInboxOptions } from './options'

export type { KeepDeliveredOptions, KeepInboxOptions } from '../sql/options'
export type { PostgresClient, PostgresPool } from './client'
export type { PostgresInboxOptions } from './options'
export { postgresInboxSql } from './schema'

/** An inbox in PostgreSQL. Throws `invalid_option` for an invalid option. */
export function postgresInbox(options: PostgresInboxOptions): Inbox {
  const resolved = resolvePostgresInbox(options)
  return new SqlInbox(resolved, (events) => new PostgresEngine(resolved, events))
}

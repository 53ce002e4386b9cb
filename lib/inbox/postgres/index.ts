/** The inbox in PostgreSQL, exported as `tradecloud-webhook/postgres`. */
import type { Inbox } from '../event-log'
import { LogInbox } from '../log/log-inbox'
import { PostgresEngine } from './engine'
import { resolvePostgresInbox, type PostgresInboxOptions } from './options'

export type { KeepDeliveredOptions } from '../log/options'
export type { PostgresPool } from './client'
export type { PostgresInboxOptions } from './options'
export { postgresInboxSql } from './schema'

/** Throws `invalid_option`. */
export function postgresInbox(options: PostgresInboxOptions): Inbox {
  const resolved = resolvePostgresInbox(options)
  return new LogInbox(resolved, (events) => new PostgresEngine(resolved, events))
}

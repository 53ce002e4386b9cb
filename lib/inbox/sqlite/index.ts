/** The inbox in SQLite, exported as `tradecloud-webhook/sqlite`. */
import type { Inbox } from '../inbox'
import { ownIdentity } from '../sql/process-identity'
import { SqlInbox } from '../sql/sql-inbox'
import { SqliteEngine } from './engine'
import { resolveSqliteInbox, type SqliteInboxOptions } from './options'

export type { KeepDeliveredOptions, KeepInboxOptions } from '../sql/options'
export type { SqliteInboxOptions } from './options'

/** An inbox in SQLite. Throws `invalid_option` for an invalid option, and if no safe SQLite is available. */
export function sqliteInbox(options: SqliteInboxOptions): Inbox {
  const resolved = resolveSqliteInbox(options)
  return new SqlInbox({ ...resolved, identity: ownIdentity() }, (events) => new SqliteEngine(resolved, events))
}

/** An inbox in SQLite. */
import type { Inbox } from '../inbox'
import { SqlInbox } from '../sql/sql-inbox'
import { ownIdentity } from '../sql/process-identity'
import { SqliteEngine } from './engine'
import { resolveSqliteInbox, type SqliteInboxOptions } from './options'

/** Throws `invalid_option`, also if there is no SQLite to use. */
export function sqliteInbox(options: SqliteInboxOptions): Inbox {
  const resolved = resolveSqliteInbox(options)
  return new SqlInbox({ ...resolved, identity: ownIdentity() }, (events) => new SqliteEngine(resolved, events))
}

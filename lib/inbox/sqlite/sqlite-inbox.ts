/** An inbox in SQLite. */
import type { Inbox } from '../event-log'
import { LogInbox } from '../log/log-inbox'
import { ownIdentity } from '../log/process-identity'
import { SqliteEngine } from './engine'
import { resolveSqliteInbox, type SqliteInboxOptions } from './options'

/** Throws `invalid_option`, also if there is no SQLite to use. */
export function sqliteInbox(options: SqliteInboxOptions): Inbox {
  const resolved = resolveSqliteInbox(options)
  return new LogInbox({ ...resolved, identity: ownIdentity() }, (events) => new SqliteEngine(resolved, events))
}

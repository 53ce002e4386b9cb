/** The commands of `inbox` on SQLite. */
import { newSqlite } from './cli'
import { testInboxCommands } from './inbox-commands'

testInboxCommands(newSqlite)

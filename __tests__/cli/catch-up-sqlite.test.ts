/** `inbox catch-up` on SQLite. */
import { testCatchUpCommand } from './catch-up-command'
import { newSqlite } from './cli'

testCatchUpCommand(newSqlite)

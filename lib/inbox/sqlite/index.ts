/** The inbox in SQLite, exported as `tradecloud-webhook/sqlite`. */
export type { KeepDeliveredOptions, SqliteInboxOptions } from './options'
export { sqliteInbox } from './sqlite-inbox'

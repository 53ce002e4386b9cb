/** The inbox in SQLite, exported as `tradecloud-webhook/sqlite`. */
export type { KeepDeliveredOptions, KeepInboxOptions } from '../sql/options'
export type { SqliteInboxOptions } from './options'
export { sqliteInbox } from './sqlite-inbox'

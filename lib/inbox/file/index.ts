/** The inbox in a folder, as users get it: what it consists of is loaded when one is made. */
import type { ManagedInbox } from '../inbox'
import type { FileInboxOptions } from './file-inbox-options'

/**
 * Stores events as files, one each, flushed to disk before they are answered. One process owns the folder: throws a
 * `TradecloudWebhookError` with code `inbox_locked` where another one does, and `invalid_option` for a wrong option.
 *
 * ```ts
 * createTradecloudWebhook({ auth, inbox: fileInbox({ directory: '/var/lib/tradecloud-inbox' }), onOrder })
 * ```
 */
export function fileInbox(options: FileInboxOptions): ManagedInbox {
  const { openFileInbox } = require('./file-inbox') as typeof import('./file-inbox')
  return openFileInbox(options)
}

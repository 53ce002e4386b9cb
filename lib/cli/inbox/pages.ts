/** Reads a list page by page, so that memory does not depend on its length. */
import type { Inbox, InboxEntry, ListOptions } from '../../inbox/inbox'

const PAGE = 200

/**
 * Yields pages that are not empty, with at most `limit` events in total. With the last page, `more` tells whether there
 * are further events.
 */
export async function* pagesOf(
  inbox: Inbox,
  { limit = Infinity, ...options }: ListOptions,
): AsyncGenerator<{ entries: InboxEntry[]; more: boolean }> {
  let after: string | undefined
  let left = limit
  do {
    const { entries, next } = await inbox.list({ ...options, limit: Math.min(PAGE, left), after })
    left -= entries.length
    after = next
    if (entries.length > 0) yield { entries, more: left <= 0 && next !== undefined }
  } while (after !== undefined && left > 0)
}

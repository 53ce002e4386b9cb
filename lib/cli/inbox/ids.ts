/** Finds events by the beginning of their IDs. */
import type { Inbox, InboxEntry } from '../../inbox/inbox'
import { labelOf } from '../../views/event'
import { UsageError } from '../errors'
import { printable } from '../printable'

const SHOWN_CANDIDATES = 10

/** Returns each event once. Throws a `UsageError` unless every argument matches exactly one event. */
export async function findEvents(inbox: Inbox, words: string[]): Promise<InboxEntry[]> {
  const found = new Map<string, InboxEntry>()
  for (const word of words) {
    const entry = await findEvent(inbox, word)
    found.set(entry.id, entry)
  }
  return [...found.values()]
}

export async function findEvent(inbox: Inbox, word: string): Promise<InboxEntry> {
  // The inspector shows a shortened ID with an ellipsis at its end.
  const id = word.replace(/…$/, '').toLowerCase()
  if (!/^[\da-f-]{1,36}$/.test(id))
    throw new UsageError(`${printable(word)} is not the ID of an event, nor the beginning of one; see inbox list.`)
  const { entries, next } = await inbox.list({ id, limit: SHOWN_CANDIDATES })
  const [first, second] = entries
  if (!first) throw new UsageError(`There is no event whose ID begins with ${id}.`)
  if (!second || first.id === id) return first
  const candidates = entries.map((entry) => `${entry.id} ${printable(labelOf(entry))}, ${entry.state}`)
  throw new UsageError(
    [`Several IDs begin with ${id}:`, ...candidates, ...(next === undefined ? [] : ['and more'])].join('\n'),
  )
}

/** Which events a command is about: those whose IDs were given, or those that match. */
import { matches } from '../inbox/filter'
import type { Folder } from '../inbox/file/folder'
import { findEvent, takeSnapshot } from '../inbox/file/snapshot'
import type { InboxEntry, InboxFilter } from '../inbox/inbox'
import { UsageError } from './usage'

/** The oldest first. */
export async function choose(folder: Folder, filter: InboxFilter): Promise<InboxEntry[]> {
  const { entries } = await takeSnapshot(folder)
  return entries.filter((entry) => matches(entry, filter))
}

/** All or nothing: throws where one of them is not there. */
export async function checkThere(folder: Folder, ids: string[]): Promise<void> {
  for (const id of ids) if (!(await findEvent(folder, id))) throw new UsageError(await notThere(folder, id))
}

export async function notThere(folder: Folder, id: string): Promise<string> {
  const deliveredAt = await folder.deliveredAt(id)
  return deliveredAt === undefined
    ? `There is no event ${id} in the inbox.`
    : `Event ${id} was delivered at ${new Date(deliveredAt).toISOString()}: only its ID is left.`
}

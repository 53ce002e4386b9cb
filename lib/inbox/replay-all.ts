/** Replays many events, one after the other, for any inbox. */
import type { Inbox, InboxFilter, ReplayOptions } from './inbox'

/** Resolves with how many were replayed. What comes in meanwhile is not among them. */
export async function replayAll(
  inbox: Pick<Inbox, 'list' | 'replay'>,
  filter: InboxFilter = { state: 'dead' },
  { onProgress, signal }: ReplayOptions = {},
): Promise<number> {
  const ids: string[] = []
  for await (const { id } of inbox.list(filter)) ids.push(id)
  let replayed = 0
  for (const [i, id] of ids.entries()) {
    if (signal?.aborted) break
    if (await inbox.replay(id)) replayed++
    onProgress?.({ done: i + 1, total: ids.length })
  }
  return replayed
}

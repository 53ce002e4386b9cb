/** The state of an inbox, for the command line and the inspector. */
import type { EventKind } from '../events/events'
import type { InboxStats } from '../inbox/inbox'

export const KINDS: readonly EventKind[] = ['order', 'orderDocuments', 'shipment', 'unknown']

/** An inbox has a problem if its oldest waiting event is older than this. */
export const MAX_AGE_MS = 15 * 60_000

export interface StatsModel extends Omit<InboxStats, 'oldestWaitingAt'> {
  oldestWaitingAt?: string | undefined
  /** Age of the oldest waiting or running event. */
  oldestWaitingMs?: number | undefined
}

export function modelOf({ oldestWaitingAt: oldest, ...counts }: InboxStats): StatsModel {
  if (!oldest) return counts
  const oldestWaitingMs = Math.max(0, Date.now() - oldest.getTime())
  return { ...counts, oldestWaitingAt: oldest.toISOString(), oldestWaitingMs }
}

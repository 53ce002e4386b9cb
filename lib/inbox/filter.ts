/** Which events a filter means. */
import { invalidOption } from '../errors/errors'
import type { InboxEntry, InboxFilter } from './inbox'

export function matches(entry: InboxEntry, { state, kind, eventName, entityId, before }: InboxFilter): boolean {
  return (
    (state === undefined || entry.state === state) &&
    (kind === undefined || entry.kind === kind) &&
    (eventName === undefined || entry.eventName === eventName) &&
    (entityId === undefined || entry.entity?.id === entityId) &&
    (before === undefined || Date.parse(entry.receivedAt) < before.getTime())
  )
}

/** Of all states, only these are for a person to throw away: the others are still to be delivered. */
export function checkPurge(state: unknown): void {
  if (state !== 'dead' && state !== 'quarantined')
    throw invalidOption('state', "must be 'dead' or 'quarantined': events that wait are never purged")
}

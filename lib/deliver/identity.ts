/** The names that events and entities go by: dedupe keys, delivery IDs, and the line that an entity's events wait in. */
import type { StoredEvent } from '../inbox/inbox'
import type { BodyTrigger, IdTrigger, Trigger } from '../events/trigger'
import { keptId } from '../tradecloud/entity-id'
import { repeatedKey } from './dedupe/repeats'
import { uuidOf } from '../bytes/uuid'

/** Not the message ID alone: whether a retry repeats it is not documented, nor whether it is unique. */
export function dedupeKey(name: string, trigger: BodyTrigger): string {
  return `${name}:${trigger.kind}:${trigger.digest}`
}

/** One for the events of an order, its documents included, or of a shipment. `undefined`: nothing to keep in order. */
export function entityKey(trigger: Trigger): string | undefined {
  const entity = trigger.type === 'id' ? trigger : trigger.entity
  if (entity === undefined) return undefined
  return `${entity.kind}:${keptId(entity.id)}`
}

/**
 * The same in every retry, since it derives from the dedupe key alone, and for a body that may be a new event from
 * the number of identical ones that were completed before.
 */
export function deliveryIdOfBody(key: string, completed = 0): string {
  return uuidOf(repeatedKey(key, completed))
}

/**
 * For a GET trigger: of the ID and of what was fetched. Where nothing was fetched each trigger may mean another change,
 * so each is a delivery of its own.
 */
export function deliveryIdOfId(name: string, trigger: IdTrigger, contentHash: string | undefined): string {
  return uuidOf([name, trigger.kind, trigger.id, contentHash ?? trigger.requestId].join('\0'))
}

/**
 * Under which key and ID a trigger is stored. A GET trigger is never a duplicate, and has no key. A body that may be a new
 * event with the same bytes is a duplicate only until it has been delivered (`repeatable`).
 */
export function storedIdentity(name: string, trigger: Trigger): Pick<StoredEvent, 'key' | 'id' | 'repeatable'> {
  if (trigger.type === 'id') return { id: uuidOf(`${name}:${trigger.kind}:get:${trigger.requestId}`) }
  const key = dedupeKey(name, trigger)
  return { key, id: uuidOf(key), ...(!trigger.identified && { repeatable: true }) }
}

/** The same for a body that could not be read. It never makes a readable body a duplicate. */
export function quarantineIdentity(name: string, digest: string): { key: string; id: string } {
  const key = `${name}:quarantine:${digest}`
  return { key, id: uuidOf(key) }
}

/** Identifies events and entities: dedupe keys, delivery IDs, and the queue key of an entity. */
import type { StoredEvent } from '../inbox/stored-event'
import type { BodyTrigger, IdTrigger, Trigger } from '../events/trigger'
import { keptId } from '../events/entity'
import { uuidOf } from '../bytes/digest'

/** Uses the whole body, because it is not documented whether a message ID is unique, or the same in a retry. */
export function dedupeKey(name: string, trigger: BodyTrigger): string {
  return `${name}:${trigger.kind}:${trigger.digest}`
}

/**
 * The key of the queue. All events of a shipment share one key. All events of an order and its documents share one key.
 * `undefined` for an event without an entity, because such an event has a queue of its own.
 */
export function entityKey(trigger: Trigger): string | undefined {
  const entity = trigger.type === 'id' ? trigger : trigger.entity
  if (entity === undefined) return undefined
  return `${entity.kind}:${keptId(entity.id)}`
}

/**
 * The delivery ID of a body; every retry has the same ID. It is derived from the dedupe key and, for a body that is not
 * `identified`, from the number of identical bodies completed before.
 */
export function deliveryIdOfBody(key: string, completed = 0): string {
  return uuidOf(repeatedKey(key, completed))
}

/** The first occurrence has the same key as an event that never repeats. */
export function repeatedKey(key: string, count: number): string {
  return count === 0 ? key : `${key}:${count}`
}

/**
 * The delivery ID of a GET trigger, derived from the ID and the fetched content. If nothing was fetched, each trigger
 * may mean another change, so each gets an ID of its own.
 */
export function deliveryIdOfId(name: string, trigger: IdTrigger, contentHash: string | undefined): string {
  return uuidOf([name, trigger.kind, trigger.id, contentHash ?? trigger.requestId].join('\0'))
}

/**
 * The key and ID with which a trigger is stored. A GET trigger has no key, because it is never a duplicate. If a body
 * is not `identified`, an identical body is a duplicate only until the first one has been delivered (`repeatable`).
 */
export function storedIdentity(name: string, trigger: Trigger): Pick<StoredEvent, 'key' | 'id' | 'repeatable'> {
  if (trigger.type === 'id') return { id: uuidOf(`${name}:${trigger.kind}:get:${trigger.requestId}`) }
  const key = dedupeKey(name, trigger)
  return { key, id: uuidOf(key), ...(!trigger.identified && { repeatable: true }) }
}

/**
 * The key and ID for an unreadable body. They differ from those of a readable body with the same bytes. A later version
 * may be able to read the body: if the body is then sent again, it is not taken for a duplicate.
 */
export function quarantineIdentity(name: string, digest: string): { key: string; id: string } {
  const key = `${name}:quarantine:${digest}`
  return { key, id: uuidOf(key) }
}

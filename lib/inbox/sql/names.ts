/** Rules that both engines share: an event's queue and ID, and the escaping of names in keys. */
import { uuidOf } from '../../bytes/digest'
import type { StoredEvent } from '../stored-event'

/** Kind of a queue whose first event was quarantined when it arrived. Any process may take this event. */
export const ANY_KIND = '*'

/**
 * The key of the event's queue. All events of an order or shipment share a queue; an event without either has its own.
 * The key is reversed, see `SCHEMA`.
 */
export function queueKeyOf({ name, entity, id }: StoredEvent): string {
  return entity ? entityKeyOf(name, entity.kind, entity.id) : reversed(`${escaped(name)}:event:${id}`)
}

export function entityKeyOf(name: string, kind: 'order' | 'shipment', id: string): string {
  return reversed(`${escaped(name)}:${kind}:${id}`)
}

/** Escapes colons, because names may contain them: a webhook `a` must not share a queue with a webhook `a:order`. */
export function escaped(name: string): string {
  return name.replaceAll(':', '::')
}

/** The ID under which an event is stored. A repeatable event that was delivered before gets a new ID each time. */
export function eventIdOf(event: StoredEvent, occurrence: number): string {
  return occurrence === 0 ? event.id : uuidOf(`${event.key}#${occurrence}`)
}

/** Reverses a text, so that an index finds IDs by their end, such as a purchase order number. */
export function reversed(text: string): string {
  return Array.from(text).reverse().join('')
}

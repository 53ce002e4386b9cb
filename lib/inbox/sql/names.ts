/** Rules shared by both engines: the queue of an event, its ID, and what is stored in separate columns. */
import { uuidOf } from '../../bytes/uuid'
import type { StoredEvent } from '../stored-event'

/** Kind of a queue whose first event could not be read when it arrived: every process may take it. */
export const ANY_KIND = '*'

/** The queue that an event waits in: one per order or shipment, or one of its own. */
export function queueKeyOf({ name, entity, id }: StoredEvent): string {
  return entity ? entityKeyOf(name, entity.kind, entity.id) : `${escaped(name)}:event:${id}`
}

export function entityKeyOf(name: string, kind: 'order' | 'shipment', id: string): string {
  return `${escaped(name)}:${kind}:${id}`
}

/** IDs may contain colons: a webhook `a` must not share a queue with a webhook `a:order`. */
export function escaped(name: string): string {
  return name.replaceAll(':', '::')
}

/** ID of an event with a key. A repeatable event that was delivered before gets another one each time. */
export function eventIdOf(event: StoredEvent, occurrence: number): string {
  return occurrence === 0 ? event.id : uuidOf(`${event.key}#${occurrence}`)
}

/** Searches use the end of an ID, the purchase order number. */
export function reversed(text: string | undefined): string | null {
  return text === undefined ? null : Array.from(text).reverse().join('')
}

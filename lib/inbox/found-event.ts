/** Converts what the catch-up found to the event that an inbox stores. */
import { randomUUID } from 'node:crypto'
import { sha256, uuidOf } from '../bytes/digest'
import type { FoundEvent } from './catch-up/storage'
import { isObject, keptId } from '../events/entity'
import type { StoredEvent } from './stored-event'

/** `now` becomes the time of receipt. */
export function storedFound(
  name: string,
  { key: foundKey, entity, parts, outdated }: FoundEvent,
  now: number,
): { event: StoredEvent & { key: string }; bytes: Buffer } {
  const { kind, id, form, content } = entity
  const key = `${name}:${foundKey}`
  const bytes = Buffer.from(JSON.stringify(content))
  const lines = Array.isArray(content.lines) ? (content.lines as unknown[]).filter(isObject) : []
  return {
    event: {
      ...{ format: 1, name, id: uuidOf(key), key, trigger: 'body', kind, entity: { kind, id: keptId(id) } },
      // The method of a GET trigger, an empty path and a random request ID, because no request brought this event.
      ...{ method: 'GET', path: '', digest: sha256(bytes), requestId: randomUUID() },
      receivedAt: new Date(now).toISOString(),
      found: { form, lines: parts.flatMap(({ line }) => (line ? [lines.indexOf(line)] : [])), outdated },
    },
    bytes,
  }
}

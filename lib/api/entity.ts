/**
 * Parses the response to a request for an order or shipment: it must be a JSON object with an ID. Its fields are passed
 * on unchanged, except for removed keys.
 */
import { parseJson } from '../bytes/json'
import { sha256 } from '../bytes/digest'

export interface FetchedEntity {
  entity: Record<string, unknown>
  /** SHA-256 of the response's bytes after decompression, in hex. */
  contentHash: string
  /** JSON pointers of keys that were removed to prevent prototype pollution. */
  removedKeys: string[]
}

export function readEntity(body: Buffer): ({ ok: true } & FetchedEntity) | { ok: false; reason: string } {
  const parsed = parseJson(body)
  if (!parsed.ok) return parsed
  const { value, removedKeys } = parsed
  if (typeof value !== 'object' || value === null) return { ok: false, reason: 'the body is not a JSON object' }
  const entity = value as Record<string, unknown>
  if (!isId(entity.id) && !isId(entity.orderId)) return { ok: false, reason: 'the body has no ID' }
  return { ok: true, entity, contentHash: sha256(body), removedKeys }
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** Converts a stored event back to its trigger, for its delivery. */
import { ByteBudget, Pieces } from '../../bytes/pieces'
import type { IdTrigger } from '../../events/trigger'
import type { InboxDelivery } from '../../inbox/inbox'
import type { StoredEvent } from '../../inbox/stored-event'
import { decode, encodingLabels, type BodyResult } from '../../receive/body/decode'
import { parseBytes, readMediaType, type Media } from '../../receive/body/parse-body'
import { readFound } from './read-found'
import { readTrigger, type ReadTrigger, type ReadTriggerOptions } from '../../receive/event/read-trigger'

/** Equal to the default of `bodyLimit` for tXML. The largest documented order is smaller, even as tXML. */
const MAX_DECODED = 128 * 1024 * 1024

/**
 * Reads a stored event as if it had just arrived: a body that was quarantined may be readable by the rules of this
 * version.
 */
export async function readStored({ event, bytes }: InboxDelivery, options: ReadTriggerOptions): Promise<ReadTrigger> {
  const { method, requestId, entity, kind } = event
  const receivedAt = new Date(event.receivedAt)
  if (event.found) return readFound({ event, bytes }, event.found, options)
  if (event.trigger === 'id') {
    const trigger: IdTrigger = {
      type: 'id',
      kind: kind === 'shipment' ? 'shipment' : 'order',
      id: entity?.id ?? '',
      method,
      requestId,
      receivedAt,
      handler: options.find(kind, undefined),
    }
    return { facts: {}, trigger }
  }
  const media: Media = event.reserialized ? { type: 'json' } : readMediaType(event.contentType)
  if (media.refusal) return { facts: {}, refusal: media.refusal }
  const decoded = await decodeStored(event, Pieces.of(bytes))
  if (!decoded.ok) return { facts: {}, refusal: decoded }
  const { bytes: pieces } = decoded
  const parsed = await parseBytes(pieces, media.type)
  if (!parsed.ok) return { facts: {}, refusal: parsed }
  const urlId = entity === undefined ? ({ found: false } as const) : ({ found: true, ...entity } as const)
  const rawBody = event.reserialized ? undefined : pieces
  return readTrigger(parsed, { method, urlId, requestId, receivedAt, rawBody }, options)
}

function decodeStored({ contentEncoding }: StoredEvent, bytes: Pieces): BodyResult | Promise<BodyResult> {
  if (contentEncoding === undefined) return { ok: true, bytes }
  return decode(bytes, encodingLabels(contentEncoding), { limit: MAX_DECODED, budget: new ByteBudget(Infinity) }).result
}

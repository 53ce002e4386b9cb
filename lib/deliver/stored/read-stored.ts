/** From a stored event back to its trigger, when it is delivered. */
import { Pieces } from '../../bytes/pieces'
import type { IdTrigger } from '../../events/trigger'
import type { InboxDelivery, StoredEvent } from '../../inbox/inbox'
import { ByteBudget } from '../../receive/body/byte-budget'
import { decode, encodingLabels, type BodyResult } from '../../receive/body/decode'
import { parseBytes, readMediaType } from '../../receive/body/parse-body'
import { readTrigger, type Received, type ReadTriggerOptions } from '../../receive/event/read-trigger'

/** Above the largest order that Tradecloud documents, as tXML: the default of `bodyLimit`. */
const MAX_DECODED = 128 * 1024 * 1024

/** Reads a stored event as if it came now: what was quarantined may be readable by the rules of today. */
export async function readStored(
  { event, bytes }: InboxDelivery,
  options: Omit<ReadTriggerOptions, 'wants'>,
): Promise<Received> {
  const { method, requestId, entity, kind } = event
  const receivedAt = new Date(event.receivedAt)
  if (event.trigger === 'id') {
    const trigger: IdTrigger = {
      type: 'id',
      kind: kind === 'shipment' ? 'shipment' : 'order',
      id: entity?.id ?? '',
      method,
      requestId,
      receivedAt,
    }
    return { ok: true, trigger }
  }
  const media = event.reserialized ? ({ ok: true, type: 'json' } as const) : readMediaType(event.contentType)
  if (!media.ok) return media
  const decoded = await decodeStored(event, Pieces.of(bytes))
  if (!decoded.ok) return decoded
  const { bytes: pieces } = decoded
  const parsed = await parseBytes(pieces, media.type)
  if (!parsed.ok) return parsed
  const urlId = entity === undefined ? ({ found: false } as const) : ({ found: true, ...entity } as const)
  const rawBody = event.reserialized ? undefined : pieces
  return readTrigger(parsed, { method, urlId, requestId, receivedAt, rawBody }, { ...options, wants: () => true }, {})
}

function decodeStored({ contentEncoding }: StoredEvent, bytes: Pieces): BodyResult | Promise<BodyResult> {
  if (contentEncoding === undefined) return { ok: true, bytes }
  return decode(bytes, encodingLabels(contentEncoding), { limit: MAX_DECODED, budget: new ByteBudget(Infinity) }).result
}

/** From what was received to what is stored in the inbox, before the answer; and back again, at its delivery. */
import type { Known, TakenBody } from '../../answer/exchange'
import type { Inbox, InboxDelivery, StoredEvent } from '../../inbox/inbox'
import { ByteBudget } from '../../receive/body/byte-budget'
import { decode, encodingLabels, type BodyResult } from '../../receive/body/decode'
import { parseBytes, readMediaType } from '../../receive/body/parse-body'
import { Pieces } from '../../bytes/pieces'
import { readTrigger, type Received, type ReadTriggerOptions } from '../../receive/event/read-trigger'
import type { Result } from '../../answer/respond'
import { sha256 } from '../../bytes/sha256'
import type { IdTrigger, Trigger } from '../../events/trigger'
import { keptId, quarantineIdentity, storedIdentity } from '../identity'

/** What a stored event keeps of its request beside the trigger. */
export interface Origin {
  method: StoredEvent['method']
  /** Below the mount path, without the query. */
  path: string
  contentType: string | undefined
  requestId: string
  receivedAt: Date
  body: TakenBody | undefined
  /** What could be told of the event, also where it cannot be delivered. */
  known: Known
}

export type Stored = Result & { inboxId?: string; merged?: boolean }

const NOTHING = Buffer.alloc(0)
const MAX_NAME = 256
/** Above the largest order that Tradecloud documents, as tXML: the default of `bodyLimit`. */
const MAX_DECODED = 128 * 1024 * 1024

/** Never rejects: what cannot be stored is `unavailable`, so that Tradecloud keeps it. */
export async function storeTrigger(inbox: Inbox, name: string, trigger: Trigger, origin: Origin): Promise<Stored> {
  const isBody = trigger.type === 'body'
  const { entity, digest } = isBody ? trigger : { entity: trigger, digest: sha256(NOTHING) }
  const event: StoredEvent = {
    ...formOf(name, origin),
    ...storedIdentity(name, trigger),
    trigger: trigger.type,
    kind: trigger.kind,
    eventName: shortName(isBody ? trigger.eventName : undefined),
    entity: entity && { kind: entity.kind, id: keptId(entity.id) },
    digest,
  }
  const stored = await store(inbox, event, isBody ? origin.body?.bytes.whole : undefined)
  // The deliveryId of a GET trigger depends on what will be fetched.
  return { ...stored, deliveryId: isBody ? stored.inboxId : undefined }
}

/** Keeps a body that cannot be delivered, for a person. */
export async function storeUnreadable(inbox: Inbox, name: string, refusal: Result, origin: Origin): Promise<Stored> {
  const bytes = origin.body?.bytes.whole ?? NOTHING
  const digest = sha256(bytes)
  const { outcome: code, detail: reason = code, issues } = refusal
  const { kind = 'unknown', eventName, entityId } = origin.known
  const event: StoredEvent = {
    ...formOf(name, origin),
    ...quarantineIdentity(name, digest),
    trigger: 'body',
    kind,
    eventName: shortName(eventName),
    // Should it be readable one day, it takes its turn among the events of its order.
    entity:
      entityId === undefined ? undefined : { kind: kind === 'shipment' ? 'shipment' : 'order', id: keptId(entityId) },
    digest,
    quarantine: { code, reason, issues },
  }
  const stored = await store(inbox, event, bytes)
  return stored.outcome === 'quarantined' ? { ...stored, detail: `${code}: ${reason}` } : stored
}

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

/** What is listed and held in memory stays short, whatever a body says. */
function shortName(eventName: string | undefined): string | undefined {
  if (eventName === undefined || eventName.length <= MAX_NAME) return eventName
  // A copy: a slice would keep the whole text in memory.
  return Buffer.from(eventName.slice(0, MAX_NAME), 'utf16le').toString('utf16le')
}

function formOf(name: string, { method, path, contentType, requestId, receivedAt, body }: Origin) {
  return {
    format: 1,
    name,
    method,
    path,
    contentType,
    contentEncoding: body?.encoding,
    reserialized: body?.reserialized ? (true as const) : undefined,
    requestId,
    receivedAt: receivedAt.toISOString(),
  } as const
}

async function store(inbox: Inbox, event: StoredEvent, bytes: Buffer = NOTHING): Promise<Stored> {
  try {
    const { result, id } = await inbox.accept(event, bytes)
    return result === 'merged' ? { outcome: 'queued', merged: true } : { outcome: result, inboxId: id }
  } catch (cause) {
    return { outcome: 'unavailable', detail: 'The event could not be stored now.', cause }
  }
}

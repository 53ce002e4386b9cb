/** From what was received to what is stored in the inbox, before the answer. */
import type { Exchange, Known, TakenBody } from '../../answer/exchange'
import type { Inbox, StoredEvent } from '../../inbox/inbox'
import type { Received } from '../../receive/event/read-trigger'
import type { Outcome, Result } from '../../answer/respond'
import { sha256 } from '../../bytes/sha256'
import type { Trigger } from '../../events/trigger'
import type { Handlers } from '../handlers'
import { keptId, quarantineIdentity, storedIdentity } from '../identity'

export interface IntakeOptions {
  inbox: Inbox
  name: string
  /** Absent with `deliver: false`: then everything is stored. */
  handlers: Handlers | undefined
  /** Bodies that cannot be delivered are kept for a person. */
  quarantine: boolean
}

/** What a stored event keeps of its request beside the trigger. */
interface Origin {
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
/** Outcomes whose body is quarantined. */
const UNREADABLE: readonly Outcome[] = ['malformed_body', 'invalid_body', 'unsupported_media_type']
const IGNORED: Result = { outcome: 'ignored' }

export class Intake {
  readonly #options: IntakeOptions

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** What cannot be stored is `unavailable`, so that Tradecloud keeps it. */
  async take(exchange: Exchange, received: Received, path: string): Promise<Stored> {
    const { inbox, name } = this.#options
    const isIgnored = await this.#nothingHandles(exchange, received)
    if (!isIgnored && received.ok) return storeTrigger(inbox, name, received.trigger, originOf(exchange, path))
    const refusal = isIgnored || received.ok ? IGNORED : received
    if (!this.#isForQuarantine(exchange, refusal)) return refusal
    return storeUnreadable(inbox, name, refusal, originOf(exchange, path))
  }

  /** No process that shares the inbox has a callback for the event. */
  async #nothingHandles({ known: { kind, eventName } }: Exchange, received: Received): Promise<boolean> {
    const { inbox, name, handlers } = this.#options
    const isRead = received.ok || received.outcome === 'invalid_body'
    if (!handlers || !isRead || kind === undefined || handlers.find(kind, eventName)) return false
    return !(await inbox.isWanted(name, kind, eventName))
  }

  #isForQuarantine({ body, known }: Exchange, { outcome }: Result): boolean {
    if (!this.#options.quarantine || body === undefined) return false
    return UNREADABLE.includes(outcome) || (outcome === 'ignored' && known.kind === 'unknown')
  }
}

function originOf({ method: sent, headers, requestId, receivedAt, body, known }: Exchange, path: string): Origin {
  const method = sent === 'GET' || sent === 'PUT' ? sent : 'POST'
  return { method, path, contentType: headers['content-type'], requestId, receivedAt, body, known }
}

async function storeTrigger(inbox: Inbox, name: string, trigger: Trigger, origin: Origin): Promise<Stored> {
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
async function storeUnreadable(inbox: Inbox, name: string, refusal: Result, origin: Origin): Promise<Stored> {
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

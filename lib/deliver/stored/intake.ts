/** Stores received triggers in the inbox before the response. */
import type { Exchange, TakenBody } from '../../answer/exchange'
import type { Inbox } from '../../inbox/inbox'
import type { StoredEvent, TraceContext } from '../../inbox/stored-event'
import type { Received } from '../../receive/receiver'
import type { Outcome, Result } from '../../answer/respond'
import { arrivalOf } from '../../inbox/catch-up/arrivals'
import type { WebhookEvent } from '../../events/events'
import { sha256, sha256InTurns } from '../../bytes/digest'
import { Turns } from '../../bytes/turns'
import type { Facts, Trigger } from '../../events/trigger'
import { keptId } from '../../events/entity'
import { MAX_EVENT_NAME, type Handlers } from '../handlers'
import { quarantineIdentity, storedIdentity } from '../identity'

export interface IntakeOptions {
  inbox: Inbox
  name: string
  /** Absent with `deliver: false`, which stores every event. */
  handlers: Handlers | undefined
  /** True if bodies that cannot be delivered are quarantined, for an operator to look at. */
  quarantine: boolean
}

export type StoreResult = Result & { inboxId?: string; merged?: boolean }

const NOTHING = Buffer.alloc(0)
const MAX_TRACE = 2_000
/** A body with one of these outcomes is quarantined. An ignored body of an unknown kind is quarantined too. */
const UNREADABLE: readonly Outcome[] = ['malformed_body', 'invalid_body', 'unsupported_media_type']
const IGNORED: Result = { outcome: 'ignored' }

export class Intake {
  readonly #options: IntakeOptions

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /**
   * Stores a trigger, or a body for the quarantine. If that fails, the result is `unavailable`, so that Tradecloud
   * sends the event again. `path` is the path below the mount path.
   */
  async take(request: Exchange, received: Received, path: string): Promise<StoreResult> {
    const { inbox, name } = this.#options
    const form = formOf(name, request, received.body, path)
    const isIgnored = await this.#nothingHandles(received)
    if (!isIgnored && received.trigger) return storeTrigger(inbox, form, received.trigger, received.body)
    const refusal = received.refusal && !isIgnored ? received.refusal : IGNORED
    const { body, facts } = received
    if (body === undefined || !this.#isForQuarantine(facts, refusal)) return refusal
    return storeUnreadable(inbox, form, refusal, facts, body)
  }

  /** True if no process that shares the inbox has a callback for the event. */
  async #nothingHandles({ facts: { kind, eventName }, trigger, refusal }: Received): Promise<boolean> {
    const { inbox, name, handlers } = this.#options
    const isRead = trigger !== undefined || refusal.outcome === 'invalid_body'
    if (!handlers || !isRead || kind === undefined) return false
    if (trigger ? trigger.handler : handlers.find(kind, eventName)) return false
    return !(await inbox.isWanted(name, kind, eventName))
  }

  #isForQuarantine({ kind }: Facts, { outcome }: Result): boolean {
    if (!this.#options.quarantine) return false
    return UNREADABLE.includes(outcome) || (outcome === 'ignored' && kind === 'unknown')
  }
}

type Form = ReturnType<typeof formOf>

async function storeTrigger(
  inbox: Inbox,
  form: Form,
  trigger: Trigger,
  body: TakenBody | undefined,
): Promise<StoreResult> {
  const isBody = trigger.type === 'body'
  const { entity, digest } = isBody ? trigger : { entity: trigger, digest: sha256(NOTHING) }
  const event: StoredEvent = {
    ...form,
    ...storedIdentity(form.name, trigger),
    trigger: trigger.type,
    kind: trigger.kind,
    eventName: shortName(isBody ? trigger.eventName : undefined),
    entity: entity && { kind: entity.kind, id: keptId(entity.id) },
    digest,
  }
  const bytes = await (isBody ? body?.bytes.join() : undefined)
  const stored = await store(inbox, event, bytes, isBody ? trigger.event : undefined)
  // The delivery ID of a GET trigger is not known yet: it depends on what will be fetched.
  return { ...stored, deliveryId: isBody ? stored.inboxId : undefined }
}

async function storeUnreadable(
  inbox: Inbox,
  form: Form,
  refusal: Result,
  facts: Facts,
  body: TakenBody,
): Promise<StoreResult> {
  const bytes = await body.bytes.join()
  const digest = await sha256InTurns([bytes], new Turns())
  const { outcome: code, detail: reason = code, issues } = refusal
  const { kind = 'unknown', eventName, entityId } = facts
  const event: StoredEvent = {
    ...form,
    ...quarantineIdentity(form.name, digest),
    trigger: 'body',
    kind,
    eventName: shortName(eventName),
    // The entity is stored, so that a body that becomes readable later keeps its position in the queue of its order.
    entity:
      entityId === undefined ? undefined : { kind: kind === 'shipment' ? 'shipment' : 'order', id: keptId(entityId) },
    digest,
    quarantine: { code, reason, issues },
  }
  const stored = await store(inbox, event, bytes)
  return stored.outcome === 'quarantined' ? { ...stored, detail: `${code}: ${reason}` } : stored
}

/** Shortens a name that is shown in lists and held in memory, because a body may contain any name. */
function shortName(eventName: string | undefined): string | undefined {
  if (eventName === undefined || eventName.length <= MAX_EVENT_NAME) return eventName
  // The text is copied, because a slice would keep the whole text in memory.
  return Buffer.from(eventName.slice(0, MAX_EVENT_NAME), 'utf16le').toString('utf16le')
}

/**
 * Facts about the request that are stored with the event. `path` is the path below the mount path, without the query.
 */
function formOf(
  name: string,
  { method, headers, requestId, receivedAt, trace }: Exchange,
  body: TakenBody | undefined,
  path: string,
) {
  return {
    format: 1,
    name,
    method: method === 'GET' || method === 'PUT' ? method : 'POST',
    path,
    contentType: headers['content-type'],
    contentEncoding: body?.encoding,
    reserialized: body?.reserialized ? (true as const) : undefined,
    requestId,
    receivedAt: receivedAt.toISOString(),
    trace: boundedTrace(trace),
  } as const
}

/** Leaves out a trace context that is too large, because the sender can set it. */
function boundedTrace(trace: TraceContext | undefined): TraceContext | undefined {
  return trace && JSON.stringify(trace).length <= MAX_TRACE ? trace : undefined
}

/** Stores an event. `covers` is the event whose changes the catch-up will treat as arrived. */
async function store(
  inbox: Inbox,
  event: StoredEvent,
  bytes: Buffer = NOTHING,
  covers?: WebhookEvent,
): Promise<StoreResult> {
  try {
    // Awaited even without `covers`: otherwise, an event without an arrival could overtake earlier events.
    const records = await inbox.recordsArrivals?.(event.name)
    const arrival = records && covers ? arrivalOf(covers) : undefined
    const { result, id } = await inbox.accept(event, bytes, arrival)
    return result === 'merged' ? { outcome: 'queued', merged: true } : { outcome: result, inboxId: id }
  } catch (cause) {
    return { outcome: 'unavailable', detail: 'The event could not be stored now.', cause }
  }
}

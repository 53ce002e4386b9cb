/**
 * Creates a typed event from the JSON of a body: its kind, its entity, and its deviations from the schema. The field
 * that contains the event decides its kind. The event's name counts only if there are several such fields, or none.
 */
import { orderDocumentsEventNames, orderEventNames, shipmentEventNames } from '../../events/event-names'
import type { EventKind, Issue, WebhookEvent } from '../../events/events'
import { idOf, isObject, stateOf, textOf, type Json } from '../../events/entity'
import type { Entity } from '../../events/trigger'
import type { OrderLine } from '../../schema'
import { capIssues, withIssues, type BodySchema } from '../../events/validate'
import { attachedDocuments } from './attached-documents'
import { refuse, type Refusal } from '../../answer/refusal'

/** The fields that may contain an event, most likely first. */
const FIELDS = {
  orderEvent: { kind: 'order', lineForm: 'deliverySchedule', schema: 'orderWebhookBody' },
  singleDeliveryOrderEvent: { kind: 'order', lineForm: 'singleDelivery', schema: 'orderWebhookBody' },
  // The name that the docs of September 2023 to April 2024 use for singleDeliveryOrderEvent.
  simpleOrderEvent: { kind: 'order', lineForm: 'singleDelivery', schema: 'orderWebhookBody' },
  orderDocumentsEvent: { kind: 'orderDocuments', lineForm: 'deliverySchedule', schema: 'orderWebhookBody' },
  shipment: { kind: 'shipment', lineForm: 'deliverySchedule', schema: 'shipmentWebhookBody' },
} as const satisfies Record<string, { kind: EventKind; lineForm: string; schema: BodySchema }>

type Field = keyof typeof FIELDS
const FIELD_NAMES = Object.keys(FIELDS) as Field[]

const KIND_OF_NAME = new Map<string, EventKind>([
  ...orderEventNames.map((name) => [name, 'order'] as const),
  ...orderDocumentsEventNames.map((name) => [name, 'orderDocuments'] as const),
  ...shipmentEventNames.map((name) => [name, 'shipment'] as const),
])

/** The kind and the parts of a body, before anything is validated. */
export interface Identified {
  ok: true
  kind: EventKind
  eventName?: string | undefined
  lineForm: 'deliverySchedule' | 'singleDelivery'
  /** Schema of the whole body; `undefined` for an unknown kind. */
  schema?: BodySchema | undefined
  body: Json
  /** The object that contains the event. If the kind is unknown or the order has no envelope, the body itself. */
  content: Json
  /** JSON pointer of `content` in the body. */
  pointer: string
  issues: Issue[]
}

export function identify(body: unknown): Identified | Refusal {
  if (!isObject(body)) return invalid('', 'must be a JSON object')
  const eventName = textOf(body.eventName)
  const present: Field[] = []
  // Any field may be missing, null or empty.
  for (const name of FIELD_NAMES) if ((body[name] ?? '') !== '') present.push(name)
  const field = present.length < 2 ? present[0] : fieldOfEvent(body, present, eventName)
  if (field === undefined) {
    const whole = {
      ok: true,
      eventName,
      lineForm: 'deliverySchedule',
      body,
      content: body,
      pointer: '',
      issues: [],
    } as const
    const kindOfName = KIND_OF_NAME.get(eventName ?? '')
    if (eventName !== undefined && kindOfName === undefined) return { ...whole, kind: 'unknown', issues: [] }
    // In the docs of December 2019 to April 2020, an order has no envelope.
    if ((kindOfName ?? 'order') === 'order' && isBareOrder(body))
      return { ...whole, kind: 'order', schema: 'order', issues: [] }
    const fields = FIELD_NAMES.filter((name) => kindOfName === undefined || FIELDS[name].kind === kindOfName)
    return invalid('', `must have an eventName and one of ${fields.join(', ')}`)
  }
  const content = body[field]
  if (!isObject(content)) return invalid(`/${field}`, 'must be an object')
  const { kind, lineForm, schema } = FIELDS[field]
  const issues: Issue[] = []
  for (const name of present)
    if (name !== field)
      issues.push({ pointer: `/${name}`, message: `is not delivered: the event was taken from ${field}` })
  return { ok: true, kind, eventName, lineForm, schema, body, content, pointer: `/${field}`, issues }
}

/**
 * Chooses one of several fields. A field that contains an object is preferred, and among such fields, one whose kind
 * fits the event name.
 */
function fieldOfEvent(body: Json, present: readonly Field[], eventName: string | undefined): Field | undefined {
  const usable = present.filter((field) => isObject(body[field]))
  const kindOfName = KIND_OF_NAME.get(eventName ?? '')
  return usable.find((name) => FIELDS[name].kind === kindOfName) ?? usable[0] ?? present[0]
}

function isBareOrder(body: Json): boolean {
  return (
    textOf(body.id) !== undefined &&
    (isObject(body.buyerOrder) || isObject(body.supplierOrder) || Array.isArray(body.lines))
  )
}

/** The order or shipment of an event, read from its body or from the beginning of its body. */
export function entityIn(body: unknown): Entity | undefined {
  const found = identify(body)
  if (!found.ok || found.kind === 'unknown') return undefined
  const id = idOf(found.kind, found.content)
  return id === undefined ? undefined : { kind: found.kind === 'shipment' ? 'shipment' : 'order', id }
}

export interface ReadEvent {
  ok: true
  event: WebhookEvent
  /** The entity whose events are delivered in order; `undefined` for an unknown kind. */
  entity: Entity | undefined
  /**
   * True if another body with identical bytes is the same event. For this, the body must have a message ID, a version
   * or a time of change, and its event name must not be that of a resend.
   */
  identified: boolean
}

/** `urlId` is used only if the body contains no ID. */
export function readEvent(
  found: Identified,
  method: 'GET' | 'POST' | 'PUT',
  urlId: string | undefined,
  issues: Issue[],
): ReadEvent | Refusal {
  const { kind, content, body } = found
  const meta = messageMetaOf(found)
  const { version, lastUpdatedAt } = stateOf(kind, content)
  const documents = kind === 'orderDocuments' ? attachedDocuments(content) : undefined
  const own =
    documents?.length === 0
      ? [...found.issues, { pointer: found.pointer, message: 'contains no document in a list named documents' }]
      : found.issues
  const base = {
    method,
    eventName: found.eventName,
    version,
    lastUpdatedAt,
    meta,
    issues: capIssues([...own, ...issues]),
  }
  // Events with such a name were sent again by a person, so they must be processed again.
  const isResent = found.eventName?.includes('Resent') ?? false
  const identified =
    !isResent && (version !== undefined || lastUpdatedAt !== undefined || textOf(meta?.messageId) !== undefined)
  if (kind === 'unknown') {
    const event: WebhookEvent = { ...base, kind, eventName: found.eventName ?? '', body }
    return { ok: true, event, entity: undefined, identified }
  }
  const id = idOf(kind, content) ?? urlId
  if (id === undefined)
    return invalid(
      `${found.pointer}/${kind === 'shipment' || found.pointer === '' ? 'id' : 'orderId'}`,
      'must be a non-empty string',
    )
  if (kind === 'shipment') {
    const event: WebhookEvent = { ...base, kind, completeness: 'all-lines', shipmentId: id, shipment: content }
    return { ok: true, event, entity: { kind, id }, identified }
  }
  const completeness = 'affected-lines'
  const { lineForm } = found
  const affectedLines = Array.isArray(content.lines) ? (content.lines as OrderLine[]) : []
  const event: WebhookEvent = documents
    ? { ...base, kind: 'orderDocuments', completeness, orderId: id, order: content, documents }
    : { ...base, kind: 'order', completeness, orderId: id, order: content, lineForm, affectedLines }
  return { ok: true, event, entity: { kind: 'order', id }, identified }
}

/**
 * The meta of the message is inside the event, as in Tradecloud's example receiver, or next to it. The `meta` inside a
 * shipment is that of the shipment, not of the message.
 */
function messageMetaOf({ kind, content, body }: Identified): Json | undefined {
  const inside = kind !== 'shipment' && isObject(content.meta) ? content.meta : undefined
  if (textOf(inside?.messageId) !== undefined) return inside
  const beside = isObject(body.meta) ? body.meta : undefined
  return textOf(beside?.messageId) !== undefined ? beside : (inside ?? beside)
}

function invalid(pointer: string, message: string): Refusal {
  const issues = [{ pointer, message }]
  return refuse('invalid_body', withIssues('The body is not an event that can be delivered', issues), { issues })
}

/**
 * Converts a change that the catch-up found to a trigger. The event contains the whole order or shipment. The affected
 * lines of an order are those that the catch-up has to deliver.
 */
import { refuse } from '../../answer/refusal'
import { Pieces } from '../../bytes/pieces'
import type { OrderEvent, ShipmentEvent } from '../../events/events'
import { capIssues, withIssues } from '../../events/validate'
import type { InboxDelivery } from '../../inbox/inbox'
import type { FoundFacts } from '../../inbox/stored-event'
import { parseBytes } from '../../receive/body/parse-body'
import type { ReadTrigger, ReadTriggerOptions } from '../../receive/event/read-trigger'
import type { OrderLine } from '../../schema'
import { idOf, isObject, stateOf, type Json } from '../../events/entity'

export async function readFound(
  { event: stored, bytes }: Pick<InboxDelivery, 'event' | 'bytes'>,
  found: FoundFacts,
  { find, validator, strict }: ReadTriggerOptions,
): Promise<ReadTrigger> {
  const kind = stored.kind === 'shipment' ? 'shipment' : 'order'
  const parsed = await parseBytes(Pieces.of(bytes), 'json')
  if (!parsed.ok) return { facts: { kind }, refusal: parsed }
  const content = isObject(parsed.value) ? parsed.value : {}
  const id = idOf(kind, content) ?? stored.entity?.id ?? ''
  const facts = { kind, entityId: id, issues: 0 } as const
  const schema = kind === 'order' && found.form === 'singleDelivery' ? 'singleDeliveryOrder' : kind
  const deviations = validator.deviations(schema, content)
  const refusals = [...validator.refusals(kind, content, ''), ...(strict ? deviations : [])]
  if (refusals.length > 0) {
    const detail = withIssues(`The ${kind} that the catch-up found does not fit its schema`, refusals)
    return { facts, refusal: refuse('invalid_body', detail, { issues: refusals }) }
  }
  const issues = capIssues([...parsed.issues, ...deviations])
  const base = { method: stored.method, ...stateOf(kind, content), completeness: 'all-lines', issues } as const
  return {
    facts: { ...facts, issues: issues.length },
    trigger: {
      ...{ type: 'body', kind, method: stored.method, requestId: stored.requestId },
      receivedAt: new Date(stored.receivedAt),
      event:
        kind === 'shipment'
          ? ({ ...base, kind, shipmentId: id, shipment: content } satisfies ShipmentEvent)
          : foundOrder({ ...base, kind, orderId: id, order: content }, content, found),
      entity: { kind, id },
      digest: parsed.digest,
      // The delivery ID is not derived from the content, because the catch-up may find the same content again.
      identified: false,
      handler: find(kind, undefined),
      found,
    },
  }
}

function foundOrder(
  event: Omit<Extract<OrderEvent, { completeness: 'all-lines' }>, 'lineForm' | 'affectedLines'>,
  content: Json,
  { form, lines }: FoundFacts,
): OrderEvent {
  const all = Array.isArray(content.lines) ? (content.lines as unknown[]).filter(isObject) : []
  const affectedLines = lines.map((place) => all[place]).filter(isObject) as OrderLine[]
  return { ...event, lineForm: form, affectedLines }
}

/**
 * Creates the event for the callback. An event from a GET trigger contains the fetched order or shipment, or only the
 * ID. An event from a body contains the fetched order or shipment (with `fetch: 'always'`), or is as received.
 */
import type { TradecloudClient } from '../api'
import { stateOf, type Json } from '../events/entity'
import { isTradecloudWebhookError } from '../errors/errors'
import type { Issue, OrderDocumentsEvent, OrderEvent, ShipmentEvent, WebhookEvent } from '../events/events'
import type { Result } from '../answer/respond'
import type { Order } from '../schema'
import type { BodyTrigger, IdTrigger, Trigger } from '../events/trigger'
import { capIssues, removedKeyIssues, withIssues, type Validator } from '../events/validate'

export interface ResolveOptions {
  client: TradecloudClient | undefined
  mode: 'get' | 'always' | 'never'
  fetchTimeoutMs: number
  validator: Validator
  /** True if a fetched entity that deviates from its schema is refused. */
  strict: boolean
  /** Called when an event is delivered as received because the API does not know its order or shipment. */
  notKnown: (trigger: BodyTrigger, result: Result) => void
}

export type ResolvedEvent =
  { ok: true; event: WebhookEvent; contentHash?: string | undefined } | ({ ok: false } & Result)

type FetchingOptions = ResolveOptions & { client: TradecloudClient }

function fetches(trigger: Trigger, options: ResolveOptions): options is FetchingOptions {
  const { client, mode } = options
  if (client === undefined) return false
  if (trigger.type === 'id') return mode !== 'never'
  return mode === 'always' && trigger.entity !== undefined && !trigger.found
}

/** Calls `onFetch` before a fetch. Without a fetch, the event is as received, or has only the ID. */
export function resolveEvent(
  trigger: Trigger,
  options: ResolveOptions,
  signal: AbortSignal,
  onFetch?: () => void,
): ResolvedEvent | Promise<ResolvedEvent> {
  if (!fetches(trigger, options)) return { ok: true, event: trigger.type === 'id' ? idOnly(trigger) : trigger.event }
  onFetch?.()
  return fetchEvent(trigger, options, signal)
}

async function fetchEvent(trigger: Trigger, options: FetchingOptions, signal: AbortSignal): Promise<ResolvedEvent> {
  const { kind, id } = trigger.type === 'id' ? trigger : (trigger.entity ?? { kind: 'order', id: '' })
  const fetched = await fetchEntity(kind, id, options, signal)
  if (trigger.type === 'id')
    return fetched.ok ? { ok: true, event: wholeEntity(trigger, fetched), contentHash: fetched.contentHash } : fetched
  if (fetched.ok) return { ok: true, event: withFetched(trigger, fetched) }
  if (fetched.outcome !== 'not_found' && fetched.outcome !== 'invalid_id') return fetched
  // The event is delivered as received, because the API may never know the ID.
  options.notKnown(trigger, fetched)
  return { ok: true, event: trigger.event }
}

interface Fetched {
  ok: true
  entity: Json
  contentHash: string
  issues: Issue[]
}

async function fetchEntity(
  kind: 'order' | 'shipment',
  id: string,
  { client, fetchTimeoutMs, validator, strict }: FetchingOptions,
  signal: AbortSignal,
): Promise<Fetched | ({ ok: false } & Result)> {
  try {
    const { entity, contentHash, removedKeys } = await client.fetchEntity(kind, id, {
      signal,
      timeoutMs: fetchTimeoutMs,
    })
    const deviations = validator.deviations(kind, entity)
    const refusals = [...validator.refusals(kind, entity, ''), ...(strict ? deviations : [])]
    if (refusals.length > 0) {
      return {
        ok: false,
        outcome: 'fetch_failed',
        detail: withIssues(`The fetched ${kind} does not fit its schema`, refusals),
        issues: refusals,
      }
    }
    const otherId =
      (entity.id ?? entity.orderId) === id ? [] : [{ pointer: '/id', message: 'is not the ID that was asked for' }]
    return {
      ok: true,
      entity,
      contentHash,
      issues: capIssues([...otherId, ...removedKeyIssues(removedKeys), ...deviations]),
    }
  } catch (cause) {
    const code = isTradecloudWebhookError(cause) ? cause.code : ''
    if (code === 'not_found' || code === 'fetch_timeout' || code === 'invalid_id' || code === 'unavailable') {
      return { ok: false, outcome: code, cause }
    }
    return { ok: false, outcome: 'fetch_failed', cause }
  }
}

function idOnly({ kind, id, method }: IdTrigger): WebhookEvent {
  if (kind === 'shipment') return { kind, completeness: 'id-only', method, shipmentId: id, issues: [] }
  return { kind, completeness: 'id-only', lineForm: 'deliverySchedule', method, orderId: id, issues: [] }
}

function wholeEntity({ kind, id, method }: IdTrigger, { entity, issues }: Fetched): OrderEvent | ShipmentEvent {
  const base = { method, ...stateOf(kind, entity), completeness: 'all-lines', issues } as const
  if (kind === 'shipment') return { ...base, kind, shipmentId: id, shipment: entity }
  return { ...base, kind, lineForm: 'deliverySchedule', orderId: id, order: entity }
}

function withFetched({ event }: BodyTrigger, { entity, issues }: Fetched): WebhookEvent {
  const fetchedIssues = issues.map(({ pointer, message }) => ({ pointer, message: `fetched: ${message}` }))
  const more = {
    ...definedState(event.kind, entity),
    completeness: 'all-lines',
    issues: capIssues([...event.issues, ...fetchedIssues]),
  }
  if (event.kind === 'shipment') return { ...event, ...more, shipment: entity } as ShipmentEvent
  return { ...event, ...more, order: entity as Order } as OrderEvent | OrderDocumentsEvent
}

/** The state of the fetched entity, without undefined fields: these would overwrite the values of the body. */
function definedState(kind: string, entity: Json): Json {
  return Object.fromEntries(Object.entries(stateOf(kind, entity)).filter(([, value]) => value !== undefined))
}

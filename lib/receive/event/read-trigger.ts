/** From a parsed body to the trigger that is delivered: of a request, and of an event that was stored before. */
import { debugReceive } from '../../log/debug'
import type { EventKind } from '../../events/events'
import type { Known } from '../../answer/exchange'
import { quote, quoteJson } from '../../log/quote'
import type { Result } from '../../answer/respond'
import type { Trigger } from '../../events/trigger'
import { withIssues, type Validator } from '../../events/validate'
import type { ParsedBody } from '../body/parse-body'
import type { Pieces } from '../../bytes/pieces'
import { identify, readEvent } from './read-event'
import type { Refusal } from '../../answer/refusal'
import type { TriggerId } from './trigger-id'

export interface ReadTriggerOptions {
  /** Whether there is a callback for such an event. */
  wants: (kind: EventKind, eventName: string | undefined) => boolean
  validator: Validator
  strict: boolean
}

export type Received = { ok: true; trigger: Trigger } | ({ ok: false } & Result)

/** What the request tells beside its body. */
export interface RequestFacts {
  method: 'GET' | 'POST' | 'PUT'
  urlId: TriggerId
  requestId: string
  receivedAt: Date
  /** Absent where the app had parsed the body to an object. */
  rawBody: Pieces | undefined
  /** Why the URL holds no ID although it should. Asked only where the body holds none either. */
  misrouted?: () => Refusal | undefined
}

/** `known` learns what is found out on the way, also where the body is refused in the end. */
export function readTrigger(
  parsed: ParsedBody,
  { method, urlId, requestId, receivedAt, rawBody, misrouted }: RequestFacts,
  { wants, validator, strict }: ReadTriggerOptions,
  known: Known,
): Received {
  const found = identify(parsed.value)
  if (!found.ok) return found
  const { kind, eventName, schema, content, pointer } = found
  known.kind = kind
  known.eventName = eventName
  if (!wants(kind, eventName)) return { ok: false, outcome: 'ignored' }

  const deviations = schema ? validator.deviations(schema, found.body) : []
  const refusals = validator.refusals(kind, content, pointer)
  if (strict) refusals.push(...deviations)
  // An ID in the URL of a body trigger is a remnant of the docs of 2019 and 2020: it only helps where the body has none.
  const urlIdOfKind = urlId.found && (urlId.kind === 'shipment') === (kind === 'shipment') ? urlId.id : undefined
  const read = readEvent(
    found,
    method,
    urlIdOfKind,
    parsed.issues.length === 0 ? deviations : [...parsed.issues, ...deviations],
  )
  if (read.ok && read.entity) known.entityId = read.entity.id
  if (refusals.length > 0) {
    const detail = withIssues('The body does not fit its schema', refusals)
    return { ok: false, outcome: 'invalid_body', detail, issues: refusals }
  }
  if (!read.ok) return misrouted?.() ?? read
  const { event, entity, identified } = read
  known.issues = event.issues.length
  if (event.issues.length > 0 && debugReceive.enabled)
    debugReceive('%s deviates from its schema: %s', requestId, quoteJson(event.issues))
  if (urlId.found && urlId.id !== entity?.id) {
    debugReceive(
      '%s the URL says %s, the body says %s: the body wins',
      requestId,
      quote(urlId.id),
      quote(entity?.id ?? ''),
    )
  }
  const { digest } = parsed
  return {
    ok: true,
    trigger: {
      type: 'body',
      kind,
      eventName,
      method,
      requestId,
      receivedAt,
      rawBody,
      event,
      entity,
      identified,
      digest,
    },
  }
}

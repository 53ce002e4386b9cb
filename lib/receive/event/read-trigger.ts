/** Creates the trigger to deliver from a parsed body, which comes from a request or from a stored event. */
import { debugReceive } from '../../log/debug'
import type { EventKind, Issue } from '../../events/events'
import { quote, quoteJson } from '../../bytes/quote'
import type { Facts, Handler, Trigger } from '../../events/trigger'
import { withIssues, type Validator } from '../../events/validate'
import type { ParsedBody } from '../body/parse-body'
import type { Pieces } from '../../bytes/pieces'
import { identify, readEvent, type Identified } from './read-event'
import { refuse, type Refusal } from '../../answer/refusal'
import type { TriggerId } from '../route'

export interface ReadTriggerOptions {
  find: (kind: EventKind, eventName: string | undefined) => Handler | undefined
  /**
   * True if events without a callback are read too, because another process may have the callback. If false, such
   * events are ignored.
   */
  readsUnhandled: boolean
  validator: Validator
  strict: boolean
}

/** A trigger, or the reason why there is none. */
export type ReadTrigger =
  { facts: Facts; trigger: Trigger; refusal?: undefined } | { facts: Facts; trigger?: undefined; refusal: Refusal }

/** The facts of a request other than its body. */
export interface RequestFacts {
  method: 'GET' | 'POST' | 'PUT'
  urlId: TriggerId
  requestId: string
  receivedAt: Date
  /** Absent if the app had parsed the body to an object. */
  rawBody: Pieces | undefined
  /**
   * Returns a refusal if the URL should contain an ID, but the configuration prevents this. Called only if the body
   * contains no ID either.
   */
  misrouted?: () => Refusal | undefined
}

/** If a large body has lines, returns a promise: the lines are checked in parts, with other work in between. */
export function readTrigger(
  parsed: ParsedBody,
  request: RequestFacts,
  options: ReadTriggerOptions,
): ReadTrigger | Promise<ReadTrigger> {
  const { find, readsUnhandled, validator } = options
  const found = identify(parsed.value)
  if (!found.ok) return { facts: {}, refusal: found }
  const { kind, eventName, schema, body, content } = found
  const handler = find(kind, eventName)
  if (!handler && !readsUnhandled) return { facts: { kind, eventName }, refusal: { ok: false, outcome: 'ignored' } }
  const { turns } = parsed
  if (schema && turns && Array.isArray(content.lines)) {
    const list = { holder: content, key: 'lines', pointer: `${found.pointer}/lines` }
    return validator
      .deviationsInTurns(schema, body, list, turns)
      .then((deviations) => triggerOf(parsed, found, handler, deviations, request, options))
  }
  const deviations = schema ? validator.deviations(schema, body) : []
  return triggerOf(parsed, found, handler, deviations, request, options)
}

function triggerOf(
  parsed: ParsedBody,
  found: Identified,
  handler: Handler | undefined,
  deviations: Issue[],
  { method, urlId, requestId, receivedAt, rawBody, misrouted }: RequestFacts,
  { validator, strict }: ReadTriggerOptions,
): ReadTrigger {
  const { kind, eventName, content, pointer } = found
  const facts: Facts = { kind, eventName }
  const refusals = validator.refusals(kind, content, pointer)
  if (strict) refusals.push(...deviations)
  // The docs of 2019 and 2020 also put an ID into the URL for triggers with a body. It is used only if the body has no
  // ID.
  const urlIdOfKind = urlId.found && (urlId.kind === 'shipment') === (kind === 'shipment') ? urlId.id : undefined
  const read = readEvent(
    found,
    method,
    urlIdOfKind,
    parsed.issues.length === 0 ? deviations : [...parsed.issues, ...deviations],
  )
  if (read.ok && read.entity) facts.entityId = read.entity.id
  if (refusals.length > 0) {
    const detail = withIssues('The body does not fit its schema', refusals)
    return { facts, refusal: refuse('invalid_body', detail, { issues: refusals }) }
  }
  if (!read.ok) return { facts, refusal: misrouted?.() ?? read }
  const { event, entity, identified } = read
  facts.issues = event.issues.length
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
    facts,
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
      handler,
    },
  }
}

/**
 * The oracle of the fuzz test: checks that hold for any body and its result. They are written independently of the
 * package.
 */
import { dedupeKey, deliveryIdOfBody, entityKey, storedIdentity } from '../../lib/deliver/identity'
import { parseBytes, type ParsedBody } from '../../lib/receive/body/parse-body'
import { Pieces } from '../../lib/bytes/pieces'
import { readTrigger, type ReadTrigger } from '../../lib/receive/event/read-trigger'
import type { Refusal } from '../../lib/answer/refusal'
import type { Trigger } from '../../lib/events/trigger'
import { createValidator } from '../../lib/events/validate'
import { CANARY, type Body } from './bodies'

const MODES = (['tolerant', 'strict', 'off'] as const).map((mode) => ({
  mode,
  options: { find: () => undefined, readsUnhandled: true, validator: createValidator(mode), strict: mode === 'strict' },
}))
const REFUSALS = ['malformed_body', 'invalid_body', 'unsupported_media_type']
const FIELDS = ['orderEvent', 'singleDeliveryOrderEvent', 'simpleOrderEvent', 'orderDocumentsEvent', 'shipment']
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const PROTOTYPE_KEYS = Reflect.ownKeys(Object.prototype).length

async function read(parsed: ParsedBody, options: (typeof MODES)[number]['options']): Promise<ReadTrigger> {
  const origin = { method: 'POST', requestId: 'r', receivedAt: new Date(0), rawBody: undefined } as const
  return readTrigger(parsed, { ...origin, urlId: { found: false } }, options)
}

/** Resolves with the problem; `undefined` if there is none. Never rejects. */
export async function problemOf(body: Body, index: number): Promise<string | undefined> {
  try {
    const problem = await judge(body, index)
    if (problem !== undefined) return problem
  } catch (error) {
    return `throws ${String((error as Error).stack)}`
  }
  return Reflect.ownKeys(Object.prototype).length === PROTOTYPE_KEYS ? undefined : 'Object.prototype is polluted'
}

/** Every second body arrives in two pieces, split at any position. */
function inPieces(bytes: Buffer, index: number): Pieces {
  if (index % 2 === 0) return Pieces.of(bytes)
  const at = index % (bytes.length + 1)
  const pieces = new Pieces()
  for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) pieces.add(Buffer.from(piece))
  return pieces
}

async function judge({ bytes, type, how }: Body, index: number): Promise<string | undefined> {
  const parsed = await parseBytes(inPieces(bytes, index), type)
  const mustDeliver = how === 'valid XML' || (type !== 'xml' && isDeliverable(bytes))
  if (!parsed.ok)
    return mustDeliver ? `a deliverable body is ${parsed.outcome}: ${parsed.detail ?? ''}` : refusal(parsed)
  const before = index % 20 === 0 ? JSON.stringify(parsed.value) : undefined
  // Each body is validated in tolerant mode and in only one of the other modes, because validating takes most of the
  // time.
  const modes = MODES.filter(({ mode }, i) => mode === 'tolerant' || index % 2 === i - 1)
  const results: Array<{ mode: string; result: ReadTrigger }> = []
  for (const { mode, options } of modes) results.push({ mode, result: await read(parsed, options) })
  if (before !== undefined && JSON.stringify(parsed.value) !== before) return 'validation has changed the value'
  for (const { mode, result } of results) {
    const problem = result.trigger ? delivery(result.trigger) : refusal(result.refusal)
    if (problem !== undefined) return `${mode}: ${problem}`
    if (mustDeliver && mode !== 'strict' && result.refusal)
      return `${mode}: a deliverable body is ${result.refusal.outcome}`
  }
  const [tolerant, strict, off] = ['tolerant', 'strict', 'off'].map(
    (wanted) => results.find(({ mode }) => mode === wanted)?.result,
  )
  if (off && (off.trigger === undefined) !== (tolerant?.trigger === undefined)) return 'tolerant and off disagree'
  if (strict?.trigger && !tolerant?.trigger) return 'strict takes what tolerant refuses'
  if (strict?.refusal && tolerant?.trigger && issuesOf(tolerant).length === 0) return 'strict refuses without an issue'
  return hasOwnProto(parsed.value) ? 'a key __proto__ is left' : undefined
}

function issuesOf({ trigger, refusal }: Partial<ReadTrigger>): Array<{ pointer: string; message: string }> {
  if (refusal) return refusal.issues ?? []
  return trigger?.type === 'body' ? trigger.event.issues : []
}

function refusal(result: Refusal): string | undefined {
  if (!REFUSALS.includes(result.outcome)) return `outcome ${result.outcome}`
  if (result.cause !== undefined) return 'a refusal with a cause: a bug of ours'
  // The detail lists at most three issues, each with a truncated pointer in which every character may be escaped.
  if ((result.detail ?? '').length > 4_000 || result.detail?.includes(CANARY)) return `detail ${result.detail ?? ''}`
  if (result.outcome === 'invalid_body' && issuesOf({ refusal: result }).length === 0) return 'invalid without an issue'
  return issueProblem(issuesOf({ refusal: result }))
}

function issueProblem(issues: ReturnType<typeof issuesOf>): string | undefined {
  if (issues.length > 21) return `${issues.length} issues`
  const bad = issues.find(
    ({ pointer, message }) => pointer.length > 300 || message.length > 300 || message.includes(CANARY),
  )
  return bad && `issue ${JSON.stringify(bad)}`
}

function delivery(trigger: Trigger): string | undefined {
  if (trigger.type !== 'body') return 'a trigger that is none'
  const { event, entity } = trigger
  const id: unknown = event.kind === 'shipment' ? event.shipmentId : event.kind === 'unknown' ? 'none' : event.orderId
  if (!['order', 'orderDocuments', 'shipment', 'unknown'].includes(event.kind)) return `kind ${event.kind as string}`
  if (typeof id !== 'string' || id.trim() === '') return `ID ${JSON.stringify(id)}`
  if (event.kind !== 'unknown' && entity?.id !== id) return 'the entity is another one'
  if (event.version !== undefined && !Number.isSafeInteger(event.version)) return `version ${event.version}`
  const stored = storedIdentity('fuzz', trigger)
  if (!UUID.test(stored.id) || !UUID.test(deliveryIdOfBody(dedupeKey('fuzz', trigger)))) return 'an ID that is no UUID'
  if ((entityKey(trigger) ?? '').length > 300) return 'a long key'
  JSON.stringify(event)
  return issueProblem(event.issues)
}

/**
 * True for bodies that only strict validation may refuse: JSON of at most a hundred levels, with one known field that
 * contains an object with an ID. This function uses no code of the package.
 */
export function isDeliverable(bytes: Buffer): boolean {
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
    if (levels(text) > 100) return false
  } catch {
    return false
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const holder = value as Record<string, unknown>
  const present = FIELDS.filter((field) => Object.hasOwn(holder, field) && ![null, ''].includes(holder[field] as null))
  const [field = ''] = present
  const content = holder[field]
  if (present.length !== 1 || typeof content !== 'object' || content === null || Array.isArray(content)) return false
  const { orderId, id } = content as { orderId?: unknown; id?: unknown }
  const isId = (given: unknown): boolean => typeof given === 'number' || (typeof given === 'string' && /\S/.test(given))
  return isId(id) || (field !== 'shipment' && isId(orderId))
}

function levels(json: string): number {
  let depth = 0
  let deepest = 0
  for (const [bracket] of json.replace(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

function hasOwnProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasOwnProto)
}

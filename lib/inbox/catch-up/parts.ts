/**
 * The parts of an order or shipment that can arrive separately. An order event may contain only the lines that have
 * changed, so each line is a part, and so is the header. A shipment always arrives as a whole.
 */
import { sha256 } from '../../bytes/digest'
import { idOf, instantOf, isObject, keptId, stateOf, textOf, type Json } from '../../events/entity'

export type EntityKind = 'order' | 'shipment'
export type LineForm = 'deliverySchedule' | 'singleDelivery'

/**
 * Identifies an order or shipment in one of the two forms of lines. An arrival in one form does not count for the other
 * form: `singleDelivery` splits a line into several lines, one per delivery, and these lines have no ID of their own.
 */
export interface EntityName {
  kind: EntityKind
  id: string
  form: LineForm
}

export const HEADER = ''

export interface Part {
  /** `HEADER` for the header, or `line:` followed by the ID of the line. */
  name: string
  /** When the part last changed, in milliseconds since 1970. Absent if the part has no time. */
  time?: number | undefined
  /**
   * A hash of the content, which distinguishes parts without a time, and lines with the same ID. A header that has a
   * time needs no hash: the value is then the time as text.
   */
  hash: string
  /**
   * How the part is compared with the arrival records of this part.
   * - `time`: one record must be at least as new as the part, or have the same hash.
   * - `newest`: the part has no time. The newest record must have the same hash, or be newer than the order or
   *   shipment.
   * - `content`: the line has no ID, or shares its ID with another line. One record must have the same hash.
   */
  comparedBy: 'time' | 'newest' | 'content'
  /** The line; absent for the header. */
  line?: Record<string, unknown> | undefined
}

/** A key of name and content, because lines may have the same ID. */
export const keyOfPart = ({ name, hash }: Part): string => `${name} ${hash}`

/** An order or shipment that was polled or fetched. */
export interface EntitySnapshot extends EntityName {
  content: Record<string, unknown>
  /** The time as Tradecloud wrote it. */
  lastUpdatedAt?: string | undefined
  /** When the entity last changed, in milliseconds since 1970; NaN if the time cannot be parsed. */
  time: number
  parts: Part[]
}

/** `undefined` if the content has no ID. */
export function readEntity(kind: EntityKind, form: LineForm, content: Json): EntitySnapshot | undefined {
  const id = idOf(kind, content)
  if (id === undefined) return undefined
  const { lastUpdatedAt } = stateOf(kind, content)
  const time = instantOf(lastUpdatedAt)
  const lines = kind === 'order' && Array.isArray(content.lines) ? (content.lines as unknown[]) : []
  const parts = [headerPart(content, time), ...lineParts(lines)]
  return { kind, id, form, content, lastUpdatedAt, time, parts }
}

function headerPart(content: Json, time: number): Part {
  if (!Number.isNaN(time)) return { name: HEADER, time, hash: String(time), comparedBy: 'time' }
  return { name: HEADER, hash: hashOf({ ...content, lines: undefined }), comparedBy: 'newest' }
}

export function lineParts(lines: readonly unknown[]): Part[] {
  const parts = lines.filter(isObject).map((line): Part => {
    const id = textOf(line.id) ?? ''
    const time = instantOf(stateOf('order', line).lastUpdatedAt)
    const isTimed = !Number.isNaN(time)
    const comparedBy = id === '' ? 'content' : isTimed ? 'time' : 'newest'
    return { name: `line:${storableId(id)}`, time: isTimed ? time : undefined, hash: hashOf(line), comparedBy, line }
  })
  const seen = new Map<string, Part>()
  for (const part of parts) {
    const twin = seen.get(part.name)
    if (twin) twin.comparedBy = part.comparedBy = 'content'
    seen.set(part.name, part)
  }
  return parts
}

/** The ID in a form that can be stored: PostgreSQL cannot store a NUL, and an index cannot hold a long text. */
function storableId(id: string): string {
  return id.includes('\0') ? sha256(id) : keptId(id)
}

/** A hash that is the same for equal content, whatever the order of the fields. */
export function hashOf(value: Json): string {
  return sha256(JSON.stringify(value, sorted)).slice(0, 32)
}

function sorted(_name: string, value: unknown): unknown {
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}

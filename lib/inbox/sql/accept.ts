/** Stores an event in one transaction: its queue, its row and its body. A large body was uploaded before. */
import type { Arrival } from '../catch-up/arrivals'
import type { Accepted } from '../inbox'
import type { StoredEvent } from '../stored-event'
import { recordArrivals } from './catch-up/arrivals'
import { eventIdOf, reversed } from './names'
import { lockQueue, updateQueue } from './queues'
import { DEAD, DELIVERED, insert, PARTS_PER_BODY, QUARANTINED, WAITING, type SqlValue, type Tables } from './tables'

export interface AcceptRequest {
  event: StoredEvent
  size: number
  /** The body, if it is small. */
  bytes?: Uint8Array | undefined
  /** For a large body: the number of its upload, whose parts are already stored. */
  upload?: number | undefined
  /** The changes that the event covers. Set only if a catch-up will compare them. */
  arrival?: Arrival | undefined
}

type StoredRequest = Pick<AcceptRequest, 'event' | 'arrival'>

const UPLOAD_GONE = 'The first parts of the body were removed while the others were being stored.'

interface KnownEvent {
  event: number
  id: string
  state: number
  occurrence: number
}
const KNOWN = 'event, id, state, occurrence'

export async function accept(tables: Tables, request: AcceptRequest, atLeast = 0): Promise<Accepted> {
  const { event: stored, size, upload } = request
  const known = await newest(tables, stored)
  if (known && !isNew(stored, known)) {
    if (upload !== undefined) await removeUpload(tables, upload)
    return acceptKnown(tables, known, request)
  }
  const occurrence = Math.max(atLeast, known ? known.occurrence + 1 : 0)
  const event: StoredEvent = { ...stored, id: eventIdOf(stored, occurrence) }
  const queue = event.quarantine ? undefined : await lockQueue(tables, event, size)
  const waiting = queue && event.trigger === 'id' ? await mergeable(tables, queue.queue) : undefined
  if (waiting !== undefined) return { result: 'merged', id: waiting }
  const number = await insertEvent(tables, { ...request, event }, queue?.queue, occurrence)
  if (number === undefined) {
    // The ID exists: another transaction has just stored the event, or `takeOver` copied an event with this ID earlier.
    if (queue?.owner === null) await updateQueue(tables, queue.queue)
    return stored.key === undefined ? { result: 'duplicate', id: event.id } : accept(tables, request, occurrence + 1)
  }
  await recordAccepted(tables, request, number)
  return { result: event.quarantine ? 'quarantined' : 'queued', id: event.id }
}

/** Accepts an event that is already stored; its body is not needed. Resolves with `undefined` if the event is new. */
export async function acceptStored(tables: Tables, request: StoredRequest): Promise<Accepted | undefined> {
  const known = await newest(tables, request.event)
  return known && !isNew(request.event, known) ? acceptKnown(tables, known, request) : undefined
}

function isNew({ repeatable }: StoredEvent, { state }: KnownEvent): boolean {
  return repeatable === true && state === DELIVERED
}

async function acceptKnown(
  tables: Tables,
  { event, id, state }: KnownEvent,
  request: StoredRequest,
): Promise<Accepted> {
  const isReadable = !request.event.quarantine
  if ((state === DEAD || state === QUARANTINED) && isReadable && (await requeue(tables, event, state))) {
    await recordAccepted(tables, request, event)
    return { result: 'queued', id }
  }
  return { result: state === QUARANTINED && !isReadable ? 'quarantined' : 'duplicate', id }
}

async function recordAccepted(tables: Tables, { event, arrival }: StoredRequest, number: number): Promise<void> {
  if (arrival && !event.quarantine) await recordArrivals(tables, [{ name: event.name, arrival, event: number }])
}

/** The last event with the same key. An event that is not repeatable is found by its ID, which depends on the key. */
async function newest(tables: Tables, { id, key, repeatable }: StoredEvent): Promise<KnownEvent | undefined> {
  if (key === undefined) return undefined
  return repeatable
    ? tables.get(`SELECT ${KNOWN} FROM events WHERE key = ? ORDER BY occurrence DESC LIMIT 1`, key)
    : tables.get(`SELECT ${KNOWN} FROM events WHERE id = ?`, id)
}

/**
 * The waiting GET trigger into which a new GET trigger merges. It must be the last event of the queue: if a body came
 * after it, the order or shipment must be fetched again.
 */
async function mergeable(tables: Tables, queue: number): Promise<string | undefined> {
  const last = await tables.get<{ id: string; state: number; attempts: number; head: string }>(
    'SELECT id, state, attempts, head FROM events WHERE queue = ? AND state < 2 ORDER BY seq DESC LIMIT 1',
    queue,
  )
  if (last?.state !== WAITING || last.attempts > 0) return undefined
  return (JSON.parse(last.head) as StoredEvent).trigger === 'id' ? last.id : undefined
}

/** Returns the number of the new event; `undefined` if there is already an event with this ID. */
export async function insertEvent(
  tables: Tables,
  { event, size, bytes, upload }: AcceptRequest,
  queue: number | undefined,
  occurrence: number,
): Promise<number | undefined> {
  const seq = await tables.nextNumber()
  const number = upload ?? seq
  const row = { event: number, seq, queue: queue ?? null, ...columnsOf(event, size, tables.now, occurrence) }
  if ((await insert(tables, 'events', [row], 'ON CONFLICT (id) DO NOTHING')) === 0) return undefined
  if (upload !== undefined) await endUpload(tables, upload)
  else if (bytes && size > 0) await insertPart(tables, number, 0, bytes)
  return number
}

/** The columns of a new event, except its number, its position and its queue. */
export function columnsOf(event: StoredEvent, size: number, now: number, occurrence: number): Record<string, SqlValue> {
  const { id, name, kind, eventName = null, key, quarantine, entity } = event
  return {
    ...{ id, key: (event.repeatable && key) ?? null, occurrence: key === undefined ? null : occurrence },
    ...{ state: quarantine ? QUARANTINED : WAITING, name, kind, event_name: eventName },
    ...{ reversed_entity_id: entity ? reversed(entity.id) : null, received: Date.parse(event.receivedAt), due: now },
    ...{ bytes: size, has_body: size > 0 ? 1 : 0, settled: quarantine ? now : null },
    ...{ outcome: quarantine?.code ?? null, reason: quarantine?.reason ?? null, head: JSON.stringify(event) },
  }
}

/**
 * Moves a settled event to the end of its queue; the event keeps its row and ID. Returns false if its state has
 * changed.
 */
export async function requeue(tables: Tables, event: number, state: number, replay = false): Promise<boolean> {
  const sql = 'SELECT bytes, head FROM events WHERE event = ?'
  const row = await tables.get<{ bytes: number; head: string }>(sql, event)
  if (!row) return false
  const { queue, owner } = await lockQueue(tables, JSON.parse(row.head) as StoredEvent, row.bytes)
  const changed = await tables.run(
    `UPDATE events SET state = ${WAITING}, queue = ?, seq = ?, due = ?, attempts = 0, first_attempt = NULL, settled = NULL,
       replay = ? WHERE event = ? AND state = ?`,
    ...[queue, await tables.nextNumber(), tables.now, replay ? 1 : 0, event, state],
  )
  if (changed === 0 && owner === null) await updateQueue(tables, queue)
  return changed === 1
}

/**
 * Begins to store a large body. Its parts become visible with the event, and are removed if no part arrives for an
 * hour.
 */
export async function beginUpload(tables: Tables): Promise<number> {
  const event = await tables.nextNumber()
  await insert(tables, 'uploads', [{ event, begun: tables.now }])
  return event
}

/** Rejects if the parts were removed meanwhile, for example because the clock was set ahead. */
export async function writePart(
  tables: Tables,
  { event, part, bytes }: { event: number; part: number; bytes: Uint8Array },
): Promise<void> {
  const begun = await tables.run('UPDATE uploads SET begun = ? WHERE event = ?', tables.now, event)
  if (begun === 0) throw new Error(UPLOAD_GONE)
  await insertPart(tables, event, part, bytes)
}

async function insertPart(tables: Tables, event: number, part: number, data: Uint8Array): Promise<void> {
  // The part may already be stored, if the response to an earlier attempt was lost.
  const sql = 'INSERT INTO bodies (part, data) VALUES (?, ?) ON CONFLICT DO NOTHING'
  await tables.run(sql, event * PARTS_PER_BODY + part, data)
}

async function endUpload(tables: Tables, event: number): Promise<void> {
  if ((await tables.run('DELETE FROM uploads WHERE event = ?', event)) === 0) throw new Error(UPLOAD_GONE)
}

/**
 * Removes an upload, unless it has ended, or has received a part after `begunBefore`. Locks the row in `uploads` first,
 * as `writePart` does, so that the two cannot deadlock.
 */
export async function removeUpload(
  tables: Tables,
  event: number,
  begunBefore = Number.MAX_SAFE_INTEGER,
): Promise<void> {
  if ((await tables.run('DELETE FROM uploads WHERE event = ? AND begun <= ?', event, begunBefore)) > 0)
    await removeBody(tables, event)
}

export async function removeBody(tables: Tables, event: number): Promise<void> {
  const [first, end] = [event * PARTS_PER_BODY, (event + 1) * PARTS_PER_BODY]
  await tables.run('DELETE FROM bodies WHERE part >= ? AND part < ?', first, end)
}

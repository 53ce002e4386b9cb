/** Storing an event: its queue, its row and its body, in one transaction. */
import type { Accepted, StoredEvent } from '../inbox'
import { eventIdOf, queueKeyOf, reversed } from './names'
import { findQueue, lockQueue, updateQueue } from './queues'
import { DEAD, DELIVERED, insert, PARTS_PER_BODY, QUARANTINED, WAITING, type Tables } from './tables'

export interface AcceptRequest {
  event: StoredEvent
  size: number
  /** The body, if it is small. */
  bytes?: Uint8Array | undefined
  /** Otherwise the number of an upload, whose parts are stored already. */
  upload?: number | undefined
}

const UPLOAD_GONE = 'The first parts of the body were removed while the others were being stored.'

interface KnownEvent {
  event: number
  id: string
  state: number
  occurrence: number
}

export async function accept(tables: Tables, request: AcceptRequest): Promise<Accepted> {
  const { event: stored, size, upload } = request
  const known = await newest(tables, stored.key)
  if (known && !(stored.repeatable && known.state === DELIVERED)) {
    if (upload !== undefined) await removeUpload(tables, upload)
    return acceptKnown(tables, known, stored)
  }
  const occurrence = known ? known.occurrence + 1 : 0
  const event: StoredEvent = { ...stored, id: eventIdOf(stored, occurrence) }
  const queueKey = queueKeyOf(event)
  if (!event.quarantine) await lockQueue(tables, queueKey, event, size)
  const waiting = event.trigger === 'id' ? await mergeable(tables, queueKey) : undefined
  if (waiting !== undefined) return { result: 'merged', id: waiting }
  if (!(await insertEvent(tables, { ...request, event }, queueKey, occurrence))) {
    // Another transaction has just stored the same event, or it was taken over from another file before.
    const queue = await findQueue(tables, queueKey)
    if (queue?.owner === null) await updateQueue(tables, queue.queue, queueKey)
    return stored.key === undefined ? { result: 'duplicate', id: event.id } : accept(tables, request)
  }
  return { result: event.quarantine ? 'quarantined' : 'queued', id: event.id }
}

async function acceptKnown(tables: Tables, { event, id, state }: KnownEvent, stored: StoredEvent): Promise<Accepted> {
  const isReadable = !stored.quarantine
  if ((state === DEAD || state === QUARANTINED) && isReadable && (await requeue(tables, event, state)))
    return { result: 'queued', id }
  return { result: state === QUARANTINED && !isReadable ? 'quarantined' : 'duplicate', id }
}

function newest(tables: Tables, key: string | undefined) {
  const sql = 'SELECT event, id, state, occurrence FROM events WHERE key = ? ORDER BY occurrence DESC LIMIT 1'
  return key === undefined ? undefined : tables.get<KnownEvent>(sql, key)
}

/** The GET trigger that a new one merges into: only the last event, as after a body the fetch must happen again. */
async function mergeable(tables: Tables, queueKey: string): Promise<string | undefined> {
  const last = await tables.get<{ id: string; state: number; attempts: number; head: string }>(
    'SELECT id, state, attempts, head FROM events WHERE queue_key = ? AND state < 2 ORDER BY seq DESC LIMIT 1',
    queueKey,
  )
  if (last?.state !== WAITING || last.attempts > 0) return undefined
  return (JSON.parse(last.head) as StoredEvent).trigger === 'id' ? last.id : undefined
}

async function insertEvent(
  tables: Tables,
  { event, size, bytes, upload }: AcceptRequest,
  queueKey: string,
  occurrence: number,
): Promise<boolean> {
  const { now } = tables
  const seq = await tables.nextNumber()
  const number = upload ?? seq
  const { id, key = null, name, kind, eventName = null, entity, quarantine } = event
  const inserted = await insert(
    tables,
    'events',
    {
      ...{ event: number, seq, id, key, occurrence, queue_key: queueKey, state: quarantine ? QUARANTINED : WAITING },
      ...{ name, kind, event_name: eventName, reversed_entity_id: reversed(entity?.id) },
      ...{ received: Date.parse(event.receivedAt), due: now, bytes: size, has_body: size > 0 ? 1 : 0 },
      ...{ settled: quarantine ? now : null, outcome: quarantine?.code ?? null, reason: quarantine?.reason ?? null },
      head: JSON.stringify(event),
    },
    'ON CONFLICT DO NOTHING',
  )
  if (inserted === 0) return false
  if (upload !== undefined) await endUpload(tables, upload)
  else if (bytes && size > 0) await insert(tables, 'bodies', { part: number * PARTS_PER_BODY, data: bytes })
  return true
}

/** An event that was settled goes to the end of its queue, with its row and ID. False if its state has changed. */
export async function requeue(tables: Tables, event: number, state: number, replay = false): Promise<boolean> {
  const row = await tables.get<{ queue_key: string; bytes: number; head: string }>(
    'SELECT queue_key, bytes, head FROM events WHERE event = ?',
    event,
  )
  if (!row) return false
  await lockQueue(tables, row.queue_key, JSON.parse(row.head) as StoredEvent, row.bytes)
  const changed = await tables.run(
    `UPDATE events SET state = ${WAITING}, seq = ?, due = ?, attempts = 0, first_attempt = NULL, settled = NULL, replay = ?
     WHERE event = ? AND state = ?`,
    ...[await tables.nextNumber(), tables.now, replay ? 1 : 0, event, state],
  )
  const queue = changed === 0 ? await findQueue(tables, row.queue_key) : undefined
  if (queue?.owner === null) await updateQueue(tables, queue.queue, row.queue_key)
  return changed === 1
}

/** Begins to store a large body. Its parts become visible with the event, and are removed after an hour without one. */
export async function beginUpload(tables: Tables): Promise<number> {
  const event = await tables.nextNumber()
  await insert(tables, 'uploads', { event, begun: tables.now })
  return event
}

/** Rejects if the parts were removed meanwhile, because the clock was set ahead. */
export async function writePart(
  tables: Tables,
  { event, part, data }: { event: number; part: number; data: Uint8Array },
): Promise<void> {
  const begun = await tables.run('UPDATE uploads SET begun = ? WHERE event = ?', tables.now, event)
  if (begun === 0) throw new Error(UPLOAD_GONE)
  await insert(tables, 'bodies', { part: event * PARTS_PER_BODY + part, data })
}

async function endUpload(tables: Tables, event: number): Promise<void> {
  if ((await tables.run('DELETE FROM uploads WHERE event = ?', event)) === 0) throw new Error(UPLOAD_GONE)
}

/** Unless it has ended or got another part since then. Its row is locked first, as by those who write to it. */
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

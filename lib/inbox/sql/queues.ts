/** The row of a queue: it exists as long as the queue has events to deliver, and describes the first of them. */
import type { StoredEvent } from '../stored-event'
import { ANY_KIND, queueKeyOf } from './names'
import type { Tables } from './tables'

export interface QueueRow {
  queue: number
  owner: string | null
}

/** The kind that decides which processes take the event. An unreadable event may be of any kind. */
export function takenAs({ kind, quarantine }: StoredEvent): string {
  return quarantine ? ANY_KIND : kind
}

/**
 * Creates the queue if needed, and locks it until the transaction ends: otherwise a transaction that settles its last
 * event could remove it meanwhile. Call `updateQueue` afterwards if no event was added.
 */
export async function lockQueue(tables: Tables, event: StoredEvent, size: number): Promise<QueueRow> {
  const { name, eventName = '' } = event
  const row = await tables.get<QueueRow>(
    `INSERT INTO queues (key, name, kind, event_name, bytes, due) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET token = queues.token RETURNING queue, owner`,
    ...[queueKeyOf(event), name, takenAs(event), eventName, size, tables.now],
  )
  if (!row) throw new Error('the queue was not stored')
  return row
}

/** Called after its first event may have changed: the queue describes the next one and becomes free, or is removed. */
export async function updateQueue(tables: Tables, queue: number): Promise<void> {
  // A separate statement, so that it sees what was committed while this transaction waited for the lock.
  const next = await tables.get<{ head: string; bytes: number; due: number; attempts: number }>(
    'SELECT head, bytes, due, attempts FROM events WHERE queue = ? AND state < 2 ORDER BY seq LIMIT 1',
    queue,
  )
  if (!next) {
    await tables.run('DELETE FROM queues WHERE queue = ?', queue)
    return
  }
  const event = JSON.parse(next.head) as StoredEvent
  // Only a retry waits: other events may have times ahead of a clock that was set back.
  const due = next.attempts > 0 ? next.due : Math.min(next.due, tables.now)
  await tables.run(
    'UPDATE queues SET owner = NULL, token = NULL, kind = ?, event_name = ?, bytes = ?, due = ? WHERE queue = ?',
    ...[takenAs(event), event.eventName ?? '', next.bytes, due, queue],
  )
}

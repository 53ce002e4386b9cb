/**
 * The rows of the table `queues`. A queue has a row as long as it has events to deliver; the row describes the first of
 * them.
 */
import type { StoredEvent } from '../stored-event'
import { ANY_KIND, queueKeyOf } from './names'
import type { Tables } from './tables'

export interface QueueRow {
  queue: number
  owner: string | null
}

/** The kind that decides which processes may take the event. */
export function takenAs({ kind, quarantine }: StoredEvent): string {
  return quarantine ? ANY_KIND : kind
}

/**
 * Creates the queue if needed, and locks it until the transaction ends: otherwise another transaction could settle the
 * last event of the queue and remove the queue meanwhile. If the queue is empty and has no owner, and the caller adds
 * no event to it, the caller must call `updateQueue` to remove it.
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

/**
 * Called when the first event of a queue may have changed. Makes the row describe the first event and frees the queue,
 * or removes the row if the queue is empty.
 */
export async function updateQueue(tables: Tables, queue: number): Promise<void> {
  // A separate statement, because it must see what was committed while this transaction waited for the lock.
  const next = await tables.get<{ head: string; bytes: number; due: number; attempts: number }>(
    'SELECT head, bytes, due, attempts FROM events WHERE queue = ? AND state < 2 ORDER BY seq LIMIT 1',
    queue,
  )
  if (!next) {
    await tables.run('DELETE FROM queues WHERE queue = ?', queue)
    return
  }
  const event = JSON.parse(next.head) as StoredEvent
  // Only a retry has to wait. If an event without an attempt is due in the future, the clock was set back after it was
  // stored.
  const due = next.attempts > 0 ? next.due : Math.min(next.due, tables.now)
  tables.requeued?.(due)
  await tables.run(
    'UPDATE queues SET owner = NULL, token = NULL, kind = ?, event_name = ?, bytes = ?, due = ? WHERE queue = ?',
    ...[takenAs(event), event.eventName ?? '', next.bytes, due, queue],
  )
}

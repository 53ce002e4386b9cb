/** The row of a queue: it exists as long as the queue has events to deliver, and describes the first of them. */
import type { StoredEvent } from '../inbox'
import { ANY_KIND } from './names'
import { insert, type Tables } from './tables'

export interface QueueRow {
  queue: number
  owner: string | null
}

/** Kind by which processes take the event. What could not be read when it came may be of any kind. */
export function takenAs({ kind, quarantine }: StoredEvent): string {
  return quarantine ? ANY_KIND : kind
}

/**
 * Makes sure that there is a queue, and locks it until the transaction ends: otherwise one that settles the queue's last
 * event could remove it meanwhile. Call `updateQueue` afterwards if no event was added.
 */
export async function lockQueue(tables: Tables, key: string, event: StoredEvent, size: number): Promise<void> {
  const { name, eventName = '' } = event
  const row = { key, name, kind: takenAs(event), event_name: eventName, bytes: size, due: tables.now }
  await insert(tables, 'queues', row, 'ON CONFLICT (key) DO UPDATE SET token = queues.token')
}

/** The queue, locked. */
export function findQueue(tables: Tables, key: string): Promise<QueueRow | undefined> | QueueRow | undefined {
  return tables.get<QueueRow>(`SELECT queue, owner FROM queues WHERE key = ?${tables.lock}`, key)
}

/** After its first event may have changed: the queue describes the next one, belongs to no process, or ends. */
export async function updateQueue(tables: Tables, queue: number, key: string): Promise<void> {
  // A statement of its own: it sees what was committed while this transaction waited for the lock.
  const next = await tables.get<{ head: string; bytes: number; due: number; attempts: number }>(
    'SELECT head, bytes, due, attempts FROM events WHERE queue_key = ? AND state < 2 ORDER BY seq LIMIT 1',
    key,
  )
  if (!next) {
    await tables.run('DELETE FROM queues WHERE queue = ?', queue)
    return
  }
  const event = JSON.parse(next.head) as StoredEvent
  // Only a retry waits: the time of another event may be ahead of a clock that was set back.
  const due = next.attempts > 0 ? next.due : Math.min(next.due, tables.now)
  await tables.run(
    'UPDATE queues SET owner = NULL, token = NULL, kind = ?, event_name = ?, bytes = ?, due = ? WHERE queue = ?',
    ...[takenAs(event), event.eventName ?? '', next.bytes, due, queue],
  )
}

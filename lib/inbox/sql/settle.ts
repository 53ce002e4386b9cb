/**
 * Settles a delivery: records the new state of the event and the end of the attempt, and frees the queue for its next
 * event.
 */
import type { Settlement } from '../inbox'
import { removeBody } from './accept'
import { recordArrivals, removeArrivalsOf, type RecordedArrival } from './catch-up/arrivals'
import { updateQueue } from './queues'
import { DEAD, DELIVERED, QUARANTINED, WAITING, type Tables } from './tables'

export interface SettleRequest {
  owner: string
  queue: number
  token: number
  event: number
  settlement: Settlement
  /** Whether to keep the body of a delivered event. */
  keep: boolean
  /** The delivered content, if it differs from what was recorded when the event was stored. */
  arrival?: Omit<RecordedArrival, 'event'> | undefined
}

const STATE_OF = { delivered: DELIVERED, retry: WAITING, dead: DEAD, quarantined: QUARANTINED } as const

/** Returns false if the lease was lost, so that another process may own the event by now. */
export async function settle(tables: Tables, request: SettleRequest): Promise<boolean> {
  const { owner, queue, token, event, settlement, keep, arrival } = request
  const sql = `SELECT queue FROM queues WHERE queue = ? AND owner = ? AND token = ?${tables.lock}`
  if (!(await tables.get(sql, queue, owner, token))) return false
  const { now } = tables
  const { result } = settlement
  const isRetry = result === 'retry'
  const [outcome, reason] = result === 'delivered' ? ['delivered', null] : [settlement.outcome, settlement.reason]
  await tables.run(
    'UPDATE events SET state = ?, due = ?, settled = ?, outcome = ?, reason = ? WHERE event = ?',
    ...[STATE_OF[result], isRetry ? now + settlement.delayMs : now, isRetry ? null : now, outcome, reason, event],
  )
  await tables.run(
    `UPDATE attempts SET ended = ?, outcome = ?, reason = ?
     WHERE event = ? AND number = (SELECT max(number) FROM attempts WHERE event = ?)`,
    ...[now, outcome, reason, event, event],
  )
  if (result === 'quarantined' || (arrival && !isRetry)) await removeArrivalsOf(tables, queue, event)
  if (result !== 'quarantined' && arrival && !isRetry) await recordArrivals(tables, [{ ...arrival, event }])
  if (result === 'delivered' && !keep) await removeKept(tables, event)
  await updateQueue(tables, queue)
  return true
}

/**
 * Called when the commit of a settlement got no response: returns whether the settlement was committed. `undefined`: it
 * was not committed, and the event still belongs to the owner. First waits for the lock of the queue: the transaction
 * of the settlement has then ended.
 */
export async function wasCommitted(tables: Tables, request: SettleRequest): Promise<boolean | undefined> {
  const { owner, queue, token, event, settlement } = request
  const sql = `SELECT key FROM queues WHERE queue = ? AND owner = ? AND token = ?${tables.lock}`
  if (await tables.get(sql, queue, owner, token)) return undefined
  // A missing row means that the event was delivered, because a delivered event may be removed at once.
  const row = await tables.get<{ state: number }>('SELECT state FROM events WHERE event = ?', event)
  return (row?.state ?? DELIVERED) === STATE_OF[settlement.result]
}

/** Removes the body of a delivered event, but keeps its row to recognise duplicates. Removes a GET trigger entirely. */
export async function removeKept(tables: Tables, event: number): Promise<void> {
  const sql = 'UPDATE events SET has_body = 0 WHERE event = ? AND occurrence IS NOT NULL'
  if ((await tables.run(sql, event)) > 0) await removeBody(tables, event)
  else await removeEvent(tables, event)
}

export async function removeEvent(tables: Tables, event: number): Promise<void> {
  await removeBody(tables, event)
  await tables.run('DELETE FROM attempts WHERE event = ?', event)
  await tables.run('DELETE FROM events WHERE event = ?', event)
}

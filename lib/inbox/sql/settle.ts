/** Settles a delivery: the event's new state, the end of its attempt, and the next event of its queue. */
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
  /** Whether the body of a delivered event is kept. */
  keep: boolean
  /** What was delivered, if it differs from the record made when the event was stored. */
  arrival?: Omit<RecordedArrival, 'event'> | undefined
}

const STATE_OF = { delivered: DELIVERED, retry: WAITING, dead: DEAD, quarantined: QUARANTINED } as const

/** False if the lease was lost: another process owns the event now. */
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
 * Whether a settlement was committed, if the response to its commit was lost. Waits for that transaction to end: it holds
 * the lock of the queue. `undefined`: it was not committed, and the event still belongs to the owner.
 */
export async function wasCommitted(tables: Tables, request: SettleRequest): Promise<boolean | undefined> {
  const { owner, queue, token, event, settlement } = request
  const sql = `SELECT key FROM queues WHERE queue = ? AND owner = ? AND token = ?${tables.lock}`
  if (await tables.get(sql, queue, owner, token)) return undefined
  // Without a row the event was delivered: such an event may be removed at once.
  const row = await tables.get<{ state: number }>('SELECT state FROM events WHERE event = ?', event)
  return (row?.state ?? DELIVERED) === STATE_OF[settlement.result]
}

/** Of a delivered event, only what is needed to recognise a duplicate is kept. */
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

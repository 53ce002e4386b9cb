/** Takes events: selects queues that are due, and takes the first event of each. */
import type { Wanted } from '../inbox'
import type { StoredEvent } from '../stored-event'
import { ANY_KIND } from './names'
import { PARTS_PER_BODY, RUNNING, type Tables } from './tables'

/** The events of one webhook for which a process has callbacks. */
export interface WantedQueues {
  name: string
  wanted: readonly Wanted[]
}

export interface TakeRequest extends WantedQueues {
  owner: string
  /** Identifies this call of `take`. */
  token: number
  limit: number
  maxBytes: number
  /**
   * Searches only queues that became due at this time or later. Default: all queues; `firstDue` is then absent from the
   * result.
   */
  dueSince?: number | undefined
}

export interface TakeResult {
  taken: Taken[]
  /**
   * Time until the first wanted event is due, if none was taken. It is measured by the clock of the database, because
   * the clock of this process may be wrong.
   */
  nextDueInMs?: number
  /**
   * The earliest due time of the wanted queues that have no owner after this call. The current time if none of them is
   * due. Set only if `dueSince` is 0 and this process is registered.
   */
  firstDue?: number
}

export interface Taken {
  queue: number
  token: number
  event: number
  stored: StoredEvent
  size: number
  attempt: number
  firstAttempt: number
  replay: boolean
  /** The body, if it is small. */
  bytes?: Uint8Array | undefined
}

interface DueQueue {
  queue: number
  due: number
  bytes: number
}

/**
 * The delay before the next call if this process is not registered: it was frozen and removed, and has to register
 * again.
 */
const REMOVED_MS = 1_000
/** Bodies up to this size are read together with their event. */
const SMALL_BODY = 64 * 1024
/** The first ten and the last ten attempts of each event are kept. */
const KEPT_ATTEMPTS = 10

/** The `owner` of queues whose first event is damaged. No process takes them until the SQLite file is reopened. */
export const DAMAGED = 'damaged'

export function setAside(tables: Tables, queue: number): Promise<number> | number {
  return tables.run('UPDATE queues SET owner = ? WHERE queue = ?', DAMAGED, queue)
}

export async function take(tables: Tables, request: TakeRequest): Promise<TakeResult> {
  const { owner, limit, maxBytes, dueSince } = request
  // The row of this process is locked until the commit: if another process removed the row meanwhile, the queues that
  // are taken here would never be freed.
  const lock = tables.lock && ' FOR KEY SHARE'
  if (!(await tables.get(`SELECT id FROM processes WHERE id = ?${lock}`, owner)))
    return { taken: [], nextDueInMs: REMOVED_MS }
  const taken: Taken[] = []
  let room = maxBytes
  for (const { queue, bytes } of await dueQueues(tables, request)) {
    if (taken.length === limit) break
    if (bytes > room) continue
    try {
      const one = await takeFirst(tables, queue, request)
      if (!one) continue
      taken.push(one)
      room -= one.size
    } catch (error) {
      // Rethrown with the queue, so that the caller can set the queue aside: otherwise the next transaction would fail
      // at the same event.
      if (!(error instanceof SyntaxError)) throw Object.assign(error as Error, { queue })
      // The data is damaged: the record is no longer JSON.
      await setAside(tables, queue)
    }
  }
  if (taken.length > 0 && dueSince !== 0) return { taken }
  const due = await nextDue(tables, request)
  return {
    taken,
    ...(taken.length === 0 && due !== undefined && { nextDueInMs: Math.max(0, due - tables.now) }),
    ...(dueSince === 0 && { firstDue: Math.min(due ?? Infinity, tables.now) }),
  }
}

async function takeFirst(tables: Tables, queue: number, { owner, token }: TakeRequest): Promise<Taken | undefined> {
  await tables.run('UPDATE queues SET owner = ?, token = ? WHERE queue = ?', owner, token, queue)
  // The event is read only after the lock: an older snapshot could show an event that was settled before the queue was
  // locked.
  const row = await tables.get<{
    event: number
    head: string
    bytes: number
    attempts: number
    first_attempt: number | null
    replay: number
  }>(
    `SELECT event, head, bytes, attempts, first_attempt, replay FROM events
     WHERE queue = ? AND state < 2 ORDER BY seq LIMIT 1`,
    queue,
  )
  if (!row) {
    // Happens only with damaged data. Removes the queue, because a queue without events would be taken again and again.
    await tables.run('DELETE FROM queues WHERE queue = ?', queue)
    return undefined
  }
  const { event, head, bytes: size, attempts, first_attempt: firstAttempt, replay } = row
  await tables.run(
    `UPDATE events SET state = ${RUNNING}, attempts = attempts + 1, first_attempt = coalesce(first_attempt, ?) WHERE event = ?`,
    ...[tables.now, event],
  )
  await noteAttempt(tables, event)
  return {
    ...{ queue, token, event, stored: JSON.parse(head) as StoredEvent, size, attempt: attempts + 1 },
    firstAttempt: firstAttempt ?? tables.now,
    replay: replay === 1,
    bytes: size > 0 && size <= SMALL_BODY ? await readPart(tables, { event, part: 0 }) : undefined,
  }
}

async function noteAttempt(tables: Tables, event: number): Promise<void> {
  const row = await tables.get<{ number: number }>(
    `INSERT INTO attempts (event, number, begun)
     VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE event = ?), ?) RETURNING number`,
    ...[event, event, tables.now],
  )
  if (row && row.number > 2 * KEPT_ATTEMPTS)
    await tables.run('DELETE FROM attempts WHERE event = ? AND number = ?', event, row.number - KEPT_ATTEMPTS)
}

/** `undefined` if the part is missing. */
export async function readPart(
  tables: Tables,
  { event, part }: { event: number; part: number },
): Promise<Uint8Array | undefined> {
  const number = event * PARTS_PER_BODY + part
  return (await tables.get<{ data: Uint8Array }>('SELECT data FROM bodies WHERE part = ?', number))?.data
}

async function dueQueues(tables: Tables, request: TakeRequest): Promise<DueQueue[]> {
  const { limit, maxBytes, dueSince = 0 } = request
  const found: DueQueue[] = []
  for (const [condition, values] of conditions(request)) {
    const sql = `SELECT queue, due, bytes FROM queues WHERE owner IS NULL AND ${condition}
      AND due >= ? AND due <= ? AND bytes <= ? ORDER BY due LIMIT ?${tables.lock && `${tables.lock} SKIP LOCKED`}`
    found.push(...(await tables.all<DueQueue>(sql, ...values, dueSince, tables.now, maxBytes, limit)))
  }
  return found.sort((a, b) => a.due - b.due)
}

async function nextDue(tables: Tables, wanted: WantedQueues): Promise<number | undefined> {
  let first: number | undefined
  for (const [condition, values] of conditions(wanted)) {
    const sql = `SELECT min(due) AS due FROM queues WHERE owner IS NULL AND ${condition}`
    const { due = null } = (await tables.get<{ due: number | null }>(sql, ...values)) ?? {}
    if (due !== null && (first === undefined || due < first)) first = due
  }
  return first
}

/**
 * Makes a queue due now if it would wait for longer than `maxDelayMs`, as happens after the clock was set back. Returns
 * true if there was any such queue.
 */
export async function shortenWaits(
  tables: Tables,
  { maxDelayMs, ...wanted }: WantedQueues & { maxDelayMs: number },
): Promise<boolean> {
  let changed = 0
  for (const [condition, values] of conditions(wanted)) {
    const sql = `UPDATE queues SET due = ? WHERE owner IS NULL AND ${condition} AND due > ?`
    changed += await tables.run(sql, tables.now, ...values, tables.now + maxDelayMs)
  }
  return changed > 0
}

/** One condition per index range that contains wanted queues. */
function conditions({ name, wanted }: WantedQueues): Array<[condition: string, values: string[]]> {
  return [...wanted, { kind: ANY_KIND, eventNames: undefined }].flatMap(({ kind, eventNames }) =>
    eventNames === undefined
      ? [['name = ? AND kind = ?', [name, kind]] as [string, string[]]]
      : eventNames.map((one): [string, string[]] => ['name = ? AND kind = ? AND event_name = ?', [name, kind, one]]),
  )
}

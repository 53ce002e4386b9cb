/** The number of events by hour of receipt and state. */
import type { HourCount } from '../inbox'
import { STATES } from '../stored-event'
import type { Tables } from './tables'

const HOUR_MS = 3_600_000

/** Counts events by hour and state. The count reads only the index of states, from the first event of the period. */
export async function hours(tables: Tables, since: number): Promise<HourCount[]> {
  const first = await firstSince(tables, since)
  const rows = await tables.all<{ state: number; hour: number; count: number }>(
    `SELECT state, received / ${HOUR_MS} AS hour, CAST(count(*) AS BIGINT) AS count FROM events
     WHERE state IN (0, 1, 2, 3, 4) AND event >= ? AND received >= ? GROUP BY state, received / ${HOUR_MS}`,
    first,
    since,
  )
  return rows.map(({ state, hour, count }) => ({
    hour: new Date(hour * HOUR_MS),
    state: STATES[state] ?? 'waiting',
    count,
  }))
}

/**
 * The number of the first event of the period. Events are numbered in the order in which they were accepted, so their
 * times ascend, apart from differences between the clocks of processes.
 */
async function firstSince(tables: Tables, since: number): Promise<number> {
  const ends = await tables.get<{ low: number | null; high: number | null }>(
    'SELECT (SELECT min(event) FROM events) AS low, (SELECT max(event) FROM events) AS high',
  )
  let low = ends?.low ?? 0
  let high = ends?.high ?? 0
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = await tables.get<{ event: number; received: number }>(
      'SELECT event, received FROM events WHERE event >= ? ORDER BY event LIMIT 1',
      middle,
    )
    if (!row || row.received >= since) high = middle
    else low = row.event + 1
  }
  return low
}

/**
 * Stores many new events in one statement. Other events are stored one by one: repeatable events, GET triggers, large
 * bodies, and events that the statement does not store, such as duplicates.
 */
import type { Accepted } from '../inbox'
import { columnsOf, type AcceptRequest } from '../sql/accept'
import { recordArrivals } from '../sql/catch-up/arrivals'
import { queueKeyOf } from '../sql/names'
import { takenAs } from '../sql/queues'
import { PARTS_PER_BODY, WAITING, type SqlValue } from '../sql/tables'
import { query, storable, type PostgresTables } from './client'

/**
 * Locks the queues first and in a fixed order: two batches cannot deadlock, and an event gets its position only after
 * its queue is locked. `numbered` reads from `locked`, so PostgreSQL runs `locked` first. All bodies are sent as one
 * binary value, because JSON cannot contain bytes.
 */
const sqlFor = (columns: string): string => `
WITH input AS (
  SELECT * FROM ROWS FROM (json_populate_recordset(NULL::events, $1),
    json_to_recordset($2) AS (queue_key TEXT, taken_as TEXT, start INT)) WITH ORDINALITY AS t
  WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = t.id)
), locked AS (
  INSERT INTO queues (key, name, kind, event_name, bytes, due)
  SELECT * FROM (
    SELECT DISTINCT ON (queue_key) queue_key, name, taken_as, coalesce(event_name, ''), bytes, due
    FROM input WHERE state = ${WAITING} ORDER BY queue_key, ordinality) AS first
  ORDER BY queue_key COLLATE "C"
  ON CONFLICT (key) DO UPDATE SET token = queues.token RETURNING key, queue
), numbered AS (
  SELECT *, nextval('event_numbers') AS number FROM (
    SELECT input.*, locked.queue AS locked_queue FROM input LEFT JOIN locked ON locked.key = input.queue_key
    WHERE locked.key IS NOT NULL OR input.state <> ${WAITING} ORDER BY ordinality) AS input
), stored AS (
  INSERT INTO events (event, seq, queue, ${columns}) SELECT number, number, locked_queue, ${columns} FROM numbered
  ON CONFLICT (id) DO NOTHING RETURNING id, event
), body AS (
  INSERT INTO bodies (part, data)
  SELECT stored.event * ${PARTS_PER_BODY}, substring($3::bytea FROM start FOR CAST(bytes AS INT))
  FROM stored JOIN input USING (id) WHERE bytes > 0
)
SELECT id, event FROM stored`

/**
 * Whether the event can be part of a batch. It must have a body that is not uploaded in parts, and its ID must be
 * final. The ID is final if the event has a dedupe key and is not repeatable.
 */
export function isPlain({ event, upload }: AcceptRequest): boolean {
  return event.trigger === 'body' && event.key !== undefined && !event.repeatable && upload === undefined
}

/** Stores a batch and returns the result of each request that was stored. */
export async function acceptBatch(tables: PostgresTables, requests: AcceptRequest[]): Promise<Map<string, Accepted>> {
  let end = 1
  const rows = requests.map(({ event, size }) => allStorable(columnsOf(event, size, tables.now, 0)))
  const others = requests.map(({ event, size }) => {
    end += size
    return { queue_key: storable(queueKeyOf(event)), taken_as: takenAs(event), start: end - size }
  })
  const found = await query<{ id: string; event: number }>(tables.client, sqlFor(Object.keys(rows[0] ?? {}).join()), [
    JSON.stringify(rows),
    JSON.stringify(others),
    Buffer.concat(requests.map(({ bytes }) => bytes ?? Buffer.alloc(0))),
  ])
  const stored = new Map(found.map(({ id, event }) => [id, event]))
  await recordArrivals(
    tables,
    requests.flatMap(({ event: { id, name, quarantine }, arrival }) => {
      const event = stored.get(id)
      return event === undefined || quarantine || !arrival ? [] : [{ name, arrival, event }]
    }),
  )
  return new Map(
    requests
      .filter(({ event }) => stored.has(event.id))
      .map(({ event }) => [event.id, { result: event.quarantine ? 'quarantined' : 'queued', id: event.id }]),
  )
}

function allStorable(row: Record<string, SqlValue>): Record<string, SqlValue> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, storable(value)]))
}

/**
 * Stores many new events in one statement. Events that the statement does not store (duplicates, GET triggers, large
 * bodies) are stored one by one.
 */
import type { Accepted } from '../inbox'
import type { AcceptRequest } from '../sql/accept'
import { recordArrivals } from '../sql/catch-up/arrivals'
import { queueKeyOf, reversed } from '../sql/names'
import { takenAs } from '../sql/queues'
import { PARTS_PER_BODY, QUARANTINED, WAITING } from '../sql/tables'
import { query, storable, type PostgresTables } from './client'

/**
 * The queues are locked first and in a fixed order. So two batches cannot deadlock, and an event gets its position only
 * after its queue is locked. `stored` reads from `locked`, so PostgreSQL runs it afterwards. All bodies are sent as one
 * binary value, because an array would be converted to text and back.
 */
const SQL = `
WITH input AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::bigint[])
    WITH ORDINALITY AS t (id, queue_key, state, name, kind, taken_as, event_name, reversed_entity_id, received, bytes,
      outcome, reason, head, start, n)
  WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = t.id)
), locked AS (
  INSERT INTO queues (key, name, kind, event_name, bytes, due)
  SELECT key, name, taken_as, event_name, bytes, due FROM (
    SELECT DISTINCT ON (queue_key) queue_key AS key, name, taken_as, coalesce(event_name, '') AS event_name, bytes,
      $16::bigint AS due FROM input WHERE state = ${WAITING} ORDER BY queue_key, n) AS first
  ORDER BY key
  ON CONFLICT (key) DO UPDATE SET token = queues.token RETURNING key, queue
), numbered AS (
  SELECT input.*, nextval('event_numbers') AS seq FROM (
    SELECT input.*, locked.queue FROM input LEFT JOIN locked ON locked.key = input.queue_key
    WHERE locked.key IS NOT NULL OR input.state <> ${WAITING} ORDER BY n) AS input
), stored AS (
  INSERT INTO events (event, seq, id, occurrence, queue, state, name, kind, event_name, reversed_entity_id,
    received, due, bytes, has_body, settled, outcome, reason, head)
  SELECT seq, seq, id, 0, queue, state, name, kind, event_name, reversed_entity_id, received,
    $16, bytes, CASE WHEN bytes > 0 THEN 1 ELSE 0 END, CASE WHEN state = ${WAITING} THEN NULL ELSE $16 END,
    outcome, reason, head FROM numbered
  ON CONFLICT (id) DO NOTHING RETURNING id, event
), body AS (
  INSERT INTO bodies (part, data)
  SELECT stored.event * ${PARTS_PER_BODY}, substring($15::bytea FROM CAST(start AS int) FOR CAST(bytes AS int))
  FROM stored JOIN input USING (id) WHERE bytes > 0
)
SELECT id, event FROM stored`

/** Whether the event can be part of a batch: its ID is known, and its body is not uploaded in parts. */
export function isPlain({ event, upload }: AcceptRequest): boolean {
  return event.trigger === 'body' && event.key !== undefined && !event.repeatable && upload === undefined
}

/** Stores a batch and returns the result of each request that was stored. */
export async function acceptBatch(tables: PostgresTables, requests: AcceptRequest[]): Promise<Map<string, Accepted>> {
  const column = <T>(valueOf: (request: AcceptRequest) => T): T[] => requests.map(valueOf)
  const text = (valueOf: (request: AcceptRequest) => string | null | undefined) =>
    column((request) => storable(valueOf(request) ?? null))
  let end = 1
  const starts = column(({ size }) => {
    end += size
    return end - size
  })
  const rows = await query<{ id: string; event: number }>(tables.client, SQL, [
    text(({ event }) => event.id),
    text(({ event }) => queueKeyOf(event)),
    column(({ event }) => (event.quarantine ? QUARANTINED : WAITING)),
    text(({ event }) => event.name),
    text(({ event }) => event.kind),
    text(({ event }) => takenAs(event)),
    text(({ event }) => event.eventName),
    text(({ event }) => reversed(event.entity?.id)),
    column(({ event }) => Date.parse(event.receivedAt)),
    column(({ size }) => size),
    text(({ event }) => event.quarantine?.code),
    text(({ event }) => event.quarantine?.reason),
    text(({ event }) => JSON.stringify(event)),
    starts,
    Buffer.concat(requests.map(({ bytes }) => bytes ?? Buffer.alloc(0))),
    tables.now,
  ])
  const stored = new Map(rows.map(({ id, event }) => [id, event]))
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

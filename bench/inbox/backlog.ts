/**
 * Taking and settling with a backlog, compared with an empty inbox: 100,000 events wait in as many queues, and another
 * 20,000 in one of them. In a second case, no process takes the kind of the waiting events, and events of another kind
 * are taken. PostgreSQL has a third case: an old snapshot prevents the server from removing dead rows.
 */
import { join } from 'node:path'
import { Client } from 'pg'
import { stopPostgresServers } from '../../__tests__/postgres/postgres-server'
import type { Inbox, InboxDelivery, StoredEvent } from '../../lib'
import { built } from '../package'
import { alternate, digits, median, ratioOf, table } from '../statistics'
import { storedEvent } from '../stored-event'
import { openPostgres, openSqlite, startSlowPostgres, withFolder } from './inboxes'

const BYTES = Buffer.alloc(1_000, 'x')
const AT_ONCE = 32
const ROUND = 320
const ENDED = { result: 'delivered' } as const

interface Candidate {
  name: string
  open: () => Inbox
  /** Runs SQL statements in the database of the inbox. */
  execute: (sql: string) => Promise<void>
  kind?: 'order' | 'shipment'
  /** Number of queues in which events wait. Default: none. */
  waiting?: number
  before?: () => Promise<void>
}

interface Measured extends Candidate {
  inbox: Inbox
  startMs: number
  memory: number
  times: number[]
}

export async function run(quick: boolean): Promise<string> {
  const waiting = quick ? 10_000 : 100_000
  const rounds = quick ? 5 : 15
  const sqlite = await withFolder((folder) => measure(sqliteCandidates(folder, waiting), rounds))
  const onPostgres = await withFolder((folder) => postgres(folder, waiting, rounds))
  return [`### SQLite\n\n${sqlite}`, `### PostgreSQL\n\n${onPostgres}`].join('\n\n')
}

function sqliteCandidates(folder: string, waiting: number): Candidate[] {
  const { chooseDriver, openWith } = built<typeof import('../../lib/inbox/sqlite/driver')>('inbox/sqlite/driver')
  return variants(waiting).map((variant, i) => {
    const file = join(folder, `${i}.db`)
    const execute = (sql: string): Promise<void> => {
      const database = openWith(chooseDriver(), file)
      database.exec(`${sql}; UPDATE meta SET value = 1000000 WHERE key = 'number'`)
      database.close()
      return Promise.resolve()
    }
    return { ...variant, open: () => openSqlite({ file }), execute }
  })
}

async function postgres(folder: string, waiting: number, rounds: number): Promise<string> {
  const { connectionString } = await startSlowPostgres(folder, 0)
  const old = new Client({ connectionString })
  await old.connect()
  const all = [...variants(waiting), { name: 'waiting, under an old snapshot', waiting, before: openSnapshot }]
  async function openSnapshot(): Promise<void> {
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1')
  }
  const candidates = all.map((variant, i): Candidate => {
    const schema = `bench_${i}`
    const execute = async (sql: string): Promise<void> => {
      const client = new Client({ connectionString })
      await client.connect()
      await client.query(`SET search_path TO ${schema}; ${sql}; SELECT setval('event_numbers', 1000000); ANALYZE`)
      await client.end()
    }
    return { ...variant, open: () => openPostgres({ connectionString, schema }), execute }
  })
  // The snapshot affects all tables of the server, so it is opened after the other measurements.
  const tables = [
    await measure(candidates.slice(0, 3), rounds),
    await measure([...candidates.slice(0, 1), ...candidates.slice(3)], rounds),
  ]
  await old.end()
  await stopPostgresServers()
  return tables.join('\n\n')
}

function variants(waiting: number): Array<Pick<Candidate, 'name' | 'kind' | 'waiting'>> {
  return [
    { name: 'none waiting' },
    { name: 'waiting', waiting },
    { name: 'waiting, and taken by no process', waiting, kind: 'shipment' },
  ]
}

async function measure(candidates: Candidate[], rounds: number): Promise<string> {
  const measured: Measured[] = []
  for (const candidate of candidates) measured.push(await start(candidate))
  const round = async ({ inbox, times }: Measured): Promise<void> => {
    for (let i = 0; i < ROUND; i += AT_ONCE)
      await Promise.all(
        Array.from({ length: AT_ONCE }, () => persistently(() => inbox.accept(storedEvent(BYTES), BYTES))),
      )
    const started = performance.now()
    for (let left = ROUND; left > 0;) {
      const { deliveries } = await persistently(() => inbox.take({ limit: AT_ONCE, maxBytes: 1e9 }))
      const settle = (delivery: InboxDelivery) => persistently(() => inbox.settle(delivery, ENDED))
      await Promise.all(deliveries.map(settle))
      left -= deliveries.length
    }
    times.push((1000 * (performance.now() - started)) / ROUND)
  }
  await alternate(measured, 1, round)
  for (const one of measured) one.times = []
  await alternate(measured, rounds, round)
  for (const { inbox } of measured) await inbox.close()
  const none = measured[0]?.times ?? []
  return table(
    [`${candidates[1]?.waiting} waiting`, 'start to first take, ms', 'memory, MB', 'take and settle, µs', 'ratio'],
    measured.map(({ name, startMs, memory, times }) => [
      name,
      digits(startMs),
      digits(memory),
      digits(median(times)),
      digits(ratioOf(times, none)),
    ]),
  )
}

/** Repeats a request until it succeeds, because an inbox may refuse requests while the machine is busy. */
async function persistently<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    const result = await act().then(
      (value) => ({ value }),
      () => undefined,
    )
    if (result) return result.value
  }
}

/**
 * Stores the waiting events, if any, and opens the inbox again. Measures the additional memory, and the time until the
 * first `take` resolves, with an event or without one.
 */
async function start(candidate: Candidate): Promise<Measured> {
  const { open, execute, waiting, before, kind = 'order' } = candidate
  const first = open()
  await first.ready()
  if (waiting !== undefined) {
    const event: StoredEvent = { ...storedEvent(BYTES), kind, entity: { kind, id: 'template' } }
    await first.accept(event, BYTES)
    await first.close()
    await execute(copies(event.id, waiting))
  } else await first.close()
  await before?.()
  const resident = process.memoryUsage.rss()
  const startedAt = performance.now()
  const inbox = open()
  await inbox.ready()
  inbox.attach({
    name: 'bench',
    wanted: [{ kind: 'order' }],
    maxDelayMs: 900_000,
    wake: () => undefined,
    leaseLost: () => undefined,
    alarm: (error) => console.error(error.message),
  })
  const { deliveries } = await inbox.take({ limit: 1, maxBytes: 1e9 })
  const startMs = performance.now() - startedAt
  for (const delivery of deliveries) await inbox.settle(delivery, ENDED)
  return { ...candidate, inbox, startMs, memory: (process.memoryUsage.rss() - resident) / 1e6, times: [] }
}

/** Copies the only event into `count` queues, once each, and another `count / 5` times into the first of them. */
function copies(id: string, count: number): string {
  const columns = 'state, name, kind, event_name, reversed_entity_id, received, due, bytes, has_body'
  const numbers = (to: number): string =>
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${to})`
  const copy = (from: number, queue: string, to: number): string => `
    INSERT INTO events (event, seq, id, occurrence, queue, ${columns}, head) ${numbers(to)}
    SELECT event + ${from} + n, seq + ${from} + n, substr(id, 1, 24) || CAST(${1e11 + from} + n AS TEXT), 0, ${queue}, ${columns},
      replace(head, '${id}', substr(id, 1, 24) || CAST(${1e11 + from} + n AS TEXT)) FROM numbers, events WHERE id = '${id}'`
  const queueOf = "(SELECT queue FROM queues WHERE key = 'copy ' || CAST(n AS TEXT))"
  return [
    `INSERT INTO queues (key, name, kind, event_name, bytes, due) ${numbers(count)}
      SELECT 'copy ' || CAST(n AS TEXT), name, kind, event_name, bytes, due - ${count} + n FROM numbers, queues WHERE key NOT LIKE 'copy %'`,
    copy(0, queueOf, count),
    copy(count, "(SELECT queue FROM queues WHERE key = 'copy 1')", count / 5),
    `INSERT INTO bodies (part, data) ${numbers(count + count / 5)} SELECT part + CAST(n AS BIGINT) * 65536, data FROM numbers, bodies`,
  ].join(';')
}

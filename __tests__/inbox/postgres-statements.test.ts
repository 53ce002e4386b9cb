/** The statements sent to PostgreSQL, where a mistake would show only under load. */
import type { Pool } from 'pg'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { until } from '../wait'
import { eventOf } from './numbered-event'
import { attach, closeInboxes, newSchema, open, poolOf, takeOne } from './postgres-inboxes'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterEach(closeInboxes)
afterAll(stopPostgresServers)

interface Sent {
  text: string
  inTransaction: boolean
}

/** Records all statements of a pool. */
function record(pool: Pool): Sent[] {
  const sent: Sent[] = []
  pool.on('connect', (client) => {
    let inTransaction = false
    const query = client.query.bind(client) as (...values: unknown[]) => unknown
    const recording = (...values: unknown[]): unknown => {
      const [first] = values
      const text = typeof first === 'string' ? first : (first as { text: string }).text
      if (text.startsWith('BEGIN')) inTransaction = true
      if (/^(COMMIT|ROLLBACK)/.test(text)) inTransaction = false
      sent.push({ text, inTransaction })
      return query(...values)
    }
    Object.assign(client, { query: recording })
  })
  return sent
}

test('a notification is sent on its own, after the commit, and one for many events: otherwise commits wait for each other', async () => {
  const pool = poolOf(server.connectionString)
  const sent = record(pool)
  const inbox = open({ pool, schema: newSchema() })
  await inbox.ready()
  await until(() => sent.some(({ text }) => text.startsWith('LISTEN')), 'it does not listen')
  for (let round = 0; round < 100; round++)
    await Promise.all(
      [0, 1, 2, 3].map((i) => inbox.accept(...eventOf({ number: 4 * round + i, entity: `order-${round}-${i}` }, 100))),
    )
  const notified = (): Sent[] => sent.filter(({ text }) => /NOTIFY|pg_notify/.test(text))
  await until(() => notified().length > 0, 'no notification was sent')
  expect(notified().filter(({ inTransaction }) => inTransaction)).toEqual([])
  expect(notified().length).toBeLessThan(sent.filter(({ text }) => text.startsWith('COMMIT')).length)
})

test('no statement that locks a queue reads its events: it would read them as they were before it got the lock', async () => {
  const pool = poolOf(server.connectionString)
  const sent = record(pool)
  const inbox = open({ pool, schema: newSchema() })
  await inbox.ready()
  attach(inbox)
  for (const number of [1, 2]) await inbox.accept(...eventOf({ number, entity: 'order' }, 100))
  const before = sent.length
  const reason = { outcome: 'handler_failed', reason: '' }
  await inbox.settle(await takeOne(inbox), { result: 'retry', delayMs: 0, ...reason })
  for (const result of ['dead', 'quarantined'] as const) await inbox.settle(await takeOne(inbox), { result, ...reason })
  const statements = sent.slice(before).map(({ text }) => text)
  const locking = statements.filter((text) => /FOR UPDATE|UPDATE queues|DELETE FROM queues/.test(text))
  expect(locking.filter((text) => /\bevents\b/.test(text))).toEqual([])
  expect(locking.length).toBeGreaterThanOrEqual(9)
})

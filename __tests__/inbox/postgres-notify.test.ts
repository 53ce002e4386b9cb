/** Other processes are told of new events outside of the transactions that store them: inside, commits wait for each other. */
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { until } from '../wait'
import { eventOf } from './numbered-event'
import { closeInboxes, newSchema, open, poolOf } from './postgres-inboxes'

afterEach(closeInboxes)
afterAll(stopPostgresServers)

const EVENTS = 400

test('a notification is sent on its own, after the commit, and one for many events', async () => {
  const { connectionString } = await startPostgres()
  const schema = newSchema()
  const pool = poolOf(connectionString)
  /** Per connection: whether a transaction is open. */
  const begun = new WeakMap<object, boolean>()
  const notified: boolean[] = []
  let commits = 0
  let listening = false
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...values: unknown[]) => unknown
    const recording = (...values: unknown[]): unknown => {
      const [first] = values
      const text = typeof first === 'string' ? first : (first as { text: string }).text
      if (text.startsWith('BEGIN')) begun.set(client, true)
      if (/^(COMMIT|ROLLBACK)/.test(text)) begun.set(client, false)
      if (text.startsWith('COMMIT')) commits++
      if (text.startsWith('LISTEN')) listening = true
      if (text.includes('NOTIFY') || text.includes('pg_notify')) notified.push(begun.get(client) ?? false)
      return query(...values)
    }
    Object.assign(client, { query: recording })
  })
  const receiver = open({ pool, schema })
  await receiver.ready()
  const other = open({ connectionString, schema })
  await other.ready()
  await until(() => listening, 'the receiver does not listen')
  commits = 0
  for (let number = 0; number < EVENTS; number += 4)
    await Promise.all(
      [0, 1, 2, 3].map((i) => receiver.accept(...eventOf({ number: number + i, entity: `order-${number + i}` }, 100))),
    )
  await until(() => notified.length > 0, 'no notification was sent')
  expect(notified).not.toContain(true)
  expect(commits).toBeGreaterThanOrEqual(EVENTS / 4)
  expect(notified.length).toBeLessThan(commits)
})

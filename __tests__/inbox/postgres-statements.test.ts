/** The statements sent to PostgreSQL. Mistakes in them would show only under load. */
import type { Pool } from 'pg'
import type { Inbox, InboxDelivery } from '../../lib/inbox/inbox'
import { LowWater } from '../../lib/inbox/postgres/low-water'
import type { TakeResult } from '../../lib/inbox/sql/take'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { pause, until } from '../wait'
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

test('a notification is not sent before the server has answered the one before: pg warns about it', async () => {
  const pool = poolOf(server.connectionString)
  const answers: Array<() => void> = []
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...values: unknown[]) => Promise<unknown>
    const delaying = async (...values: unknown[]): Promise<unknown> => {
      const result = await query(...values)
      if ((values[0] as { text: string }).text.startsWith('NOTIFY'))
        await new Promise<void>((resolve) => answers.push(resolve))
      return result
    }
    Object.assign(client, { query: delaying })
  })
  const inbox = open({ pool, schema: newSchema() })
  await inbox.ready()
  let number = 0
  const store = () => inbox.accept(...eventOf({ number: ++number, entity: `order-${number}` }, 100))
  await until(async () => {
    await store()
    return answers.length > 0
  }, 'the first notification')
  await store()
  await pause(100)
  expect(answers).toHaveLength(1)
  answers[0]?.()
  await until(() => answers.length === 2, 'the second notification')
  answers[1]?.()
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

describe('queues that have long been due, while only later ones are searched', () => {
  const OLD_MS = 60_000
  const numbers = async (inbox: Inbox, limit: number): Promise<string[]> =>
    (await inbox.take({ limit, maxBytes: 1e9 })).deliveries.map(({ event }) => event.requestId)

  /**
   * Stores two events of an order, makes them long overdue, and takes the first one. Then stores events of other
   * orders.
   */
  async function start(): Promise<{ inbox: Inbox; other: Inbox; first: InboxDelivery; age: () => Promise<unknown> }> {
    const schema = newSchema()
    const [inbox, other] = [0, 1].map(() => open({ pool: poolOf(server.connectionString), schema })) as [Inbox, Inbox]
    attach(inbox)
    attach(other)
    await Promise.all([inbox.ready(), other.ready()])
    for (const number of [1, 2]) await inbox.accept(...eventOf({ number, entity: 'old' }, 100))
    const age = () =>
      server.query(`UPDATE ${schema}.queues SET due = due - ${OLD_MS};
      UPDATE ${schema}.events SET due = due - ${OLD_MS}`)
    await age()
    const first = await takeOne(inbox)
    // A second passes, so that both processes search all queues. Then the clock stands still, and they search only
    // queues that became due recently.
    jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 1_000)
    await numbers(inbox, 1)
    await numbers(other, 1)
    for (const number of [3, 4]) await inbox.accept(...eventOf({ number, entity: `new ${number}` }, 100))
    return { inbox, other, first, age }
  }
  afterEach(() => jest.restoreAllMocks())

  test('one goes on with its next event: it is the next for the process that settled the event before', async () => {
    const { inbox, first } = await start()
    await inbox.settle(first, { result: 'delivered' })
    expect(await numbers(inbox, 1)).toEqual(['2'])
  })

  test('another process takes it once it has nothing later to take', async () => {
    const { inbox, other, first } = await start()
    await inbox.settle(first, { result: 'delivered' })
    expect(await numbers(other, 1)).toEqual(['3'])
    expect(await numbers(other, 1)).toEqual(['4'])
    expect(await numbers(other, 1)).toEqual(['2'])
  })

  test('another process takes it a second later, although it always has something later to take', async () => {
    const { inbox, other, first } = await start()
    await inbox.settle(first, { result: 'delivered' })
    expect(await numbers(other, 1)).toEqual(['3'])
    jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 1_000)
    expect(await numbers(other, 1)).toEqual(['2'])
  })

  test.each<[string, (inbox: Inbox, first: InboxDelivery) => Promise<unknown>]>([
    [
      'a failed attempt',
      (inbox, first) => inbox.settle(first, { result: 'retry', delayMs: 0, outcome: 'failed', reason: '' }),
    ],
    ['the end of the process that had taken it', (inbox) => inbox.close()],
    [
      'a replay',
      async (inbox, first) => {
        await inbox.settle(first, { result: 'dead', outcome: 'rejected', reason: 'test' })
        await inbox.replay(first.event.id)
      },
    ],
  ])('%s makes one free: a process that has nothing else to take takes it', async (_name, free) => {
    const { inbox, other, first, age } = await start()
    expect(await numbers(other, 2)).toEqual(['3', '4'])
    await free(inbox, first)
    await age()
    expect(await numbers(other, 1)).toHaveLength(1)
  })

  test('a large body that waits for room is not passed over', async () => {
    const schema = newSchema()
    const inbox = open({ pool: poolOf(server.connectionString), schema })
    attach(inbox)
    await inbox.ready()
    jest.spyOn(performance, 'now').mockReturnValue(performance.now())
    await inbox.accept(...eventOf({ number: 1, entity: 'large' }, 10_000))
    await server.query(`UPDATE ${schema}.queues SET due = due - ${OLD_MS}`)
    await inbox.accept(...eventOf({ number: 2, entity: 'small' }, 100))
    const { deliveries } = await inbox.take({ limit: 1, maxBytes: 1_000 })
    expect(deliveries.map(({ event }) => event.requestId)).toEqual(['2'])
    await inbox.accept(...eventOf({ number: 3, entity: 'later' }, 100))
    expect(await numbers(inbox, 1)).toEqual(['1'])
  })
})

describe('the time from which queues are searched', () => {
  afterEach(() => jest.restoreAllMocks())

  /** Calls `take`, whose searches return `results`. Resolves with the `dueSince` of each search. */
  async function searches(
    lowWater: LowWater,
    results: TakeResult[],
    during = (): void => undefined,
  ): Promise<number[]> {
    const from: number[] = []
    await lowWater.take((dueSince) => {
      from.push(dueSince)
      during()
      return Promise.resolve(results.shift() ?? { taken: [] })
    })
    return from
  }

  test('is that of the first queue, with a margin for transactions that end late, and found again once a second', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(10_000)
    const lowWater = new LowWater()
    expect(await searches(lowWater, [{ taken: [], firstDue: 1_000_000 }])).toEqual([0])
    expect(await searches(lowWater, [{ taken: [] }])).toEqual([997_000])
    clock.mockReturnValue(11_000)
    expect(await searches(lowWater, [{ taken: [], firstDue: 2_000_000 }])).toEqual([0])
    expect(await searches(lowWater, [{ taken: [] }])).toEqual([1_997_000])
    // If nothing is found although something is due, all queues are searched.
    expect(await searches(lowWater, [{ taken: [], nextDueInMs: 0 }])).toEqual([1_997_000, 0])
  })

  test('goes back for a queue that goes on with an older event, also during a look', async () => {
    const lowWater = new LowWater()
    jest.spyOn(performance, 'now').mockReturnValue(10_000)
    expect(await searches(lowWater, [{ taken: [], firstDue: 2_000_000 }], () => lowWater.lower(5_000))).toEqual([0])
    expect(await searches(lowWater, [])).toEqual([5_000])
    lowWater.lower(Infinity)
    lowWater.lower(4_000)
    expect(await searches(lowWater, [])).toEqual([4_000])
  })
})

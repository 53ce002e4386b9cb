/** Callbacks that write in the transaction that settles their event. */
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { Client as PgClient } from 'pg'
import type { Inbox } from '../../lib/inbox/inbox'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { isFull } from '../size'
import { until } from '../wait'
import { Latencies } from './latencies'
import { CuttingProxy } from './cutting-proxy'
import { insist } from './insist'
import { eventOf } from './numbered-event'
import { attach, closeInboxes, errorOf, newSchema, open, poolOf, takeOne } from './postgres-inboxes'

interface Client {
  query: (sql: string, values?: unknown[]) => Promise<unknown>
  release: () => void
}

let server: PostgresServer
let proxy: CuttingProxy
let throughProxy: string
beforeAll(async () => {
  server = await startPostgres()
  proxy = new CuttingProxy(server.port)
  throughProxy = server.connectionString.replace(String(server.port), String(await proxy.listen()))
})
beforeEach(async () => {
  await server.query('DROP TABLE IF EXISTS written; CREATE TABLE written (number TEXT)')
})
afterEach(closeInboxes)
afterAll(async () => {
  await proxy.close()
  await stopPostgresServers()
})

const order = (number: number, entity = 'a') => eventOf({ number, entity }, 100)
const writing = (number: string) => (client: unknown) =>
  (client as Client).query('INSERT INTO public.written VALUES ($1)', [number]).then(() => undefined)
const written = async () => (await server.query<{ number: string }>('SELECT number FROM written')).rows

async function start(url = server.connectionString, handlerTimeoutMs?: number) {
  const inbox = open({ pool: poolOf(url), schema: newSchema() })
  await inbox.ready({ transaction: true })
  const { alarms } = attach(inbox, { handlerTimeoutMs })
  const withTransaction: NonNullable<Inbox['withTransaction']> = (delivery, work) =>
    inbox.withTransaction!(delivery, work)
  return { inbox, withTransaction, alarms }
}

test('what a callback writes and its delivery are committed together, or not at all', async () => {
  const { inbox, withTransaction } = await start()
  await inbox.accept(...order(1))
  const delivery = await takeOne(inbox)
  const failing = withTransaction(delivery, async (client) => {
    await writing('1')(client)
    throw new Error('the ERP system failed')
  })
  expect(await errorOf(failing)).toContain('the ERP system failed')
  expect(await written()).toEqual([])
  const ending = withTransaction(delivery, (client) => (client as Client).query('COMMIT').then(() => undefined))
  expect(await errorOf(ending)).toContain('The callback ended the transaction')
  expect(await withTransaction(delivery, writing('1'))).toBe(true)
  // The event is settled, so this delivery no longer owns it, and nothing is written.
  expect(await withTransaction(delivery, writing('1'))).toBe(false)
  expect(await written()).toEqual([{ number: '1' }])
  expect(await inbox.stats()).toMatchObject({ delivered: 1, running: 0 })
})

test('a client that a callback keeps cannot be used any more, and one that it uses cannot be released', async () => {
  const { inbox, withTransaction } = await start()
  for (const number of [1, 2]) await inbox.accept(...order(number, `e${number}`))
  const kept: Client[] = []
  let query: Client['query'] | undefined
  await withTransaction(await takeOne(inbox), async (client) => {
    expect(client).toBeInstanceOf(PgClient)
    kept.push(client as Client)
    ;({ query } = client as Client)
    await writing('1')(client)
  })
  const failing = withTransaction(await takeOne(inbox), async (client) => {
    kept.push(client as Client)
    await writing('2')(client)
    ;(client as Client).release()
  })
  expect(await errorOf(failing)).toContain('The inbox ends the transaction')
  for (const client of kept) expect(() => client.query('SELECT 1')).toThrow('The transaction of this delivery is over')
  expect(() => query?.('SELECT 1')).toThrow('The transaction of this delivery is over')
  // Reading a property does not throw, so that a logger can print the client.
  expect(inspect(kept[0])).toContain('Client')
  expect(await written()).toEqual([{ number: '1' }])
})

test('a deadlock: the callback runs again, in the same attempt', async () => {
  const { inbox, withTransaction } = await start()
  await inbox.accept(...order(1))
  let calls = 0
  const settled = await withTransaction(await takeOne(inbox), async (client) => {
    await writing('1')(client)
    if (++calls === 1) await (client as Client).query('DO $$ BEGIN RAISE deadlock_detected; END $$')
  })
  expect([settled, calls]).toEqual([true, 2])
  expect(await written()).toHaveLength(1)
})

test('the response to the commit is lost, or the connection before it: written once', async () => {
  const { inbox, withTransaction } = await start(throughProxy)
  await inbox.accept(...order(1))
  await inbox.accept(...order(2, 'b'))
  const [one, two] = [await takeOne(inbox), await takeOne(inbox)]
  const settled = await withTransaction(one, async (client) => {
    await writing('1')(client)
    proxy.loseCommits = 1
  })
  expect(settled).toBe(true)
  const cut = withTransaction(two, async (client) => {
    await writing('2')(client)
    proxy.cut()
  })
  await errorOf(cut)
  await until(() => withTransaction(two, writing('2')).catch(() => false))
  expect(await written()).toHaveLength(2)
})

test('connections are killed at random: each event is written exactly once', async () => {
  const { inbox, withTransaction } = await start(throughProxy)
  const count = isFull ? 10_000 : 1_000
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  for (let first = 0; first < count; first += 100)
    await Promise.all(
      numbers
        .slice(first, first + 100)
        .map((number) => insist(() => inbox.accept(...order(number, `e${number % 20}`)))),
    )
  proxy.disturb(150, () => {
    if (Math.random() < 0.3) proxy.loseCommits = 2
    else proxy.cut()
  })
  const deliver = async (): Promise<void> => {
    for (;;) {
      const { deliveries } = await inbox.take({ limit: 1, maxBytes: 1e9 }).catch(() => ({ deliveries: [] }))
      if (deliveries.length === 0) {
        if ((await written()).length >= count) return
        await sleep(20)
      }
      for (const delivery of deliveries) {
        const work = writing(delivery.event.requestId)
        await until(() =>
          withTransaction(delivery, work).then(
            () => true,
            () => false,
          ),
        )
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, deliver))
  proxy.undisturbed()
  const found = (await written()).map(({ number }) => Number(number)).toSorted((a, b) => a - b)
  expect(found).toEqual(numbers)
})

test('events are stored while 32 callbacks with slow transactions use the pool, also for their own queues', async () => {
  const { inbox, withTransaction } = await start()
  for (let number = 1; number <= 32; number++) await insist(() => inbox.accept(...order(number, `e${number}`)))
  const { deliveries } = await insist(() => inbox.take({ limit: 32, maxBytes: 1e9 }))
  expect(deliveries).toHaveLength(32)
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const settling = deliveries.map((delivery) => withTransaction(delivery, () => released))
  for (let number = 1; number <= 32; number++) await insist(() => inbox.accept(...order(100 + number, `e${number}`)))
  await insist(() => inbox.accept(...order(200, 'other')))
  await inbox.settle(await takeOne(inbox), { result: 'delivered' })
  release()
  expect(await Promise.all(settling)).toEqual(deliveries.map(() => true))
})

test('callbacks that never end give their connections to others, write nothing, and hold up their orders only', async () => {
  const { inbox, withTransaction, alarms } = await start(undefined, 100)
  const stuck = 10
  for (let number = 1; number <= stuck; number++) await insist(() => inbox.accept(...order(number, `e${number}`)))
  await insist(() => inbox.accept(...order(100, 'e1')))
  const { deliveries } = await insist(() => inbox.take({ limit: stuck, maxBytes: 1e9 }))
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const writesLater: Array<Promise<unknown>> = []
  const settling = deliveries.map((delivery) =>
    errorOf(
      withTransaction(delivery, async (client) => {
        await writing(delivery.event.requestId)(client)
        await released
        const writes = Promise.resolve().then(() => writing('later')(client))
        writesLater.push(writes)
        await writes
      }),
    ),
  )
  await until(() => alarms.length === stuck, 'all of them to be reported')
  expect(alarms.filter((alarm) => alarm.includes(deliveries[0]!.event.id))).toHaveLength(1)
  await insist(() => inbox.accept(...order(200, 'other')))
  const other = await takeOne(inbox)
  expect(other.event.requestId).toBe('200')
  expect(await withTransaction(other, writing('200'))).toBe(true)
  expect(await inbox.stats()).toMatchObject({ running: stuck, waiting: 1, delivered: 1 })
  release()
  expect((await Promise.all(settling)).every((error) => error.includes('exceeded handlerTimeoutMs'))).toBe(true)
  expect(await Promise.allSettled(writesLater)).toEqual(
    Array(stuck).fill(expect.objectContaining({ status: 'rejected' })),
  )
  expect(await written()).toEqual([{ number: '200' }])
})

test('a pool of 10 with 32 callbacks that take long: each is committed, and events are stored all the time', async () => {
  const { inbox, withTransaction } = await start()
  for (let number = 1; number <= 32; number++) await insist(() => inbox.accept(...order(number, `e${number}`)))
  const { deliveries } = await inbox.take({ limit: 32, maxBytes: 1e9 })
  let left = deliveries.length
  const settling = deliveries.map(async (delivery) => {
    await withTransaction(delivery, async (client) => {
      await writing(delivery.event.requestId)(client)
      await sleep(isFull ? 5_000 : 200)
    })
    left--
  })
  const latencies = new Latencies()
  let stored = 0
  const storing: Array<Promise<unknown>> = []
  for (let number = 1_000; left > 0; number++) {
    storing.push(latencies.of(inbox.accept(...order(number, `new-${number}`)).then(() => stored++)))
    await sleep(20)
  }
  await Promise.all([...settling, ...storing])
  expect(await written()).toHaveLength(32)
  expect(stored).toBe(storing.length)
  if (isFull) latencies.report('32 callbacks of 5 s with transactions')
})

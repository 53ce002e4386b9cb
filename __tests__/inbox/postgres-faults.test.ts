/** Events while PostgreSQL is frozen, restarts, loses connections, and loses responses. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Client } from 'pg'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { isFull } from '../size'
import { pause, until } from '../wait'
import { CuttingProxy } from './cutting-proxy'
import { eventOf } from './numbered-event'
import { attach, closeInboxes, errorOf, newSchema, open, poolOf, takeOne } from './postgres-inboxes'

const DELIVERED = { result: 'delivered' } as const
const order = (number: number, entity = 'a') => eventOf({ number, entity }, 100)
const trigger = (number: number, entity = 'a'): ReturnType<typeof order> => {
  const [event] = order(number, entity)
  return [{ ...event, trigger: 'id', method: 'GET', key: undefined }, Buffer.alloc(0)]
}

let server: PostgresServer
let proxy: CuttingProxy
let throughProxy: string
beforeAll(async () => {
  server = await startPostgres()
  proxy = new CuttingProxy(server.port)
  throughProxy = server.connectionString.replace(String(server.port), String(await proxy.listen()))
})
afterEach(closeInboxes)
afterAll(async () => {
  await proxy.close()
  await stopPostgresServers()
})

/**
 * Runs an operation while the proxy loses the response to the next commit. If the operation makes no commit, waits
 * until another commit, such as that of a lease renewal, has lost its response.
 */
async function losing<T>(work: () => Promise<T>): Promise<T> {
  proxy.loseCommits = 1
  const value = await work()
  await until(() => proxy.loseCommits === 0, 'a commit to be lost')
  return value
}

test('the response to a commit is lost: each step has happened once', async () => {
  const inbox = open({ connectionString: throughProxy, schema: newSchema() })
  await inbox.ready()
  expect(await losing(() => inbox.accept(...order(1)))).toMatchObject({ result: 'queued' })
  expect(await inbox.accept(...order(1))).toMatchObject({ result: 'duplicate' })
  attach(inbox)
  await pause(100)
  // If the connection is lost, the inbox does not repeat a `take`, `giveUp` or `purge`. Events that the `take` has
  // taken return to their queues. After a `giveUp` or `purge`, an operator can look up the state of the event.
  const taken = await losing(() => inbox.take({ limit: 1, maxBytes: 1e9 }).catch(() => undefined))
  const delivery = taken?.deliveries[0] ?? (await takeOne(inbox))
  expect(delivery.attempt).toBe(taken ? 1 : 2)
  expect(await losing(() => inbox.settle(delivery, DELIVERED))).toBe(true)
  const { id } = delivery.event
  expect(await losing(() => inbox.replay(id))).toBe(true)
  expect(await losing(() => inbox.giveUp(id, 'not needed').catch(() => true))).toBe(true)
  expect((await inbox.show(id))?.entry.state).toBe('dead')
  expect(await losing(() => inbox.purge(id).catch(() => true))).toBe(true)
  expect(await inbox.show(id)).toBeUndefined()
  const [event] = order(2)
  const large = Buffer.alloc(3_000_000, 'x')
  proxy.loseCommits = 2
  expect(await inbox.accept(event, large)).toMatchObject({ result: 'queued' })
  expect((await takeOne(inbox)).bytes.equals(large)).toBe(true)
})

test('the server stands still: requests are refused in time and by name, and what a lost take has taken is delivered', async () => {
  const inbox = open({ connectionString: server.connectionString, schema: newSchema() })
  await inbox.ready()
  const { alarms } = attach(inbox)
  await inbox.accept(...order(1))
  await server.freeze()
  try {
    const late = `PostgreSQL at 127.0.0.1:${server.port}`
    const work = [inbox.take({ limit: 1, maxBytes: 1e9 }), inbox.accept(...order(2)), inbox.stats(), inbox.check!()]
    const refused = work.map(errorOf)
    for (const error of await Promise.all(refused)) expect(error).toContain(late)
    await until(() => alarms.length > 0, 'an alarm')
    expect(alarms[0]).toContain(late)
  } finally {
    server.thaw()
  }
  await inbox.check?.()
  const first = await takeOne(inbox)
  expect(first.event.requestId).toBe('1')
  await inbox.settle(first, DELIVERED)
  await inbox.accept(...order(2))
  await inbox.settle(await takeOne(inbox), DELIVERED)
  expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, delivered: 2 })
})

test('connections are cut at random: nothing is lost, and nothing is stored twice', async () => {
  const inbox = open({ pool: poolOf(throughProxy), schema: newSchema() })
  await inbox.ready()
  attach(inbox)
  const count = isFull ? 5_000 : 300
  proxy.disturb(60, () => {
    if (Math.random() < 0.5) proxy.cut()
    else
      server
        .query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND random() < 0.5
           AND backend_type = 'client backend'`,
        )
        // Another disturbance may end the connection of this query.
        .catch(() => undefined)
  })
  const seen = new Map<string, number>()
  const sending = (async () => {
    for (let number = 1; number <= count; number++)
      await until(() =>
        inbox.accept(...order(number, `e${number % 7}`)).then(
          () => true,
          () => false,
        ),
      )
  })()
  while (seen.size < count) {
    const delivery = await takeOne(inbox)
    const { requestId } = delivery.event
    await until(() =>
      inbox.settle(delivery, DELIVERED).then(
        () => true,
        () => false,
      ),
    )
    seen.set(requestId, (seen.get(requestId) ?? 0) + 1)
  }
  await sending
  proxy.undisturbed()
  expect([...seen.values()].filter((times) => times > 1)).toEqual([])
  expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, delivered: count })
})

test('a server ends each connection in the packet that completes it: refused, and the process goes on', async () => {
  const message = (type: string, body: string) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(type), size, Buffer.from(body)])
  }
  const ended = message('E', 'SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0')
  const ending = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I'), ended])))
  }).listen(0, '127.0.0.1')
  await once(ending, 'listening')
  const { port } = ending.address() as AddressInfo
  const inbox = open({ pool: poolOf(`postgres://postgres@127.0.0.1:${port}/postgres`), schema: newSchema() })
  for (let i = 0; i < 5; i++) expect(await errorOf(inbox.ready())).not.toBe('nothing was refused')
  ending.close()
})

test('the server starts again: what was stored is there, and the inbox goes on by itself', async () => {
  const inbox = open({ pool: poolOf(server.connectionString), schema: newSchema() })
  await inbox.ready()
  attach(inbox)
  await inbox.accept(...order(1))
  const running = await takeOne(inbox)
  await server.restart()
  await until(() =>
    inbox.settle(running, DELIVERED).then(
      () => true,
      () => false,
    ),
  )
  expect(await inbox.accept(...order(1))).toMatchObject({ result: 'duplicate' })
})

test('one queue is locked by someone who stands still: its events are refused, and events of others are stored', async () => {
  const schema = newSchema()
  const inbox = open({ connectionString: server.connectionString, schema })
  await inbox.ready()
  await inbox.accept(...order(1, 'locked'))
  const holder = new Client({ connectionString: server.connectionString })
  await holder.connect()
  await holder.query(`BEGIN; SELECT * FROM ${schema}.queues FOR UPDATE`)
  const accept = (number: number, entity: string) => inbox.accept(...(number % 2 ? order : trigger)(number, entity))
  const blocked = Array.from({ length: 6 }, (_, i) => errorOf(accept(2 + i, 'locked')))
  const others = Array.from({ length: 20 }, (_, i) => accept(10 + i, `other-${i}`))
  expect(await Promise.all(others)).toHaveLength(20)
  for (const error of await Promise.all(blocked)) expect(error).toMatch(/lock timeout|did not respond in time/)
  await holder.end()
  expect(await inbox.accept(...trigger(40, 'locked'))).toMatchObject({ result: 'queued' })
})

test('requests for one order are stored in order of arrival, also those that no batch contains', async () => {
  const inbox = open({ connectionString: server.connectionString, schema: newSchema() })
  await inbox.ready()
  const accepting = Array.from({ length: 60 }, async (_, number) => {
    await pause(Math.floor(number / 10))
    const [event, bytes] = order(number)
    if (number % 5 === 1) return inbox.accept({ ...event, repeatable: true }, bytes)
    return number % 5 === 3 ? inbox.accept(...trigger(number)) : inbox.accept(event, bytes)
  })
  await Promise.all(accepting)
  const { entries } = await inbox.list()
  expect(entries.map(({ requestId }) => Number(requestId))).toEqual(Array.from({ length: 60 }, (_, number) => number))
})

test('the clock of a process is wrong: what is due is due by the clock of the server', async () => {
  const inbox = open({ connectionString: server.connectionString, schema: newSchema() })
  await inbox.ready()
  attach(inbox)
  await inbox.accept(...order(1))
  const retry = { result: 'retry', delayMs: 60_000, outcome: 'handler_failed', reason: 'ERP' } as const
  await inbox.settle(await takeOne(inbox), retry)
  const now = Date.now()
  for (const days of [-60, -10, 10, 60]) {
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now + days * 86_400_000)
    const { nextDueInMs = NaN } = await inbox.take({ limit: 1, maxBytes: 1e9 })
    clock.mockRestore()
    expect(nextDueInMs).toBeGreaterThan(0)
    expect(nextDueInMs).toBeLessThanOrEqual(60_000)
  }
})

test('what a process takes at the moment it closes is free for the others', async () => {
  const { connectionString } = server
  const schema = newSchema()
  const [leaving, staying] = [open({ connectionString, schema }), open({ connectionString, schema })]
  await leaving.ready()
  attach(leaving)
  await leaving.accept(...order(1))
  const locking = new Client({ connectionString })
  await locking.connect()
  try {
    // Locks the events, so that `take` locks the queue and then waits for the row of its event.
    await locking.query('BEGIN')
    await locking.query(`SELECT event FROM ${schema}.events FOR UPDATE`)
    const taking = leaving.take({ limit: 1, maxBytes: 1e9 }).catch(() => undefined)
    const waiting = async (): Promise<number> =>
      (await server.query(`SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).rows.length
    await until(async () => (await waiting()) === 1, 'the take to wait')
    const closing = leaving.close()
    const isRemoved = async (): Promise<boolean> =>
      (await server.query(`SELECT id FROM ${schema}.processes`)).rows.length === 0
    await until(async () => (await isRemoved()) || (await waiting()) === 2, 'the process to be removed, or to wait')
    await locking.query('ROLLBACK')
    await Promise.all([taking, closing])
  } finally {
    await locking.end()
  }
  attach(staying)
  expect((await takeOne(staying)).event.requestId).toBe('1')
})

/**
 * The commit of a transaction, or only the response to it, is lost. After a crash before the commit, the server reuses
 * the number of the transaction, because nothing of the transaction is on disk.
 */
import { Connections } from '../../lib/inbox/postgres/connections'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { CuttingProxy } from './cutting-proxy'
import { insist } from './insist'
import { eventOf } from './numbered-event'
import { attach, closeInboxes, newSchema, open, poolOf, takeOne } from './postgres-inboxes'

const NUMBERS = 40

let server: PostgresServer
let proxy: CuttingProxy
let url: string
beforeAll(async () => {
  // With the default of 200 ms, the work of the transaction might reach the disk before the crash, and the
  // transaction's number would not be reused.
  server = await startPostgres({ wal_writer_delay: '10s' })
  proxy = new CuttingProxy(server.port)
  url = server.connectionString.replace(String(server.port), String(await proxy.listen()))
  await server.query('CREATE TABLE written (number TEXT)')
})
afterEach(async () => {
  await crashing
  await closeInboxes()
})
afterAll(async () => {
  await proxy.close()
  await stopPostgresServers()
})

let crashing: Promise<void> | undefined
const crash = (): Promise<void> =>
  (crashing = server.restart().then(async () => {
    for (let i = 0; i < NUMBERS; i++) await server.query('SELECT txid_current()')
  }))

async function start() {
  const inbox = open({ pool: poolOf(url), schema: newSchema() })
  await inbox.ready({ transaction: true })
  attach(inbox)
  return inbox
}

test('what a callback has written is lost with its commit: it is called again, and writes it once', async () => {
  const inbox = await start()
  await insist(() => inbox.accept(...eventOf({ number: 1, entity: 'a' }, 100)))
  const delivery = await takeOne(inbox)
  let calls = 0
  const settled = await inbox.withTransaction!(delivery, async (client) => {
    if (++calls === 1) proxy.instead = { ofCommitAfter: 'public.written', act: crash }
    await (client as typeof server).query("INSERT INTO public.written VALUES ('1')")
  })
  expect([settled, calls]).toEqual([true, 2])
  expect((await server.query('SELECT number FROM written')).rows).toEqual([{ number: '1' }])
  expect(await insist(() => inbox.stats())).toMatchObject({ delivered: 1, running: 0 })
})

test('what the inbox has written is lost with its commit: it is written again, once', async () => {
  const connections = new Connections(poolOf(url), 'public')
  let calls = 0
  await connections.transact(
    async (tables) => {
      if (++calls === 1) proxy.instead = { ofCommitAfter: 'public.written', act: crash }
      await tables.run("INSERT INTO public.written VALUES ('2')")
    },
    { deadline: performance.now() + 100_000 },
  )
  expect(calls).toBe(2)
  expect((await server.query("SELECT number FROM written WHERE number = '2'")).rows).toHaveLength(1)
})

test.each([
  ['delivered', { result: 'delivered' }],
  ['dead', { result: 'dead', outcome: '', reason: '' }],
] as const)('an event is settled as %s if that is lost with its commit', async (state, settlement) => {
  const inbox = await start()
  await insist(() => inbox.accept(...eventOf({ number: 1, entity: 'a' }, 100)))
  const delivery = await takeOne(inbox)
  proxy.instead = { ofCommitAfter: 'UPDATE attempts SET ended', act: crash }
  expect(await insist(() => inbox.settle(delivery, settlement))).toBe(true)
  await crashing
  expect(await insist(() => inbox.stats())).toMatchObject({ [state]: 1, running: 0 })
})

test('an event is stored, and reported as a duplicate, if the response to its commit is lost', async () => {
  const inbox = await start()
  proxy.loseCommits = 1
  const event = eventOf({ number: 1, entity: 'a' }, 100)
  // The result depends on which commit lost its response: the commit of the event, or another commit, such as that of a
  // lease.
  expect(['queued', 'duplicate']).toContain((await insist(() => inbox.accept(...event))).result)
  expect(await insist(() => inbox.stats())).toMatchObject({ waiting: 1 })
  expect((await takeOne(inbox)).event.requestId).toBe('1')
})

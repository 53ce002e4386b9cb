/** Errors and warnings of `ready()` for a server that cannot be used, or cannot be used safely. */
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { Client } from 'pg'
import { postgresInboxSql } from '../../lib/inbox/postgres'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { attach, errorOf, closeInboxes, newSchema, open, poolOf, takeOne } from './postgres-inboxes'
import { eventOf } from './numbered-event'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterEach(closeInboxes)
afterAll(stopPostgresServers)

test('a password that is wrong: refused with the words of the server, and without the password', async () => {
  await server.query("CREATE ROLE guest LOGIN PASSWORD 'right'")
  const rules = "('host all guest 127.0.0.1/32 scram-sha-256'), ('host all all 127.0.0.1/32 trust')"
  await server.query(`COPY (VALUES ${rules}) TO '${server.folder}/data/pg_hba.conf'`)
  await server.restart()
  const address = `127.0.0.1:${server.port}`
  const error = await errorOf(open({ connectionString: `postgres://guest:wrong@${address}/postgres` }).ready())
  expect(error).toContain(`PostgreSQL at ${address} cannot be used: password authentication failed`)
  expect(error).not.toContain('wrong')
})

test('a server that is not there, or that does not respond: refused, with its host and port', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const url = `postgres://a:b@127.0.0.1:${port}/postgres`
  expect(await errorOf(open({ pool: poolOf(url) }).ready())).toContain(`127.0.0.1:${port} cannot be used: it does not`)
  expect(await errorOf(open({ connectionString: url }).ready())).toContain(`127.0.0.1:${port} cannot be used: `)
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => silent.close(resolve))
  const none = open({ connectionString: url })
  expect(await errorOf(none.ready())).toContain(`127.0.0.1:${port} cannot be used: connect ECONNREFUSED`)
  expect(await errorOf(none.accept(...eventOf({ number: 1, entity: 'a' }, 10)))).toContain(`127.0.0.1:${port}`)
  // A host name with two addresses, for which Node throws an AggregateError without a message of its own.
  const named = open({ connectionString: `postgres://a:b@localhost:${port}/postgres` })
  expect(await errorOf(named.ready())).toMatch(/localhost:\d+ cannot be used: .*ECONNREFUSED/)
})

describe('a server that can lose what it has acknowledged', () => {
  let lax: PostgresServer
  beforeAll(async () => {
    lax = await startPostgres({ fsync: 'off', synchronous_commit: 'off' })
  })

  test('is refused with the remedy', async () => {
    expect(await errorOf(open({ connectionString: lax.connectionString }).ready())).toContain('fsync is off: set it')
  })

  test('is used with `unsafe`, which is said at every start', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation()
    const schema = newSchema()
    for (let start = 0; start < 2; start++)
      await open({ connectionString: lax.connectionString, schema, unsafe: true }).ready()
    const warned = warn.mock.calls.map(([text]) => String(text))
    warn.mockRestore()
    expect(warned.filter((text) => text.includes('fsync is off'))).toHaveLength(2)
  })

  test('synchronous_commit = off of a role is found as well, and tables that are not logged', async () => {
    await server.query('CREATE ROLE hasty SUPERUSER LOGIN; ALTER ROLE hasty SET synchronous_commit = off')
    const url = server.connectionString.replace('postgres@', 'hasty@')
    expect(await errorOf(open({ connectionString: url }).ready())).toContain('synchronous_commit is off')
    const schema = newSchema()
    await open({ connectionString: server.connectionString, schema }).ready()
    await server.query(`ALTER TABLE ${schema}.bodies SET UNLOGGED`)
    const error = await errorOf(open({ connectionString: server.connectionString, schema }).ready())
    expect(error).toContain(`ALTER TABLE ${schema}.bodies SET LOGGED`)
  })
})

test('a pool that is too small, also for transactions of callbacks', async () => {
  const url = server.connectionString
  expect(await errorOf(open({ pool: poolOf(url, 3) }).ready())).toContain(
    'has 3 connections; the inbox needs at least 4',
  )
  const small = open({ pool: poolOf(url, 5) })
  await small.ready()
  const { alarms } = attach(small)
  const expected = 'the inbox needs at least 6 with `transaction`'
  expect(await errorOf(small.ready({ transaction: true }))).toContain(expected)
  expect(alarms).toEqual([expect.stringContaining(expected)])
})

test('tables that are only to be checked, and are made by hand with the exported SQL, statement by statement', async () => {
  const schema = newSchema()
  const inbox = open({ connectionString: server.connectionString, schema, migrate: 'check' })
  expect(await errorOf(inbox.ready())).toContain(`There are no tables in schema ${schema}: run the SQL of`)
  const client = new Client({ connectionString: server.connectionString })
  await client.connect()
  for (const statement of postgresInboxSql(schema).split(/;\n/)) await client.query(statement)
  await client.end()
  await inbox.ready()
  expect(await inbox.accept(...eventOf({ number: 1, entity: 'a' }, 10))).toMatchObject({ result: 'queued' })
})

test('a role that may only read and write the rows, with the grants of docs/inboxes.md', async () => {
  await server.query(postgresInboxSql('granted'))
  await server.query('CREATE ROLE webhook LOGIN')
  const page = readFileSync(join(__dirname, '../../docs/inboxes.md'), 'utf8')
  const grants = [...page.matchAll(/^GRANT .*;$/gm)].map(([grant]) => grant.replace(/\btradecloud\b/, 'granted'))
  expect(grants).toHaveLength(3)
  for (const grant of grants) await server.query(grant)
  const connectionString = server.connectionString.replace('postgres@', 'webhook@')
  const inbox = open({ connectionString, schema: 'granted', migrate: 'check' })
  await inbox.ready({ transaction: true })
  const { alarms } = attach(inbox)
  for (const [number, bytes] of [10, 3 * 1024 * 1024, 10].entries())
    await inbox.accept(...eventOf({ number, entity: `${number}` }, bytes))
  const [first, second, third] = [await takeOne(inbox), await takeOne(inbox), await takeOne(inbox)]
  expect(await inbox.settle(first, { result: 'delivered' })).toBe(true)
  expect(await inbox.withTransaction!(second, () => Promise.resolve())).toBe(true)
  expect(await inbox.settle(third, { result: 'dead', outcome: 'rejected', reason: 'no' })).toBe(true)
  expect(await inbox.replay(first.event.id)).toBe(true)
  expect(await inbox.purge(third.event.id)).toBe(true)
  expect(await inbox.stats()).toMatchObject({ waiting: 1, delivered: 1, dead: 0 })
  expect(alarms).toEqual([])
})

test('bodies are compressed with lz4, unless the server does not have it', async () => {
  const [schema, without] = [newSchema(), newSchema()]
  const setTo = async (one: string) => {
    const inbox = open({ connectionString: server.connectionString, schema: one })
    await inbox.ready()
    await inbox.accept(...eventOf({ number: 1, entity: 'a' }, 8_000))
    const { rows } = await server.query<{ used: string }>(
      `SELECT pg_column_compression(data) AS used FROM ${one}.bodies`,
    )
    return rows[0]?.used
  }
  expect(await setTo(schema)).toBe('lz4')
  await server.query(`
    CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not supported'; END $$;
    CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION refuse()`)
  expect(await setTo(without)).toBe('pglz')
  await server.query('DROP EVENT TRIGGER refuse')
})

test('tables of a newer version are left alone', async () => {
  const schema = newSchema()
  await open({ connectionString: server.connectionString, schema }).ready()
  await server.query(`UPDATE ${schema}.meta SET value = '99' WHERE key = 'version'`)
  const error = await errorOf(open({ connectionString: server.connectionString, schema }).ready())
  expect(error).toContain(`The tables in schema ${schema} have version 99`)
})

test('several processes that create the tables at the same time, whatever isolation the role has', async () => {
  await server.query(
    "CREATE ROLE strict SUPERUSER LOGIN; ALTER ROLE strict SET default_transaction_isolation = 'serializable'",
  )
  const url = server.connectionString.replace('postgres@', 'strict@')
  const schema = newSchema()
  const inboxes = Array.from({ length: 6 }, () => open({ connectionString: url, schema }))
  await Promise.all(inboxes.map((inbox) => inbox.ready()))
  const events = inboxes.map((inbox, number) => inbox.accept(...eventOf({ number, entity: 'a' }, 10)))
  expect((await Promise.all(events)).map(({ result }) => result)).toEqual(inboxes.map(() => 'queued'))
})

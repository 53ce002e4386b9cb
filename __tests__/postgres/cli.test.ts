/** The commands of `inbox` on PostgreSQL. */
import { Client } from 'pg'
import { postgresInbox } from '../../lib/inbox/postgres'
import { testCatchUpCommand } from '../cli/catch-up-command'
import { cleanUp, cli, onTerminal, opened, put, type Storage } from '../cli/cli'
import { testInboxCommands } from '../cli/inbox-commands'
import { startPostgres, stopPostgresServers, type PostgresServer } from './postgres-server'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(stopPostgresServers)

/** Creates a database whose collation ignores dashes: strings are not sorted by their bytes. */
async function newDatabase(): Promise<string> {
  const name = `cli_${++databases}`
  await server.query(`CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-u-ka-shifted'`)
  return server.connectionString.replace(/\/postgres$/, `/${name}`)
}

async function newPostgres(): Promise<Storage> {
  const target = await newDatabase()
  const open = () => opened(postgresInbox({ connectionString: target }))
  await (await open()).close()
  return { target, open }
}

describe('commands', () => testInboxCommands(newPostgres))
describe('catch-up', () => testCatchUpCommand(newPostgres))

describe('the database', () => {
  afterEach(cleanUp)

  test('without an inbox: no table is created, in no command', async () => {
    const target = await newDatabase()
    for (const words of [['list'], ['stats'], ['replay', '--state', 'dead'], ['purge', '--state', 'dead', '--yes']]) {
      const { code, out, err } = await cli(['inbox', target, ...words])
      expect([code, out]).toEqual([1, ''])
      expect(err).toContain('There are no tables in schema tradecloud')
      expect(err).toContain('If this is the wrong database or schema, name another one (--schema).')
    }
    expect(await cli(['inbox', target, 'check'])).toMatchObject({
      code: 2,
      out: expect.stringMatching(/^CRITICAL: .*\n$/),
    })
    const client = new Client({ connectionString: target })
    await client.connect()
    const { rows } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = 'tradecloud'")
    await client.end()
    expect(rows).toEqual([])
  })

  test('--schema names another schema', async () => {
    const target = await newDatabase()
    const inbox = await opened(postgresInbox({ connectionString: target, schema: 'edi' }))
    const id = await put(inbox, 'PO1')
    expect((await cli(['inbox', target, 'list', '--schema', 'edi'])).out).toContain(id)
    expect((await cli(['inbox', target, 'list', '--schema', 'E;'])).code).toBe(2)
  })

  test('passwords come from PGPASSWORD or INBOX_URL, and are never shown', async () => {
    const { target, open } = await newPostgres()
    const id = await put(await open(), 'PO1')
    await server.query("CREATE ROLE clerk LOGIN SUPERUSER PASSWORD 's3cr3t'")
    const hba = await server.query<{ path: string }>("SELECT current_setting('hba_file') AS path")
    const rules = ['host all clerk 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust']
    await server.query(`COPY (VALUES ${rules.map((rule) => `('${rule}')`).join()}) TO '${hba.rows[0]!.path}'`)
    await server.restart()
    const clerk = target.replace('postgres@', 'clerk@')
    const listed = await cli(['inbox', clerk, 'list'], { env: { PGPASSWORD: 's3cr3t' } })
    expect([listed.code, listed.out]).toEqual([0, expect.stringContaining(id)])
    const env = { INBOX_URL: clerk.replace('clerk@', 'clerk:s3cr3t@') }
    expect(await cli(['inbox', 'list'], { env })).toMatchObject({ code: 0, out: expect.stringContaining(id) })
    for (const wrong of [{ PGPASSWORD: 'wr0ng' }, {}, { INBOX_URL: clerk.replace('clerk@', 'clerk:wr0ng@') }]) {
      const words = 'INBOX_URL' in wrong ? ['inbox', 'list'] : ['inbox', clerk, 'list']
      const { code, out, err } = await cli(words, { env: wrong })
      expect([code, out]).toEqual([1, ''])
      expect(err).toContain(`127.0.0.1:${server.port}`)
      expect(err).toContain('PGPASSWORD' in wrong || 'INBOX_URL' in wrong ? 'authentication failed' : 'set PGPASSWORD')
      expect(err).not.toMatch(/wr0ng|s3cr3t/)
    }
    for (const [answer, code, text] of [
      ['s3cr3t', 0, id.slice(0, 13)],
      ['wr0ng', 1, 'authentication failed'],
      // After an empty answer, the password is not asked for again.
      ['', 1, 'set PGPASSWORD'],
    ] as const) {
      const asked = await onTerminal(['inbox', clerk, 'list'], { answers: [answer] })
      expect([asked.code, asked.out]).toEqual([code, expect.stringContaining(text)])
      expect(asked.out.match(/Password: /g)).toHaveLength(1)
      expect(asked.out).not.toMatch(/wr0ng|s3cr3t/)
    }
  })

  test('a server that is away: named with its address, exit code 1, of check 2', async () => {
    const url = 'postgres://me@127.0.0.1:1/db'
    const { code, err } = await cli(['inbox', url, 'list'])
    expect([code, err]).toEqual([1, expect.stringContaining('PostgreSQL at 127.0.0.1:1 cannot be used')])
    expect((await cli(['inbox', url, 'check'])).code).toBe(2)
  })
})

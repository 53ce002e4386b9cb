/** The servers that the other tests use: committed data survives a crash, and a frozen server does not respond. */
import { existsSync } from 'node:fs'
import { startPostgres, stopPostgresServers, type PostgresServer } from './postgres-server'

let postgres: PostgresServer

beforeAll(async () => {
  postgres = await startPostgres({ max_connections: '7' })
})

afterAll(stopPostgresServers)

const valueOf = async (sql: string) => Object.values((await postgres.query<Record<string, unknown>>(sql)).rows[0] ?? {})

test('takes settings, and keeps what was committed across a crash, on the same port', async () => {
  expect(await valueOf('SHOW max_connections')).toEqual(['7'])
  await postgres.query('CREATE TABLE kept (n int)')
  await postgres.query('INSERT INTO kept VALUES ($1)', [42])
  const { port, connectionString } = postgres
  await postgres.kill()
  await expect(postgres.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await postgres.restart()
  expect([postgres.port, postgres.connectionString]).toEqual([port, connectionString])
  expect(await valueOf('SELECT n FROM kept')).toEqual([42])
})

test('frozen, it answers nothing, and works it off later', async () => {
  await postgres.freeze()
  await expect(postgres.query('SELECT 1')).rejects.toThrow('timeout')
  postgres.thaw()
  expect(await valueOf('SELECT 1 AS n')).toEqual([1])
})

test('a second server has its own folder and port, and stop() removes it', async () => {
  const other = await startPostgres({ fsync: 'off' })
  expect(other.port).not.toBe(postgres.port)
  expect((await other.query('SELECT 1 FROM pg_tables WHERE tablename = $1', ['kept'])).rowCount).toBe(0)
  await other.stop()
  expect(existsSync(other.folder)).toBe(false)
})

/** The command line opens only files that contain an inbox, and leaves all other files unchanged. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { SCHEMA_VERSION } from '../../lib/inbox/sql/schema'
import { until } from '../wait'
import { cleanUp, cli, DELIVERED, newFolder, newSqlite, opened, put, retry, serve } from './cli'

afterEach(cleanUp)

const COMMANDS = [
  ['list'],
  ['stats'],
  ['show', '00'],
  ['replay', '--state', 'dead'],
  ['purge', '--state', 'dead', '--yes'],
]

function withDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

test.each([
  ['a missing file', () => undefined, /There is no file \S*x\.db\./, 2],
  ['a folder', (path: string) => mkdirSync(path), /x\.db is not a file: name the SQLite file of the inbox/, 2],
  ['an empty file', (path: string) => writeFileSync(path, ''), /x\.db is not an inbox: it is an empty database/, 1],
  ['no database', (path: string) => writeFileSync(path, 'x'.repeat(9_000)), /x\.db is not a database/, 1],
  [
    'a database of something else',
    (path: string) => withDatabase(path, 'CREATE TABLE a (b)'),
    /x\.db is the database of another program/,
    1,
  ],
  [
    'the same, with a version of its own',
    (path: string) => withDatabase(path, `CREATE TABLE events (b); PRAGMA user_version = ${SCHEMA_VERSION}`),
    /x\.db is the database of another program/,
    1,
  ],
] as const)('%s: refused by name, and left as it is', async (_what, create, message, exitCode) => {
  const folder = newFolder()
  const path = join(folder, 'x.db')
  create(path)
  const before = readdirSync(folder).map((name) => [name, contentOf(join(folder, name))])
  for (const words of COMMANDS) {
    const { code, out, err } = await cli(['inbox', path, ...words])
    expect([code, out, err]).toEqual([exitCode, '', expect.stringMatching(message)])
  }
  const { code, out, err } = await cli(['inbox', path, 'check'])
  expect([code, err, out]).toEqual([2, '', expect.stringMatching(message)])
  expect(out).toMatch(/^CRITICAL: .*\n$/)
  expect(readdirSync(folder).map((name) => [name, contentOf(join(folder, name))])).toEqual(before)
})

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'base64')
  } catch {
    return 'a folder'
  }
}

test('INBOX_URL is used without a target', async () => {
  const { target } = await newSqlite()
  const env = { INBOX_URL: target }
  expect(await cli(['inbox', 'check'], { env })).toMatchObject({ code: 0, out: expect.stringMatching(/^OK/) })
  expect(await cli(['inbox', '/nowhere/x.db', 'list'], { env })).toMatchObject({ code: 2 })
  expect(await cli(['inbox', 'list'])).toMatchObject({ code: 2, err: expect.stringContaining('or set INBOX_URL') })
})

test.each([
  'postgres://me:s3cr3t@localhost/db',
  'postgresql://me:s3cr3t@localhost/db',
  'POSTGRES://me:s3cr3t@localhost/db',
  'postgres://me:s3c#r3t@:/@localhost/db',
  'postgres://:s3cr3t@localhost/db',
  'postgres://me@localhost/db?password=s3cr3t',
  'mysql://me:s3cr3t@localhost/db',
])('%s: refused in an argument, and not repeated', async (url) => {
  const { code, out, err } = await cli(['inbox', url, 'list'])
  expect([code, out]).toEqual([2, ''])
  expect(err).not.toMatch(/s3c#?r3t/)
  if (!url.startsWith('mysql')) expect(err).toContain('set PGPASSWORD')
})

test('it works while another process stands still in a transaction, as far as nothing is written', async () => {
  const { target, open } = await newSqlite()
  const server = await open()
  const id = await put(server, 'PO1')
  const database = new DatabaseSync(target)
  database.exec('BEGIN IMMEDIATE')
  for (const words of [['list'], ['show', id], ['stats'], ['check']])
    expect(await cli(['inbox', target, ...words])).toMatchObject({ code: 0, err: '' })
  const replay = await cli(['inbox', target, 'replay', id])
  expect([replay.code, replay.err]).toEqual([1, expect.stringContaining(`is locked by process ${process.pid}`)])
  database.exec('ROLLBACK')
  database.close()
})

test('it is not one of the processes that take events, and the running one goes on', async () => {
  const { target, open } = await newSqlite()
  const server = await open()
  const { deliveries } = serve(server, () => DELIVERED)
  await put(server, 'PO1')
  await until(() => deliveries.length === 1)
  for (const words of COMMANDS) await cli(['inbox', target, ...words])
  const database = new DatabaseSync(target)
  expect(database.prepare('SELECT count(*) AS count FROM processes').all()).toEqual([{ count: 1 }])
  database.close()
  await put(server, 'PO2')
  await until(() => deliveries.length === 2)
})

test('a log that was lost: it says so, and so does the next start of the server', async () => {
  const { target, open } = await newSqlite()
  const server = await open()
  await put(server, 'PO1')
  const copy = join(newFolder(), 'copy.db')
  copyFileSync(target, copy)
  for (let i = 0; i < 2; i++)
    expect((await cli(['inbox', copy, 'list'])).err).toContain('The events that were stored last may be missing')
  const alarms: string[] = []
  const next = await opened(sqliteInbox({ file: copy }))
  next.attach({
    ...{ name: 'x', wanted: [], maxDelayMs: 1, wake: () => undefined, leaseLost: () => undefined },
    alarm: ({ message }) => alarms.push(message),
  })
  expect(alarms.join()).toContain('The events that were stored last may be missing')
})

test('after a server was killed, what it had stored is there', async () => {
  const { target, open } = await newSqlite()
  const server = await open()
  const id = await put(server, 'PO1')
  serve(server, () => retry())
  const folder = newFolder()
  for (const end of ['', '-wal']) copyFileSync(`${target}${end}`, join(folder, `copy.db${end}`))
  const { out } = await cli(['inbox', join(folder, 'copy.db'), 'list', '--json'])
  expect(out).toContain(id)
})

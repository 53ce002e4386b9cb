/** Pages of the inspector with 100,000 events, on both engines. The app runs in a process of its own. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Client } from 'pg'
import { startPostgres, stopPostgresServers } from '../../__tests__/postgres/postgres-server'
import { openPostgres, openSqlite, withFolder } from '../inbox/inboxes'
import { built } from '../package'
import { digits, median, table } from '../statistics'
import { authorization } from '../webhook'
import { RARE_NAME, rowsOf, type Row } from './fill'

const AT_ONCE = 5_000
const COLUMNS = Object.keys(rowsOf(0, 1, 1)[0] ?? {})

const PAGES: Array<[name: string, query: string]> = [
  ['first page', ''],
  ['by the end of an order number', '?q=PO-31234'],
  ['by an event ID', '?q=0000'],
  ['an order number that is not there', '?q=PO-99999'],
  ...['waiting', 'running', 'delivered', 'dead', 'quarantined'].map((state): [string, string] => [
    `state ${state}`,
    `?state=${state}`,
  ]),
  ...['order', 'orderDocuments', 'shipment', 'unknown'].map((kind): [string, string] => [
    `kind ${kind}`,
    `?kind=${kind}`,
  ]),
  ['a frequent event name', '?event=OrderIssuedByBuyer'],
  ['a rare event name', `?event=${RARE_NAME}`],
  ['an event name that is not there', '?event=Nothing'],
  ['dead, with a rare event name', `?state=dead&event=${RARE_NAME}`],
  ['delivered, of an unknown kind', '?state=delivered&kind=unknown'],
  ['the oldest page', '?after=30'],
]

export async function run(quick: boolean): Promise<string> {
  const count = quick ? 10_000 : 100_000
  const rounds = quick ? 6 : 30
  const sqlite = await withFolder((folder) => onSqlite(join(folder, 'inbox.db'), count, rounds))
  const { connectionString } = await startPostgres()
  const postgres = await onPostgres(connectionString, count, rounds)
  await stopPostgresServers()
  const heads = ['first request, ms', 'median, ms', 'slowest, ms']
  const times = table(
    [
      `${digits(count)} events`,
      ...heads.map((head) => `SQLite: ${head}`),
      ...heads.map((head) => `PostgreSQL: ${head}`),
    ],
    sqlite.rows.map((cells, i) => [...cells, ...(postgres.rows[i] ?? []).slice(1)]),
  )
  return `${times}\n\nMemory of the app at its start, after a third of ${rounds} rounds of all pages, and after all, MiB: ${sqlite.memory} with SQLite, ${postgres.memory} with PostgreSQL.`
}

async function onSqlite(file: string, count: number, rounds: number): Promise<Figures> {
  await create(openSqlite({ file }))
  const { chooseDriver, openWith } = built<typeof import('../../lib/inbox/sqlite/driver')>('inbox/sqlite/driver')
  const database = openWith(chooseDriver(), file)
  const fields = COLUMNS.map((name) => `json_extract(value, '$.${name}')`).join(', ')
  const insert = database.prepare(`INSERT INTO events (${COLUMNS.join(', ')}) SELECT ${fields} FROM json_each(?)`)
  await fill(count, (rows) => void insert.run(JSON.stringify(rows)))
  database.close()
  return measure(file, rounds)
}

async function onPostgres(connectionString: string, count: number, rounds: number): Promise<Figures> {
  await create(openPostgres({ connectionString }))
  const client = new Client({ connectionString })
  await client.connect()
  await client.query('SET search_path TO tradecloud')
  const insert = `INSERT INTO events (${COLUMNS.join(', ')})
    SELECT ${COLUMNS.join(', ')} FROM json_populate_recordset(NULL::events, $1)`
  await fill(count, (rows) => client.query(insert, [JSON.stringify(rows)]))
  await client.query('ANALYZE')
  await client.end()
  return measure(connectionString, rounds)
}

async function create(inbox: ReturnType<typeof openSqlite>): Promise<void> {
  await inbox.ready()
  await inbox.close()
}

async function fill(count: number, insert: (rows: Row[]) => unknown): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) await insert(rowsOf(from, Math.min(count, from + AT_ONCE), count))
}

interface Figures {
  rows: string[][]
  memory: string
}

async function measure(target: string, rounds: number): Promise<Figures> {
  const server = fork(join(__dirname, 'server.ts'), [target], { execArgv: [...process.execArgv, '--expose-gc'] })
  const [port] = (await once(server, 'message')) as [number]
  const times = new Map(PAGES.map(([name]) => [name, [] as number[]]))
  const ask = async (query: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/${query}`, { headers: { Authorization: authorization } })
    if (!response.ok) throw new Error(`${query} was answered ${response.status}.`)
    return response.text()
  }
  const memory = [await memoryOf(server)]
  for (let round = 0; round < rounds; round++) {
    for (const [name, query] of PAGES) {
      const begun = performance.now()
      await ask(query)
      times.get(name)?.push(performance.now() - begun)
    }
    if (round === Math.floor(rounds / 3)) memory.push(await memoryOf(server))
  }
  memory.push(await memoryOf(server))
  if (!(await ask('')).includes('rel="next"')) throw new Error('The inspector shows no events.')
  server.disconnect()
  return {
    rows: [...times].map(([name, all]) => [name, ...[all[0] ?? NaN, median(all), Math.max(...all)].map(digits)]),
    memory: memory.map((bytes) => digits(bytes / 2 ** 20)).join(', '),
  }
}

async function memoryOf(server: ChildProcess): Promise<number> {
  server.send('memory')
  const [bytes] = (await once(server, 'message')) as [number]
  return bytes
}

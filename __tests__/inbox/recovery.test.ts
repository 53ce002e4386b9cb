/** Runs the commands in docs/backup.md with the real programs: they back up an inbox, and recover a damaged inbox. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { cli } from '../cli/cli'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { eventOf } from './numbered-event'
import { attach, closeInboxes, open, takeOne } from './postgres-inboxes'

const EVENTS = 60
const BODY_BYTES = 20_000
const docs = readFileSync(join(__dirname, '../../docs/backup.md'), 'utf8')
const commands = [...docs.matchAll(/^```sh\n([^`]*)```$/gm)].flatMap(([, text = '']) => text.trim().split('\n'))

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-recovery-'))
  file = join(folder, 'inbox.db')
})
afterEach(async () => {
  await closeInboxes()
  rmSync(folder, { recursive: true, force: true })
})
afterAll(stopPostgresServers)

/** The command from the docs that contains `text`, with the paths replaced. */
function commandWith(text: string): string {
  const [command = ''] = commands.filter((one) => one.includes(text))
  return command
    .replaceAll('/var/lib/tradecloud/inbox.db', file)
    .replaceAll('/backup/inbox.db', join(folder, 'backup.db'))
}

const shell = (command: string, env = {}): string =>
  execFileSync('bash', ['-c', command], {
    cwd: folder,
    encoding: 'utf8',
    stdio: 'pipe',
    env: { ...process.env, ...env },
  })

async function storeAll(inbox: Inbox): Promise<void> {
  await Promise.all(
    Array.from({ length: EVENTS }, (_, i) => inbox.accept(...eventOf({ number: i + 1, entity: `e${i}` }, BODY_BYTES))),
  )
}

/**
 * Delivers the events of the inbox, and resolves with their numbers. Checks that their bodies are intact, and that the
 * inbox accepts a new event.
 */
async function deliverAll(inbox: Inbox): Promise<number[]> {
  attach(inbox)
  const first = await takeOne(inbox)
  const { deliveries } = await inbox.take({ limit: 1_000, maxBytes: 1e9 })
  const all = [first, ...deliveries]
  for (const { event, bytes } of all)
    expect(bytes).toEqual(eventOf({ number: Number(event.requestId), entity: '' }, BODY_BYTES)[1])
  for (const delivery of all) expect(await inbox.settle(delivery, { result: 'delivered' })).toBe(true)
  expect((await inbox.accept(...eventOf({ number: 1_000, entity: 'new' }, BODY_BYTES))).result).toBe('queued')
  return all.map(({ event }) => Number(event.requestId)).sort((one, other) => one - other)
}

const numbers = Array.from({ length: EVENTS }, (_, i) => i + 1)

test('SQLite: a backup next to a running process holds everything that was stored', async () => {
  const inbox = sqliteInbox({ file })
  await storeAll(inbox)
  shell(commandWith('VACUUM INTO'))
  await inbox.close()
  const stats = await cli(['inbox', join(folder, 'backup.db'), 'stats'])
  expect(stats.out).toMatch(new RegExp(`^waiting +${EVENTS}\n`))
  const restored = sqliteInbox({ file: join(folder, 'backup.db') })
  expect(await deliverAll(restored)).toEqual(numbers)
  await restored.close()
})

test('SQLite: what is left of a damaged file is recovered by .dump, and delivered', async () => {
  const inbox = sqliteInbox({ file })
  await storeAll(inbox)
  await inbox.close()
  const bytes = readFileSync(file)
  // Overwrites the middle of a body, so that its remaining overflow pages are referenced by no page.
  bytes.fill(0xff, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 4_096)
  writeFileSync(file, bytes)
  shell(commandWith('.dump'))
  const stats = await cli(['inbox', join(folder, 'recovered.db'), 'stats'])
  expect(stats).toMatchObject({ code: 0, err: '' })
  const recovered = sqliteInbox({ file: join(folder, 'recovered.db') })
  const delivered = await deliverAll(recovered)
  expect(delivered.length).toBeGreaterThan(EVENTS / 4)
  const { quarantined, dead, running } = await recovered.stats()
  expect({ dead, running }).toEqual({ dead: 0, running: 0 })
  expect(quarantined + delivered.length).toBeLessThanOrEqual(EVENTS)
  await recovered.close()
})

test('PostgreSQL: a dump of the schema holds everything that was stored', async () => {
  const server = await startPostgres()
  const inbox = open({ connectionString: server.connectionString, schema: 'tradecloud' })
  await inbox.ready()
  await storeAll(inbox)
  const [, dump = ''] = /`(pg_dump [^`]*)`/.exec(docs) ?? []
  const env = { PGHOST: server.host, PGPORT: String(server.port), PGUSER: 'postgres', PGDATABASE: 'postgres' }
  await server.query('CREATE DATABASE restored')
  shell(`PATH="$(ls -d /usr/lib/postgresql/*/bin | tail -1):$PATH"; ${dump} | psql -q -v ON_ERROR_STOP=1 restored`, env)
  const connectionString = server.connectionString.replace(/postgres$/, 'restored')
  const restored = open({ connectionString, schema: 'tradecloud' })
  await restored.ready()
  expect(await deliverAll(restored)).toEqual(numbers)
})

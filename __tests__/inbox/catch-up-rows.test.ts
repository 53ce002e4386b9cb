/**
 * The number of arrival records does not grow with the number of changes: only records in the window of the catch-up
 * are kept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { CatchUpInbox } from '../../lib/inbox/catch-up/storage'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { chooseDriver, openWith } from '../../lib/inbox/sqlite/driver'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { bySize } from '../size'
import { eventOf } from './numbered-event'
import { closeInboxes, newSchema, open, poolOf } from './postgres-inboxes'

const CHANGES = bySize({ quick: 2_000, ci: 4_000, full: 100_000 })
/**
 * Number of changes between two runs, and number of changes whose records a run keeps. The times of the changes are one
 * second apart.
 */
const BETWEEN_RUNS = 250
const KEPT = 1_000
const AT_ONCE = 50
const NOON = Date.UTC(2026, 10, 2, 12)
const MIB = 1024 ** 2

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let folder: string
let server: PostgresServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'catch-up-rows-'))
  server = await startPostgres()
})
afterAll(async () => {
  await closeInboxes()
  await stopPostgresServers()
  rmSync(folder, { recursive: true, force: true })
})

async function accept(inbox: Inbox, number: number): Promise<void> {
  const id = `order-${number}`
  const [event, bytes] = eventOf({ number, entity: id }, 100)
  const time = NOON + number * 1_000
  const part = (name: string) => ({ name, time, hash: `${name} ${number}` })
  const marks = ['', 'line:10', 'line:20'].map(part)
  await inbox.accept(event, bytes, { kind: 'order', id, form: 'deliverySchedule', marks })
}

/** Memory of the main thread after a garbage collection, in bytes. */
async function usedBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Stores all changes, with a run after every `BETWEEN_RUNS` changes. Resolves with the growth of memory, in bytes. */
async function play(inbox: Inbox, catchUp: CatchUpInbox): Promise<number> {
  await inbox.ready()
  const token = (await catchUp.acquire()) ?? ''
  const lease = { scope: { key: 'orders', kind: 'order', form: 'deliverySchedule' }, token } as const
  const before = await usedBytes()
  for (let number = 0; number < CHANGES; number += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => accept(inbox, number + i)))
    if ((number + AT_ONCE) % BETWEEN_RUNS > 0) continue
    const clock = NOON + (number + AT_ONCE) * 1_000
    await catchUp.renew(token)
    await catchUp.firstSeen(lease, `something ${number}`, clock)
    const forgottenUpTo = clock - KEPT * 1_000
    await catchUp.savePosition(lease, { cursor: new Date(clock).toISOString(), since: NOON, forgottenUpTo })
  }
  return (await usedBytes()) - before
}

/** Each kept change has three parts, and each run records the clock once. */
const MOST_ARRIVALS = 3 * (KEPT + BETWEEN_RUNS)
const MOST_SEEN = (KEPT + BETWEEN_RUNS) / BETWEEN_RUNS + 1

test(`SQLite: ${CHANGES} changes`, async () => {
  const file = join(folder, 'inbox.db')
  const inbox = sqliteInbox({ file })
  const grown = await play(inbox, inbox.catchUp!('faults'))
  await inbox.close()
  const database = openWith(chooseDriver(), file)
  const count = (table: string) =>
    (database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count
  expect(count('events')).toBe(CHANGES)
  expect(count('arrivals')).toBeGreaterThanOrEqual(3 * KEPT - 3)
  expect(count('arrivals')).toBeLessThanOrEqual(MOST_ARRIVALS)
  expect(count('seen')).toBeLessThanOrEqual(MOST_SEEN)
  expect([count('cursors'), count('catch_ups')]).toEqual([1, 1])
  database.close()
  expect(grown).toBeLessThan(30 * MIB)
})

test(`PostgreSQL: ${CHANGES} changes`, async () => {
  const pool = poolOf(server.connectionString)
  const schema = newSchema()
  const inbox = open({ pool, schema })
  const grown = await play(inbox, inbox.catchUp!('faults'))
  const count = async (table: string): Promise<number> =>
    Number((await pool.query<{ count: string }>(`SELECT count(*) AS count FROM ${schema}.${table}`)).rows[0]?.count)
  expect(await count('events')).toBe(CHANGES)
  expect(await count('arrivals')).toBeGreaterThanOrEqual(3 * KEPT - 3)
  expect(await count('arrivals')).toBeLessThanOrEqual(MOST_ARRIVALS)
  expect(await count('seen')).toBeLessThanOrEqual(MOST_SEEN)
  expect([await count('cursors'), await count('catch_ups')]).toEqual([1, 1])
  expect(grown).toBeLessThan(30 * MIB)
})

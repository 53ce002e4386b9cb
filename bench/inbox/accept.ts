/** Storing events of 8 KB, 50 at a time, compared with the simplest durable way: one file or one INSERT per event. */
import { randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Pool } from 'pg'
import { stopPostgresServers } from '../../__tests__/postgres/postgres-server'
import { built } from '../package'
import { rates } from '../statistics'
import { storedEvent } from '../stored-event'
import { openPostgres, openSqlite, startSlowPostgres, withFolder } from './inboxes'

const { orderEvent } = built<typeof import('../../lib/testing')>('testing/index')

/** An event instead of filler, because PostgreSQL compresses bodies and the result depends on their content. */
const BYTES = Buffer.from(JSON.stringify(orderEvent({ lines: 3 }))).subarray(0, 8 * 1024)
const AT_ONCE = 50
const TITLE = `8 KB, ${AT_ONCE} at once`
const UNIT = 'events/s'

export async function run(quick: boolean): Promise<string> {
  const rounds = quick ? 3 : 7
  const onSqlite = await withFolder((folder) => sqlite(folder, quick ? 1000 : 5000, rounds))
  const onPostgres: string[] = []
  for (const flushMs of [0, 5])
    onPostgres.push(await withFolder((folder) => postgres(folder, flushMs, quick ? 500 : 3000, rounds)))
  return [onSqlite, ...onPostgres].join('\n\n')
}

async function sqlite(folder: string, count: number, rounds: number): Promise<string> {
  const inbox = openSqlite({ file: join(folder, 'inbox.db') })
  await inbox.ready()
  const table = await rates(
    TITLE,
    UNIT,
    { count, atOnce: AT_ONCE, rounds },
    {
      'sqliteInbox: accept': () => inbox.accept(storedEvent(BYTES), BYTES),
      'bare loop: write and flush a file': async () => {
        const file = await open(join(folder, randomUUID()), 'wx')
        await file.writeFile(BYTES)
        await file.sync()
        await file.close()
      },
    },
  )
  await inbox.close()
  return table
}

async function postgres(folder: string, flushMs: number, count: number, rounds: number): Promise<string> {
  const server = await startSlowPostgres(folder, flushMs)
  const { connectionString } = server
  await server.query('CREATE TABLE bare (id text PRIMARY KEY, head text NOT NULL, data bytea NOT NULL)')
  const pools = [new Pool({ connectionString, max: AT_ONCE }), new Pool({ connectionString, max: 10 })]
  const insert = (pool: Pool | undefined) => () => {
    const event = storedEvent(BYTES)
    const values = [event.id, JSON.stringify(event), BYTES]
    return pool?.query({
      name: 'bare',
      text: 'INSERT INTO bare (id, head, data) VALUES ($1, $2, $3)',
      values,
    }) as Promise<unknown>
  }
  const inbox = openPostgres({ connectionString })
  await inbox.ready()
  const title = flushMs > 0 ? `${TITLE}, a flush takes ${flushMs} ms` : TITLE
  const table = await rates(
    title,
    UNIT,
    { count, atOnce: AT_ONCE, rounds },
    {
      'postgresInbox: accept, 10 connections': () => inbox.accept(storedEvent(BYTES), BYTES),
      'bare prepared INSERT, 10 connections': insert(pools[1]),
      'bare prepared INSERT, 50 connections': insert(pools[0]),
    },
  )
  await inbox.close()
  await Promise.all(pools.map((pool) => pool.end()))
  await stopPostgresServers()
  return table
}

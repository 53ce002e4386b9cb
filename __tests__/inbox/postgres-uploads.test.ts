/** Large bodies in PostgreSQL: stored part by part, two at a time, and never without one of their parts. */
import { Client, type Pool } from 'pg'
import { BEGIN, PostgresTables } from '../../lib/inbox/postgres/client'
import { beginUpload, writePart } from '../../lib/inbox/sql/accept'
import { prune } from '../../lib/inbox/sql/prune'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { until } from '../wait'
import { eventOf } from './numbered-event'
import { closeInboxes, errorOf, newSchema, open, poolOf } from './postgres-inboxes'

const LARGE = Buffer.alloc(2_500_000, 'x')
const PARTS = 3
const order = (number: number) => eventOf({ number, entity: `e${number}` }, 10)[0]

let server: PostgresServer
let schema: string
let pool: Pool
beforeAll(async () => {
  server = await startPostgres()
})
beforeEach(() => {
  schema = newSchema()
  const options = `-c search_path=${schema}`
  pool = poolOf(`${server.connectionString}?options=${encodeURIComponent(options)}`)
})
afterEach(closeInboxes)
afterAll(stopPostgresServers)

const countOf = async (table: string) =>
  Number((await pool.query<{ count: string }>(`SELECT count(*) FROM ${table}`)).rows[0]?.count)

test('parts that were removed before the last one was stored: refused, and stored when it is sent again', async () => {
  const inbox = open({ connectionString: server.connectionString, schema })
  await inbox.ready()
  await pool.query(`
    CREATE FUNCTION remove() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN DELETE FROM uploads; DELETE FROM bodies; RETURN NEW; END $$;
    CREATE TRIGGER remove BEFORE INSERT ON bodies FOR EACH ROW WHEN (NEW.part % 65536 = ${PARTS - 1}) EXECUTE FUNCTION remove()`)
  expect(await errorOf(inbox.accept(order(1), LARGE))).toContain('were removed')
  expect(await countOf('events')).toBe(0)
  await pool.query('DROP TRIGGER remove ON bodies')
  const { id, result } = await inbox.accept(order(1), LARGE)
  expect(result).toBe('queued')
  expect((await inbox.show(id))?.bytes?.equals(LARGE)).toBe(true)
})

test.each([
  ['gets another part', 'UPDATE uploads SET begun = begun + 1e13'],
  ['ends', 'DELETE FROM uploads'],
])('an upload that %s while it is being pruned keeps its parts', async (_what, change) => {
  await open({ connectionString: server.connectionString, schema }).ready()
  const [writer, pruner] = [await pool.connect(), await pool.connect()]
  try {
    const tables = await PostgresTables.begin(writer, schema)
    const event = await beginUpload(tables)
    await writePart(tables, { event, part: 0, bytes: Buffer.alloc(10) })
    await writer.query('COMMIT')
    await pool.query('UPDATE uploads SET begun = 0')
    await writer.query(BEGIN)
    await writer.query(change)
    const keep = { keepDelivered: false, dedupeTtlMs: 0 } as const
    const pruning = prune(await PostgresTables.begin(pruner, schema, { lockTimeoutMs: 60_000 }), keep)
    await until(async () => {
      const sql = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
      return (await pool.query(sql)).rowCount === 1
    }, 'the pruning to wait')
    await writer.query('COMMIT')
    await pruning
    await pruner.query('COMMIT')
    expect(await countOf('bodies')).toBe(1)
  } finally {
    writer.release(true)
    pruner.release(true)
  }
})

test('two at a time', async () => {
  const inbox = open({ connectionString: server.connectionString, schema })
  await inbox.ready()
  const holder = new Client({ connectionString: server.connectionString })
  await holder.connect()
  await holder.query(`BEGIN; LOCK TABLE ${schema}.bodies IN EXCLUSIVE MODE`)
  const accepting = Promise.all([1, 2, 3].map((number) => inbox.accept(order(number), LARGE)))
  await until(async () => (await countOf('uploads')) === 2, 'two uploads to begin')
  await inbox.accept(...eventOf({ number: 4, entity: 'small' }, 0))
  expect(await countOf('uploads')).toBe(2)
  await holder.end()
  expect((await accepting).map(({ result }) => result)).toEqual(['queued', 'queued', 'queued'])
})

async function onEachPart(statements: string): Promise<void> {
  await pool.query(`
    CREATE FUNCTION on_part() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statements} RETURN NEW; END $$;
    CREATE TRIGGER on_part BEFORE INSERT ON bodies FOR EACH ROW EXECUTE FUNCTION on_part()`)
}

test('a large body that arrives again, while it is being stored and afterwards, is written once', async () => {
  const inbox = open({ connectionString: server.connectionString, schema })
  const other = open({ connectionString: server.connectionString, schema })
  await Promise.all([inbox.ready(), other.ready()])
  await pool.query('CREATE TABLE written (part BIGINT)')
  await onEachPart('INSERT INTO written VALUES (NEW.part);')
  const accepted = await Promise.all([1, 2, 1, 1].map((number) => inbox.accept(order(number), LARGE)))
  expect(accepted.map(({ result }) => result)).toEqual(['queued', 'queued', 'duplicate', 'duplicate'])
  for (const one of [inbox, other]) expect((await one.accept(order(1), LARGE)).result).toBe('duplicate')
  expect(await countOf('written')).toBe(2 * PARTS)
  expect(await countOf('uploads')).toBe(0)
})

test('a large body that arrives again while it is being stored is stored if the first attempt fails', async () => {
  const inbox = open({ connectionString: server.connectionString, schema })
  await inbox.ready()
  await pool.query('CREATE SEQUENCE tries')
  await onEachPart("IF nextval('tries') = 1 THEN RAISE 'the disk is full'; END IF;")
  const [first, second] = await Promise.allSettled([1, 1].map((number) => inbox.accept(order(number), LARGE)))
  expect(first?.status).toBe('rejected')
  expect(second).toMatchObject({ status: 'fulfilled', value: { result: 'queued' } })
  expect((await inbox.show(order(1).id))?.bytes?.equals(LARGE)).toBe(true)
})

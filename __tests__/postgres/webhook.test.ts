/**
 * A webhook with an inbox in a real PostgreSQL: events are stored and delivered, and callbacks write in the transaction
 * of the delivery.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'pg'
import {
  createTradecloudWebhook,
  createTradecloudWorker,
  RejectEvent,
  type OrderEvent,
  type SettledRecord,
  type TradecloudWebhook,
  type TradecloudWebhookOptions,
  type TradecloudWorker,
  type WebhookContext,
} from 'tradecloud-webhook'
import { postgresInbox } from 'tradecloud-webhook/postgres'
import { until } from '../wait'
import { startPostgres, stopPostgresServers, type PostgresServer } from './postgres-server'

let postgres: PostgresServer
let schemas = 0
const closers: Array<() => Promise<unknown>> = []

beforeAll(async () => {
  postgres = await startPostgres()
  await postgres.query('CREATE TABLE written (delivery UUID PRIMARY KEY, version INTEGER)')
})

beforeEach(() => postgres.query('TRUNCATE written'))

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

afterAll(stopPostgresServers)

interface Running {
  schema: string
  pool: Pool
  settled: SettledRecord[]
  post: (version: number) => Promise<{ status: number; outcome: string }>
}

async function start(options: Partial<TradecloudWebhookOptions>): Promise<Running> {
  const schema = `webhook_${++schemas}`
  const pool = new Pool({ connectionString: postgres.connectionString, max: 10 })
  const settled: SettledRecord[] = []
  const webhook: TradecloudWebhook = createTradecloudWebhook({
    auth: { type: 'bearer', token: 'secret' },
    logger: { warn: () => undefined, error: () => undefined },
    ...options,
    inbox: postgresInbox({ pool, schema }),
    delivery: options.delivery && {
      retry: { minDelayMs: 10, maxDelayMs: 20 },
      onSettled: (record) => void settled.push(record),
      ...options.delivery,
    },
  })
  await webhook.ready()
  const server: Server = createServer(webhook.listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    await webhook.close({ timeoutMs: 1_000 })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await pool.end()
  })
  const { port } = server.address() as AddressInfo
  const post = async (version: number) => {
    const response = await fetch(`http://127.0.0.1:${port}/order`, {
      method: 'POST',
      headers: { Authorization: 'Bearer secret', 'Content-Type': 'application/json' },
      body: JSON.stringify({
        eventName: 'OrderIssuedByBuyer',
        orderEvent: { orderId: 'PO-1', version, lines: [], meta: { messageId: randomUUID() } },
      }),
    })
    const { outcome, code } = (await response.json()) as { outcome?: string; code?: string }
    return { status: response.status, outcome: outcome ?? code ?? '' }
  }
  return { schema, pool, settled, post }
}

/** Writes with the client of the transaction that also settles the event. */
async function write({ version }: OrderEvent, { transaction, deliveryId }: WebhookContext): Promise<void> {
  if (!transaction) throw new Error('there is no transaction')
  await transaction.query('INSERT INTO public.written VALUES ($1, $2)', [deliveryId, version])
}

const written = async () => (await postgres.query<{ version: number }>('SELECT version FROM written ORDER BY 1')).rows

test('what a callback writes with its transaction is committed once, together with the delivery', async () => {
  let failures = 3
  const { post, settled } = await start({
    delivery: { transaction: true },
    onOrder: async (event, context) => {
      await write(event, context)
      // The row that was written above is rolled back.
      if (failures-- > 0) throw new Error('the ERP system is down')
    },
  })
  expect(await post(1)).toEqual({ status: 202, outcome: 'queued' })
  await until(() => settled.some(({ result }) => result === 'delivered'))
  expect(settled.map(({ result, attempt, noted }) => `${result} ${attempt} ${noted}`)).toEqual([
    'retry 1 true',
    'retry 2 true',
    'retry 3 true',
    'delivered 4 true',
  ])
  expect(await written()).toEqual([{ version: 1 }])
})

test('a rejected event is dead, nothing that it wrote is kept, and its order goes on', async () => {
  const { post, settled } = await start({
    delivery: { transaction: true },
    onOrder: async (event, context) => {
      await write(event, context)
      if (event.version === 1) throw new RejectEvent('unknown company')
    },
  })
  await post(1)
  await post(2)
  await until(() => settled.length === 2)
  expect(settled.map(({ result, outcome }) => `${result} ${outcome}`)).toEqual(['dead rejected', 'delivered delivered'])
  expect(await written()).toEqual([{ version: 2 }])
})

test('a transaction that the database ends is tried again, with the reason', async () => {
  let cuts = 1
  const { post, settled } = await start({
    delivery: { transaction: true },
    onOrder: async (event, context) => {
      await write(event, context)
      if (cuts-- > 0) {
        const { rows } = await context.transaction!.query('SELECT pg_backend_pid() AS pid')
        await postgres.query(`SELECT pg_terminate_backend(${String(rows[0]?.pid)})`)
      }
    },
  })
  await post(1)
  await until(() => settled.some(({ result }) => result === 'delivered'))
  expect(settled[0]).toMatchObject({ result: 'retry', outcome: 'unavailable', attempt: 1 })
  expect(await written()).toEqual([{ version: 1 }])
})

test('receivers that store and workers that deliver share a schema', async () => {
  const { post, schema } = await start({ deliver: false, delivery: undefined })
  const versions: Array<number | undefined> = []
  const workers: TradecloudWorker[] = [1, 2].map(() =>
    createTradecloudWorker({
      inbox: postgresInbox({ connectionString: postgres.connectionString, schema }),
      onOrder: ({ version }) => void versions.push(version),
      logger: { warn: () => undefined, error: () => undefined },
    }),
  )
  for (const worker of workers) closers.push(() => worker.close())
  await Promise.all(workers.map((worker) => worker.ready()))
  for (let version = 1; version <= 30; version++) await post(version)
  await until(() => versions.length === 30)
  expect(versions).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
})

test('while the server is away the answer is 503, and what was stored is delivered afterwards', async () => {
  const versions: Array<number | undefined> = []
  const { post } = await start({ delivery: {}, onOrder: ({ version }) => void versions.push(version) })
  await post(1)
  await until(() => versions.length === 1)
  await postgres.kill()
  expect(await post(2)).toEqual({ status: 503, outcome: 'unavailable' })
  await postgres.restart()
  await until(async () => (await post(3)).status === 202)
  await until(() => versions.includes(3))
  expect(versions).toEqual([1, 3])
})

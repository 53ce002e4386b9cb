/** `examples/postgres.ts`, which writes orders into PostgreSQL, behind a real webhook and on a real server. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Pool } from 'pg'
import {
  createTradecloudWebhook,
  type OrderEvent,
  type TradecloudWebhook,
  type TradecloudWebhookError,
  type WebhookContext,
} from 'tradecloud-webhook'
import { createPool, isPermanent, writeOrder } from '../../examples/postgres'
import { startPostgres, stopPostgresServers, type PostgresServer } from './postgres-server'

const ORDER = 'cb0cef0b-6538-4828-b45e-5ad8ea69b5cd-PO1'
const LINE = `${ORDER}-10`
const TABLES = readFileSync(join(__dirname, '../../examples/postgres.sql'), 'utf8')

let postgres: PostgresServer
let pool: Pool
let webhook: TradecloudWebhook
let server: Server
let errors: TradecloudWebhookError[]

beforeAll(async () => {
  postgres = await startPostgres({ fsync: 'off' })
  pool = createPool(postgres.connectionString)
  webhook = createTradecloudWebhook({
    auth: { type: 'bearer', token: 'secret' },
    onOrder: (event, context) => writeOrder(pool, event, context),
    onError: (error) => void errors.push(error),
    logger: { warn: () => undefined, error: () => undefined },
  })
  server = createServer(webhook.listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  await webhook.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await pool.end()
  await stopPostgresServers()
})

beforeEach(async () => {
  errors = []
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  await pool.query(TABLES)
})

const minute = (n: number) => `2025-04-23T10:${String(n).padStart(2, '0')}:00.000Z`

/** The body of an order event with one line. `at` is the minute of the change. */
function bodyOf(at: number | undefined, line: object = {}, order: object = {}): object {
  return {
    eventName: 'OrderLinesAcceptedBySupplier',
    orderEvent: {
      orderId: ORDER,
      buyerOrder: { purchaseOrderNumber: 'PO1' },
      status: { processStatus: 'Confirmed' },
      ...(at === undefined ? {} : { lastUpdatedAt: minute(at) }),
      lines: [{ id: LINE, buyerLine: { position: '10' }, status: { processStatus: 'Confirmed' }, ...line }],
      ...order,
    },
    meta: { messageId: randomUUID() },
  }
}

async function post(body: object): Promise<number> {
  const { port } = server.address() as AddressInfo
  const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer secret' }
  const response = await fetch(`http://127.0.0.1:${port}/order`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response.status
}

/** Calls the example as a webhook would. */
function write(body: object, context: Partial<WebhookContext> = {}): Promise<void> {
  const { eventName, orderEvent } = body as {
    eventName: string
    orderEvent: { orderId: string; lastUpdatedAt?: string }
  }
  const { orderId, lastUpdatedAt } = orderEvent
  const event = { kind: 'order', eventName, orderId, lastUpdatedAt, completeness: 'affected-lines', order: orderEvent }
  const given = { deliveryId: randomUUID(), replay: false, ...context }
  return writeOrder(pool, event as unknown as OrderEvent, given as WebhookContext)
}

const rowsOf = async (sql: string) => (await pool.query<Record<string, unknown>>(sql)).rows
const order = async () => (await rowsOf('SELECT number, status, updated_at FROM orders'))[0]
const line = async (id = LINE) =>
  (
    await pool.query<Record<string, unknown>>('SELECT position, status, updated_at FROM order_lines WHERE id = $1', [
      id,
    ])
  ).rows[0]
const deliveries = async () => (await rowsOf('SELECT id FROM deliveries')).length

test('writes an order with its lines, and keeps those of earlier events', async () => {
  expect(await post(bodyOf(1, { lastUpdatedAt: minute(1) }))).toBe(200)
  expect(await post(bodyOf(2, { id: `${ORDER}-20`, buyerLine: { position: '20' } }))).toBe(200)
  expect(await order()).toEqual({ number: 'PO1', status: 'Confirmed', updated_at: new Date(minute(2)) })
  expect(await line()).toEqual({ position: '10', status: 'Confirmed', updated_at: new Date(minute(1)) })
  expect(await line(`${ORDER}-20`)).toMatchObject({ position: '20' })
  expect(await deliveries()).toBe(2)
})

test('writes the same delivery once; a replay and a resend write again', async () => {
  const body = bodyOf(1)
  const deliveryId = randomUUID()
  const undo = () => pool.query("UPDATE order_lines SET status = 'undone'")
  await write(body, { deliveryId })
  await undo()
  await write(body, { deliveryId, attempt: 2 })
  expect(await line()).toMatchObject({ status: 'undone' })
  await write(body, { deliveryId, replay: true })
  expect(await line()).toMatchObject({ status: 'Confirmed' })
  await undo()
  // When a person sends the order again, the new event has a delivery ID of its own.
  await write({ ...body, eventName: 'OrderResentByBuyer' })
  expect(await line()).toMatchObject({ status: 'Confirmed' })
  expect(await deliveries()).toBe(2)
})

test('an older event changes neither the order nor a line', async () => {
  await post(bodyOf(5, { lastUpdatedAt: minute(5) }))
  expect(await post(bodyOf(3, { lastUpdatedAt: minute(3), status: { processStatus: 'Issued' } }))).toBe(200)
  expect(await line()).toMatchObject({ status: 'Confirmed', updated_at: new Date(minute(5)) })
  expect(await order()).toMatchObject({ updated_at: new Date(minute(5)) })
})

test.each([undefined, null, ''])('a line whose own time is %p is as old as its event', async (lastUpdatedAt) => {
  await post(bodyOf(5, { lastUpdatedAt: minute(5) }))
  await post(bodyOf(3, { lastUpdatedAt, status: { processStatus: 'Issued' } }))
  expect(await line()).toMatchObject({ status: 'Confirmed', updated_at: new Date(minute(5)) })
  await post(bodyOf(7, { lastUpdatedAt, status: { processStatus: 'Completed' } }))
  expect(await line()).toMatchObject({ status: 'Completed', updated_at: new Date(minute(7)) })
})

test('an event without any time is written, and the times stay', async () => {
  await post(bodyOf(5))
  await post(bodyOf(undefined, { status: { processStatus: 'Completed' } }))
  expect(await line()).toMatchObject({ status: 'Completed', updated_at: new Date(minute(5)) })
  expect(await order()).toMatchObject({ updated_at: new Date(minute(5)) })
})

test.each([undefined, null, ''])('a field that is %p keeps its value', async (absent) => {
  await post(bodyOf(1))
  const line2 = { buyerLine: { position: absent }, status: { processStatus: absent } }
  const order2 = { buyerOrder: { purchaseOrderNumber: absent }, status: { processStatus: absent } }
  expect(await post(bodyOf(2, line2, order2))).toBe(200)
  expect(await order()).toEqual({ number: 'PO1', status: 'Confirmed', updated_at: new Date(minute(2)) })
  expect(await line()).toEqual({ position: '10', status: 'Confirmed', updated_at: new Date(minute(2)) })
})

test('whole parts may be missing or null', async () => {
  await post(bodyOf(1))
  expect(await post(bodyOf(2, { buyerLine: null, status: null }, { buyerOrder: null, status: null }))).toBe(200)
  expect(await post(bodyOf(3, {}, { lines: null }))).toBe(200)
  expect(await line()).toMatchObject({ position: '10', status: 'Confirmed' })
})

test.each<[string, object, string]>([
  ['no line ID', { id: undefined }, '23502'],
  ['a line ID that is null', { id: null }, '23502'],
  ['an empty line ID', { id: '' }, '23502'],
  ['a NUL in a text', { buyerLine: { position: '1\0' } }, '22021'],
  ['a date that does not exist', { lastUpdatedAt: '2025-02-30T10:00:00Z' }, '22008'],
  ['a time that is none', { lastUpdatedAt: 'yesterday evening' }, '22007'],
])('%s is refused once, with nothing written, and the next event is', async (_what, part, code) => {
  const good = { id: `${ORDER}-20` }
  expect(await post(bodyOf(1, {}, { lines: [good, { id: LINE, ...part }] }))).toBe(422)
  expect(errors).toMatchObject([{ code: 'rejected', cause: { name: 'RejectEvent', cause: { code } } }])
  expect([await deliveries(), await order(), await line(`${ORDER}-20`)]).toEqual([0, undefined, undefined])
  expect(await post(bodyOf(2))).toBe(200)
})

test('a check of the database that refuses is final', async () => {
  await pool.query("ALTER TABLE order_lines ADD CHECK (status <> 'Rejected')")
  expect(await post(bodyOf(1, { status: { processStatus: 'Rejected' } }))).toBe(422)
})

test('a line whose parent row arrives later is written once it is there', async () => {
  await pool.query('CREATE TABLE positions (position text PRIMARY KEY)')
  await pool.query('ALTER TABLE order_lines ADD FOREIGN KEY (position) REFERENCES positions')
  const body = bodyOf(1)
  expect(await post(body)).toBe(503)
  expect(errors).toMatchObject([{ code: 'handler_failed', cause: { code: '23503' } }])
  await pool.query("INSERT INTO positions VALUES ('10')")
  expect(await post(body)).toBe(200)
  expect(await line()).toMatchObject({ position: '10' })
})

test.each<[string, boolean]>([
  ['22001', true],
  ['22P02', true],
  ['23502', true],
  ['23514', true],
  ['23503', false],
  ['23505', false],
  ['23P01', false],
  ['40001', false],
  ['40P01', false],
  ['42P01', false],
  ['53300', false],
  ['57014', false],
])('isPermanent: %s is %s', async (code, expected) => {
  const error: unknown = await pool.query(`DO $$ BEGIN RAISE 'failed' USING ERRCODE = '${code}'; END $$`).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code })
  expect(isPermanent(error)).toBe(expected)
})

test.each([undefined, null, 'text', new Error('x'), { code: 22001 }, { code: 'ECONNREFUSED' }, { code: '220010' }])(
  'isPermanent: %p is not',
  (error) => expect(isPermanent(error)).toBe(false),
)

test('without fetched orders, a GET trigger is kept until the option `api` is set', async () => {
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/order/${ORDER}`
  const { status } = await fetch(url, { headers: { Authorization: 'Bearer secret' } })
  expect(status).toBe(503)
})

test('a server that is killed in the middle costs nothing: 503, then the same event is written once', async () => {
  const body = bodyOf(1)
  // Another session locks the table, so that the event has to wait in the middle of its transaction.
  const holder = await pool.connect()
  await holder.query('BEGIN')
  await holder.query('LOCK TABLE order_lines')
  const idle = await pool.connect()
  idle.release()
  const posted = post(body)
  for (;;) {
    const { rowCount } = await pool.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    if (rowCount === 1) break
  }
  await postgres.kill()
  expect(await posted).toBe(503)
  holder.release(true)
  expect(await post(body)).toBe(503)
  await postgres.restart()
  expect([await deliveries(), await order()]).toEqual([0, undefined])
  expect(await post(body)).toBe(200)
  expect(await line()).toMatchObject({ position: '10' })
})

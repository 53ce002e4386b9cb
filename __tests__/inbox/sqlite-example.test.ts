/** examples/sqlite.ts, which writes orders into SQLite, behind a real webhook. */
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTradecloudWebhook,
  type OrderEvent,
  type TradecloudWebhook,
  type WebhookContext,
} from 'tradecloud-webhook'
import { openDatabase, writeOrder } from '../../examples/sqlite'

const ORDER = 'company-PO1'
const LINE = `${ORDER}-10`

let folder: string
let db: DatabaseSyncInstance
let webhook: TradecloudWebhook
let server: Server
let context: WebhookContext | undefined
let event: OrderEvent | undefined

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-example-'))
  db = openDatabase(join(folder, 'orders.db'))
  webhook = createTradecloudWebhook({
    auth: { type: 'bearer', token: 'secret' },
    onOrder: (...given) => {
      ;[event, context] = given
      writeOrder(db, ...given)
    },
    logger: { warn: () => undefined, error: () => undefined },
  })
  server = createServer(webhook.listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
})

afterEach(async () => {
  await webhook.close()
  server.closeAllConnections()
  server.close()
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The body of an event that was last updated at this minute, with the line `LINE` and the lines of `more`. */
function bodyOf(minute: number, line: object = {}, more: object[] = []): object {
  const lastUpdatedAt = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
  const status = { processStatus: 'Confirmed' }
  const lines = [{ id: LINE, buyerLine: { position: '10' }, status, ...line }, ...more]
  const orderEvent = { orderId: ORDER, buyerOrder: { purchaseOrderNumber: 'PO1' }, status, lastUpdatedAt, lines }
  return { eventName: 'OrderLinesAcceptedBySupplier', orderEvent, meta: { messageId: randomUUID() } }
}

async function post(body: object): Promise<number> {
  const { port } = server.address() as AddressInfo
  const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer secret' }
  const url = `http://127.0.0.1:${port}/order`
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status
}

const all = (sql: string): unknown[] => db.prepare(sql).all()
const lines = (): unknown[] => all('SELECT id, position, status FROM order_lines ORDER BY id')

test('writes an order with its lines, and keeps those of earlier events', async () => {
  expect(await post(bodyOf(1))).toBe(200)
  expect(await post(bodyOf(2, { id: `${ORDER}-20`, buyerLine: { position: '20' } }))).toBe(200)
  expect(all('SELECT * FROM orders')).toEqual([
    { id: ORDER, number: 'PO1', status: 'Confirmed', updated_at: '2026-01-01T00:02:00.000Z' },
  ])
  expect(lines()).toEqual([
    { id: LINE, position: '10', status: 'Confirmed' },
    { id: `${ORDER}-20`, position: '20', status: 'Confirmed' },
  ])
})

test('an older event changes nothing, and a field that is missing, null or empty keeps its value', async () => {
  await post(bodyOf(5, { lastUpdatedAt: '2026-01-01T01:05:00+01:00' }))
  await post(bodyOf(3, { status: { processStatus: 'Issued' } }))
  expect(lines()).toEqual([{ id: LINE, position: '10', status: 'Confirmed' }])
  for (const absent of [undefined, null, '']) await post(bodyOf(6, { status: { processStatus: absent } }))
  expect(lines()).toEqual([{ id: LINE, position: '10', status: 'Confirmed' }])
  // A number is stored, although the schema requires text.
  expect(await post(bodyOf(7, { buyerLine: { position: 11 }, status: { processStatus: 'Issued' } }))).toBe(200)
  expect(lines()).toEqual([{ id: LINE, position: '11', status: 'Issued' }])
})

test('writes the same delivery once; a replay writes again', async () => {
  await post(bodyOf(1))
  db.exec("UPDATE order_lines SET status = 'undone'")
  writeOrder(db, event!, context!)
  expect(lines()).toMatchObject([{ status: 'undone' }])
  writeOrder(db, event!, { ...context!, replay: true })
  expect(lines()).toMatchObject([{ status: 'Confirmed' }])
})

test('what the database would refuse again is refused as a whole, also a line without an ID', async () => {
  expect(await post(bodyOf(1, {}, [{ buyerLine: { position: '20' } }]))).toBe(422)
  expect([all('SELECT * FROM orders'), all('SELECT * FROM deliveries'), lines()]).toEqual([[], [], []])
})

test('while another process holds the database, the event is kept, and written later', async () => {
  const other = openDatabase(join(folder, 'orders.db'))
  other.exec('BEGIN IMMEDIATE')
  db.exec('PRAGMA busy_timeout = 0')
  const body = bodyOf(1)
  expect(await post(body)).toBe(503)
  other.exec('COMMIT')
  other.close()
  expect(await post(body)).toBe(200)
  expect(lines()).toHaveLength(1)
})

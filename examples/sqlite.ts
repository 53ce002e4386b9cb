// @photostructure/sqlite has the same interface as node:sqlite, which Node 20 does not have.
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { RejectEvent, type OrderEvent, type WebhookContext } from 'tradecloud-webhook'

const TABLES = `
  CREATE TABLE IF NOT EXISTS deliveries (id TEXT NOT NULL PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS orders (id TEXT NOT NULL PRIMARY KEY, number TEXT, status TEXT, updated_at TEXT);
  CREATE TABLE IF NOT EXISTS order_lines (
    id TEXT NOT NULL PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders, position TEXT, status TEXT, updated_at TEXT
  )`

export function openDatabase(file: string): DatabaseSyncInstance {
  const db = new DatabaseSync(file)
  // Several processes may write; each waits up to 5 s until the others have finished.
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL')
  db.exec(TABLES)
  return db
}

/** Writes an order in one transaction: `onOrder: (event, context) => writeOrder(db, event, context)`. */
export function writeOrder(db: DatabaseSyncInstance, event: OrderEvent, context: WebhookContext): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    upsertOrder(db, event, context)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    if (isPermanent(error)) throw new RejectEvent(`the database refuses it: ${String(error)}`, { cause: error })
    throw error // the event is delivered again
  }
}

function upsertOrder(db: DatabaseSyncInstance, event: OrderEvent, context: WebhookContext): void {
  if (event.completeness === 'id-only') throw new Error('set the option `api` to fetch orders')
  // If the delivery ID exists, the order was already written, in the same transaction as the ID. A replay writes it
  // again.
  const first = db.prepare('INSERT INTO deliveries (id) VALUES (?) ON CONFLICT DO NOTHING').run(context.deliveryId)
  if (first.changes === 0 && !context.replay) return

  // An older event replaces no newer value. If a field is missing or empty, the stored value stays.
  const { order, orderId, lastUpdatedAt } = event
  db.prepare(
    `INSERT INTO orders AS o (id, number, status, updated_at) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (id) DO UPDATE SET number = COALESCE(?2, o.number), status = COALESCE(?3, o.status),
       updated_at = COALESCE(?4, o.updated_at)
     WHERE o.updated_at IS NULL OR ?4 IS NULL OR o.updated_at <= ?4`,
  ).run(orderId, text(order.buyerOrder?.purchaseOrderNumber), text(order.status?.processStatus), time(lastUpdatedAt))
  // Writes only the lines of the event. Other lines have not changed, so never delete them.
  for (const { id, buyerLine, status, lastUpdatedAt: ownTime } of order.lines ?? [])
    db.prepare(
      `INSERT INTO order_lines AS l (id, order_id, position, status, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (id) DO UPDATE SET position = COALESCE(?3, l.position), status = COALESCE(?4, l.status),
         updated_at = COALESCE(?5, l.updated_at)
       WHERE l.updated_at IS NULL OR ?5 IS NULL OR l.updated_at <= ?5`,
      // If a line has no time, the time of the event applies.
    ).run(
      text(id),
      orderId,
      text(buyerLine?.position),
      text(status?.processStatus),
      time(ownTime) ?? time(lastUpdatedAt),
    )
}

/**
 * Returns a text, or NULL for a value that is missing, null or empty. A value that is not a text, although the schema
 * requires one, becomes JSON.
 */
function text(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Returns the time in UTC, so that times sort correctly as texts. A value that is not a time counts as missing. */
function time(value: unknown): string | null {
  const date = new Date(text(value) ?? NaN)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** True if the database would refuse the same values again: SQLITE_CONSTRAINT_NOTNULL and _CHECK. */
function isPermanent(error: unknown): boolean {
  const code: unknown = (error as { errcode?: unknown } | null | undefined)?.errcode
  return code === 1299 || code === 275
}

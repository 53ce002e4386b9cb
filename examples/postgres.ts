import { Pool, type PoolClient } from 'pg'
import { RejectEvent, type OrderEvent, type WebhookContext } from 'tradecloud-webhook'

export function createPool(connectionString: string | undefined): Pool {
  const pool = new Pool({ connectionString, connectionTimeoutMillis: 5_000, statement_timeout: 20_000 })
  // Without a listener, a lost connection would end the process. The running query rejects in any case.
  const ignore = () => undefined
  return pool.on('error', ignore).on('connect', (db) => db.on('error', ignore))
}

/** Writes an order in one transaction: `onOrder: (event, context) => writeOrder(pool, event, context)`. */
export async function writeOrder(pool: Pool, event: OrderEvent, context: WebhookContext): Promise<void> {
  const db = await pool.connect()
  let broken = false
  try {
    await db.query('BEGIN')
    await upsertOrder(db, event, context)
    await db.query('COMMIT')
  } catch (error) {
    await db.query('ROLLBACK').catch(() => (broken = true))
    if (isPermanent(error)) throw new RejectEvent(`the database refuses it: ${String(error)}`, { cause: error })
    throw error // the event is delivered again
  } finally {
    db.release(broken)
  }
}

async function upsertOrder(db: PoolClient, event: OrderEvent, context: WebhookContext): Promise<void> {
  if (event.completeness === 'id-only') throw new Error('set the option `api` to fetch orders')
  // If the delivery ID exists, the order was already written, in the same transaction as the ID. A replay writes it
  // again.
  const first = await db.query('INSERT INTO deliveries (id) VALUES ($1) ON CONFLICT DO NOTHING', [context.deliveryId])
  if (first.rowCount === 0 && !context.replay) return

  // An older event replaces no newer value. If a field is missing or empty, the stored value stays.
  const { order, orderId, lastUpdatedAt } = event
  const number = filled(order.buyerOrder?.purchaseOrderNumber)
  await db.query(
    `INSERT INTO orders AS o (id, number, status, updated_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (id) DO UPDATE SET number = COALESCE($2, o.number), status = COALESCE($3, o.status),
       updated_at = COALESCE($4, o.updated_at)
     WHERE o.updated_at IS NULL OR $4 IS NULL OR o.updated_at <= $4`,
    [orderId, number, filled(order.status?.processStatus), lastUpdatedAt],
  )
  // Writes only the lines of the event. Other lines have not changed, so never delete them.
  for (const line of order.lines ?? []) {
    const { id, buyerLine, status } = line
    await db.query(
      `INSERT INTO order_lines AS l (id, order_id, position, status, updated_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (id) DO UPDATE SET position = COALESCE($3, l.position), status = COALESCE($4, l.status),
         updated_at = COALESCE($5, l.updated_at)
       WHERE l.updated_at IS NULL OR $5 IS NULL OR l.updated_at <= $5`,
      // If a line has no time, the time of the event applies.
      [
        filled(id),
        orderId,
        filled(buyerLine?.position),
        filled(status?.processStatus),
        filled(line.lastUpdatedAt) ?? lastUpdatedAt,
      ],
    )
  }
}

/**
 * Turns an empty text and `null` into `undefined`, which is stored as NULL, because any field may be missing, null or
 * empty.
 */
function filled<T>(value: T): T | undefined {
  return value === '' || value === null ? undefined : value
}

/**
 * True if the database would refuse the same values again: SQLSTATE class 22 (invalid values, such as a date that does
 * not exist or a NUL in a text), 23502 (a missing value) and 23514 (a check). False for errors that may pass: 23503
 * (the row to which a value refers may arrive later), 23505 (a duplicate key) and class 40 (a rolled back transaction).
 */
export function isPermanent(error: unknown): boolean {
  const code: unknown = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^(22...|23502|23514)$/.test(code)
}

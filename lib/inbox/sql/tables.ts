/**
 * The interface between the shared SQL operations and a database, inside one transaction. Times are milliseconds since
 * 1970, except those of `monotonic`.
 */

/** Values of `events.state`. Events with a state below `DELIVERED` are in a queue. */
export const WAITING = 0
export const RUNNING = 1
export const DELIVERED = 2
export const DEAD = 3
export const QUARANTINED = 4

/** A body is stored in parts of this size. Part `n` of event `e` has the number `e * PARTS_PER_BODY + n`. */
export const PART_BYTES = 1024 * 1024
export const PARTS_PER_BODY = 65_536

export type SqlValue = string | number | null | Uint8Array
type Maybe<T> = T | Promise<T>

export interface Tables {
  /** The time at which the transaction began. */
  readonly now: number
  /** The end of a `SELECT` that locks its rows: ` FOR UPDATE`, or empty if a transaction locks the whole database. */
  readonly lock: '' | ' FOR UPDATE'
  /** The best number of rows for one INSERT statement. */
  readonly rowsAtOnce: number
  /**
   * The clock of leases, in milliseconds. SQLite: since the boot of the machine, unaffected by changes of the system's
   * time; times of different boots cannot be compared. PostgreSQL: the clock of the server.
   */
  monotonic(): { time: number; boot: string }
  /** The number for the next event, which is also its position in the queue. */
  nextNumber(): Maybe<number>
  /** Called for a freed queue whose next event is due at `due`. */
  requeued?(due: number): void
  /** Resolves with the number of changed rows. Parameters are `?`. */
  run(sql: string, ...values: SqlValue[]): Maybe<number>
  get<Row>(sql: string, ...values: SqlValue[]): Maybe<Row | undefined>
  all<Row>(sql: string, ...values: SqlValue[]): Maybe<Row[]>
}

/** Inserts rows that have the same columns. Returns the number of rows that were inserted or updated. */
export async function insert(
  tables: Tables,
  table: string,
  rows: ReadonlyArray<Record<string, SqlValue>>,
  onConflict = '',
): Promise<number> {
  let count = 0
  const columns = Object.keys(rows[0] ?? {})
  const places = `(${columns.map(() => '?').join(', ')})`
  for (let at = 0; at < rows.length; at += tables.rowsAtOnce) {
    const some = rows.slice(at, at + tables.rowsAtOnce)
    count += await tables.run(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${some.map(() => places).join(', ')} ${onConflict}`,
      ...some.flatMap((row) => Object.values(row)),
    )
  }
  return count
}

/**
 * The part of `pg` that the inbox uses, and the tables of the inbox inside a transaction. The types are written here,
 * so that `@types/pg` is not needed.
 */
import type { Tables, SqlValue } from '../sql/tables'

/** A connection of a `PostgresPool`. */
export interface PostgresClient {
  query(query: {
    text: string
    values?: unknown[]
    types?: { getTypeParser: (oid: number) => (text: string) => unknown }
  }): Promise<{ rows: unknown[]; rowCount: number | null }>
  on(event: 'notification' | 'error' | 'end', listener: (value?: unknown) => void): unknown
  /** With `true`, the connection is closed instead of returned to the pool. */
  release(destroy?: boolean): void
}

/** A `Pool` of `pg` 8. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  end(): Promise<void>
  on?(event: 'error' | 'acquire', listener: (value: unknown) => void): unknown
  readonly options?: { max?: number; host?: string; port?: number; connectionString?: string }
}

const BYTEA = 17
const NUMBERS = [20, 21, 23, 26]

/** Reads 64-bit integers as numbers, because all values stored here are below 2^53. */
const types = {
  getTypeParser: (oid: number) => (text: string) =>
    NUMBERS.includes(oid) ? Number(text) : oid === BYTEA ? Buffer.from(text.slice(2), 'hex') : text,
}

export async function query<Row>(client: PostgresClient, text: string, values?: unknown[]): Promise<Row[]> {
  return (await client.query({ text, types, ...(values && { values }) })).rows as Row[]
}

/**
 * `READ COMMITTED`, because each statement must see what was committed while the previous statement waited for a lock.
 */
export const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED'

const LOCK_TIMEOUT_MS = 2_000
const IDLE_TIMEOUT_MS = 10_000

/**
 * Settings for the rest of the transaction. The time-out for idle transactions releases the locks of a frozen process.
 */
function settingsSql(schema: string, lockTimeoutMs = LOCK_TIMEOUT_MS): string {
  return `SET LOCAL search_path TO ${quoteName(schema)}; SET LOCAL lock_timeout = ${lockTimeoutMs};
    SET LOCAL idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`
}

/** The tables of the inbox, inside an open transaction. */
export class PostgresTables implements Tables {
  readonly lock = ' FOR UPDATE'
  readonly rowsAtOnce = 1_000
  /** The earliest due time of the queues that this transaction has freed. */
  lowestDue = Infinity

  private constructor(
    readonly client: PostgresClient,
    readonly now: number,
  ) {}

  /** Begins a transaction and reads the server's time in one round trip. With `hasBegun`, uses the open transaction. */
  static async begin(
    client: PostgresClient,
    schema: string,
    { lockTimeoutMs, hasBegun = false }: { lockTimeoutMs?: number | undefined; hasBegun?: boolean } = {},
  ): Promise<PostgresTables> {
    const settings = settingsSql(schema, lockTimeoutMs)
    const time = 'SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now'
    const results = await client.query({ text: `${hasBegun ? '' : `${BEGIN}; `}${settings}; ${time}`, types })
    const [row] = (results as unknown as Array<{ rows: Array<{ now: number }> }>).at(-1)?.rows ?? []
    if (!row) throw new Error('the server returned no time')
    return new PostgresTables(client, row.now)
  }

  requeued(due: number): void {
    this.lowestDue = Math.min(this.lowestDue, due)
  }

  async run(sql: string, ...values: SqlValue[]): Promise<number> {
    const { rowCount } = await this.client.query({ text: numbered(sql), values: values.map(storable) })
    return rowCount ?? 0
  }

  async get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | undefined> {
    return (await this.all<Row>(sql, ...values))[0]
  }

  all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    return query<Row>(this.client, numbered(sql), values.map(storable))
  }

  /**
   * The clock of the server, which all processes share. It may be set at any time, so code that compares its times must
   * tolerate jumps.
   */
  monotonic(): { time: number; boot: string } {
    return { time: this.now, boot: '' }
  }

  async nextNumber(): Promise<number> {
    const row = await this.get<{ number: number }>("SELECT nextval('event_numbers') AS number")
    if (!row) throw new Error('the sequence event_numbers has no value')
    return row.number
  }
}

/** Prepares a value for storing: text in PostgreSQL can contain neither NUL nor half of a surrogate pair. */
export function storable(value: SqlValue): SqlValue {
  return typeof value === 'string' ? value.replace(/[\0\p{Surrogate}]/gu, '\ufffd') : value
}

function numbered(sql: string): string {
  let count = 0
  return sql.replace(/\?/g, () => `$${++count}`)
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** One open database, with statements that are prepared once. Runs in the worker thread. */
import { ownIdentity } from '../sql/process-identity'
import type { Tables, SqlValue } from '../sql/tables'
import type { Database } from './driver'

const NUMBER = "SELECT CAST(value AS INTEGER) AS number FROM meta WHERE key = 'number'"
type Statement = ReturnType<Database['prepare']>

export class SqliteTables implements Tables {
  now = 0
  /** Rows need no lock, because a writing transaction locks the whole file. */
  readonly lock = ''
  /**
   * The number of the last event. It is written once, at the end of a transaction, because a transaction may store many
   * events.
   */
  #number: number | undefined
  /** One row per statement, because each number of rows would need a prepared statement of its own. */
  readonly rowsAtOnce = 1
  readonly #statements = new Map<string, Statement>()
  readonly #boot = ownIdentity().boot

  constructor(readonly database: Database) {}

  begin(reads: boolean): void {
    this.run(reads ? 'BEGIN' : 'BEGIN IMMEDIATE')
    this.now = Date.now()
    this.#number = undefined
  }

  commit(): void {
    if (this.#number !== undefined) this.run("UPDATE meta SET value = ? WHERE key = 'number'", this.#number)
    this.run('COMMIT')
  }

  run(sql: string, ...values: SqlValue[]): number {
    return this.#prepare(sql).run(...values).changes
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the row that the statement selects
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined
  }

  all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[]
  }

  /** The monotonic clock, which is the same for all processes on the machine. */
  monotonic(): { time: number; boot: string } {
    return { time: Math.floor(Number(process.hrtime.bigint()) / 1e6), boot: this.#boot }
  }

  nextNumber(): number {
    this.#number ??= this.get<{ number: number }>(NUMBER)?.number
    if (this.#number === undefined) throw new Error('the table meta has no number')
    return ++this.#number
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.database.prepare(sql)))
    return statement
  }
}

/** One open database: statements that are prepared once. Runs in the worker thread. */
import type { Tables, Value } from '../sql/tables'
import type { Database } from './driver'

type Statement = ReturnType<Database['prepare']>

export class SqliteTables implements Tables {
  now = 0
  /** A transaction that writes has locked the whole file. */
  readonly lock = ''
  readonly #statements = new Map<string, Statement>()

  constructor(readonly database: Database) {}

  begin(reads: boolean): void {
    this.run(reads ? 'BEGIN' : 'BEGIN IMMEDIATE')
    this.now = Date.now()
  }

  run(sql: string, ...values: Value[]): number {
    return this.#prepare(sql).run(...values).changes
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the row that the statement selects
  get<Row>(sql: string, ...values: Value[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[]
  }

  nextNumber(): number {
    const row = this.get<{ seq: number }>(
      "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'events' RETURNING seq",
    )
    if (!row) throw new Error('the table events has no sequence')
    return row.seq
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.database.prepare(sql)))
    return statement
  }
}

/**
 * The ledger has one line for each step of a call of the callback, and one for each error line of the logger. Each
 * receiver appends a line with one synchronous write, so that the line survives a kill -9. Because of O_APPEND,
 * receivers that share a ledger do not overwrite each other's lines.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'
import type { Numbered } from './numbered-event'

/** One step of a call. `end`: it has succeeded; `fail`: it has thrown. */
export interface Step extends Numbered {
  what: 'begin' | 'end' | 'fail'
  /** Number of the process, from 1. */
  run: number
  attempt: number
  /** True if the checksum in the received event matches its content. */
  intact: boolean
  /** Time of the record, in milliseconds since 1970. */
  at: number
  /** Time of the record, on the clock of `clockMs`. */
  clock: number
}

/** An error line of the webhook's logger. */
export interface Alarm {
  what: 'alarm'
  run: number
  line: string
  /** Time of the record, in milliseconds since 1970. */
  at: number
}

/** A clock in milliseconds that all processes of the machine share and that no one can set. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export class LedgerWriter {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  /** Writes a line. The kernel has the line when this function returns, so that it survives a kill of this process. */
  write(record: Step | Alarm): void {
    writeSync(this.#file, `${JSON.stringify(record)}\n`)
  }
}

export interface Ledger {
  steps: Step[]
  alarms: Alarm[]
}

export function readLedger(path: string): Ledger {
  const records = readFileSync(path, 'utf8')
    .split('\n')
    // Drops the text after the last line break: it is empty or an incomplete line.
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Step | Alarm)
  return {
    steps: records.filter((record) => record.what !== 'alarm'),
    alarms: records.filter((record) => record.what === 'alarm'),
  }
}

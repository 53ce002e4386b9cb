/**
 * The worker thread, the only place that opens the database. Requests that arrive together share one transaction. The
 * main thread flushes the write-ahead log before it relies on a result.
 */
import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { READS, runOperation, STORES, type Argument, type Operation } from '../sql/operations'
import { sumOf } from '../sql/prune'
import { Room, sizeOf } from '../sql/room'
import { setAside } from '../sql/take'
import { closeTables, isMarked, mark, openTables } from './open'
import {
  BUSY,
  CORRUPT,
  GATE,
  OPENED,
  SUSPECT,
  type Control,
  type Posted,
  type Request,
  type Response,
  type WorkerOptions,
} from './protocol'
import { isSuspect, repair } from './repair'
import { copyTo, takeOver } from './rescue'
import type { SqliteTables } from './tables'
import { startInterval } from '../../wait/timers'

/** Maximum number of requests in a batch. The limit allows one batch to be flushed while the next one runs. */
const AT_ONCE = 32
const CHECK_CHANGES_MS = 250
const MAX_LOG_BYTES = 48 * 1024 * 1024
/**
 * How many parts of large bodies are stored between two checkpoints: the duration of the last checkpoint divided by
 * `msPerPart`, within `least` and `most`. The slower a disk flushes, the fewer checkpoints are made.
 */
const PARTS_PER_CHECKPOINT = { least: 2, most: 16, msPerPart: 10 }

function createControls(tables: SqliteTables, file: string, flags: Int32Array, keepMark: boolean) {
  return {
    repair: () => repair(tables, file),
    copyTo: (path: string) => copyTo(tables, path),
    takeOver: (path: string) => takeOver(tables, path),
    close: () => {
      closeTables(tables, keepMark)
      Atomics.store(flags, GATE.open, 0)
      Atomics.notify(flags, GATE.open)
      // Closing the port ends the thread, because nothing else keeps it alive.
      setImmediate(() => parentPort?.close())
    },
  } satisfies Record<Control, unknown>
}

/** Runs batches of requests one after another. Each batch has a transaction of its own. */
class Loop {
  readonly #tables: SqliteTables
  readonly #options: WorkerOptions
  readonly #flags: Int32Array
  readonly #controls: ReturnType<typeof createControls>
  readonly #room: Room
  readonly #waiting: Request[] = []
  #running = false
  #closed = false
  #version: number | undefined
  #partsToCheckpoint = 1

  constructor(tables: SqliteTables, options: WorkerOptions, keepMark: boolean) {
    this.#tables = tables
    this.#options = options
    this.#flags = new Int32Array(options.gate)
    this.#room = new Room(options.maxBytes)
    this.#controls = createControls(tables, options.file, this.#flags, keepMark)
    this.checkChanges()
  }

  add(requests: Request[]): void {
    this.#waiting.push(...requests)
    this.#schedule()
  }

  /** Notifies the main thread when another process has committed something. */
  checkChanges(): void {
    if (this.#closed || this.#running) return
    try {
      const row = this.#tables.get<{ data_version: number }>('PRAGMA data_version')
      const before = this.#version
      this.#version = row?.data_version
      if (before === undefined || this.#version === before) return
      post({ changed: true })
      // Restores the mark, which another process removes when it closes the file.
      if (this.#options.create && !isMarked(this.#tables)) mark(this.#tables, this.#options.file)
    } catch {
      // Ignored here: requests that need the file fail with the same cause.
    }
  }

  /**
   * Starts a batch, but first lets the thread handle all messages that have arrived, so that the batch can contain
   * their requests.
   */
  #schedule(): void {
    if (this.#running || this.#waiting.length === 0) return
    this.#running = true
    setImmediate(() => void this.#runBatch())
  }

  async #runBatch(): Promise<void> {
    let batch: Request[]
    if (Atomics.load(this.#flags, GATE.stop) === 0) batch = this.#nextBatch()
    // The process is about to exit, and waits for nothing but the closing of the file.
    else batch = this.#waiting.filter(({ call }) => call === 'close')
    const [first] = batch
    if (first) post({ results: this.#isControl(first) ? [await this.#runControl(first)] : await this.#transact(batch) })
    this.#running = false
    if (!this.#closed) this.#schedule()
  }

  #nextBatch(): Request[] {
    const end = this.#waiting.findIndex((request) => this.#isControl(request))
    return this.#waiting.splice(0, end < 0 ? AT_ONCE : Math.min(AT_ONCE, Math.max(1, end)))
  }

  #isControl({ call }: Request): boolean {
    return Object.hasOwn(this.#controls, call)
  }

  async #runControl({ id, call, argument }: Request): Promise<Response> {
    try {
      if (call === 'close') this.#closed = true
      const value = await (this.#controls[call as Control] as (argument: unknown) => unknown)(argument)
      return { id, ok: true, value }
    } catch (error) {
      return failed(id, error)
    }
  }

  /**
   * Must wait for nothing but the database: meanwhile, other processes may be waiting for the lock of this transaction.
   */
  async #transact(batch: Request[]): Promise<Response[]> {
    const tables = this.#tables
    const results: Response[] = []
    let isRunning = false
    try {
      tables.begin(batch.every(({ call }) => READS.includes(call)))
      isRunning = true
      const suspect = isSuspect(tables)
      for (const request of batch) results.push(await this.#runOne(request, suspect))
      isRunning = false
      tables.commit()
      this.#shortenLog(batch.filter(({ call }) => call === 'writePart').length)
      return results
    } catch (error) {
      if (tables.database.isTransaction) tables.run('ROLLBACK')
      return (isRunning || codeOf(error) === CORRUPT) && codeOf(error) !== BUSY
        ? this.#transactAlone(batch, error)
        : batch.map(({ id }) => failed(id, error))
    }
  }

  /**
   * Runs the requests of a failed batch one by one, so that only the request that causes the failure fails. This is
   * rare, and cheaper than a savepoint for each request.
   */
  async #transactAlone(batch: Request[], error: unknown): Promise<Response[]> {
    const [first] = batch
    if (batch.length === 1 && first) {
      if (codeOf(error) !== CORRUPT) return [failed(first.id, error)]
      // `undefined` means that the part is missing, so that the event is quarantined.
      if (first.call === 'readPart') return [{ id: first.id, ok: true, value: undefined }]
      const { queue } = error as { queue?: number }
      if (queue === undefined || !this.#setAside(queue)) return [failed(first.id, error)]
    }
    const results: Response[] = []
    for (const request of batch) results.push(...(await this.#transact([request])))
    return results
  }

  #setAside(queue: number): boolean {
    try {
      return Number(setAside(this.#tables, queue)) > 0
    } catch {
      return false
    }
  }

  async #runOne({ id, call, argument }: Request, suspect: boolean): Promise<Response> {
    if (STORES.includes(call)) {
      if (suspect) throw new Error(SUSPECT)
      await this.#room.take(sizeOf(argument), () => sumOf(this.#tables, 'state < 2'))
    }
    return { id, ok: true, value: await runOperation(this.#tables, call as Operation, argument as Argument<Operation>) }
  }

  /**
   * Truncates the log once it has reached `MAX_LOG_BYTES`: SQLite's own checkpoints do not restart the log while other
   * processes write constantly. While a large body is stored, also copies the log into the file after every few parts:
   * otherwise SQLite would copy 32 MB at once, and events would wait for 30 to 200 ms.
   */
  #shortenLog(parts: number): void {
    const log = statSync(`${this.#options.file}-wal`, { throwIfNoEntry: false })
    const isLong = log !== undefined && log.size >= MAX_LOG_BYTES
    this.#partsToCheckpoint -= parts
    const isDue = parts > 0 && this.#partsToCheckpoint <= 0
    if ((!isLong && !isDue) || isSuspect(this.#tables)) return
    if (isLong) this.#tables.get('PRAGMA wal_checkpoint(TRUNCATE)')
    else this.#checkpointParts()
  }

  #checkpointParts(): void {
    const begun = performance.now()
    try {
      this.#tables.get('PRAGMA wal_checkpoint(PASSIVE)')
    } catch {
      // A failed checkpoint is harmless: the parts stay in the log, as after a failure of SQLite's own checkpoint.
    }
    const { least, most, msPerPart } = PARTS_PER_CHECKPOINT
    this.#partsToCheckpoint = Math.min(most, Math.max(least, (performance.now() - begun) / msPerPart))
  }
}

/** The primary result code. `@photostructure/sqlite` omits it if `all()` reads a damaged page. */
function codeOf(error: unknown): number | undefined {
  const { message, errcode } = error as { message: string; errcode?: number }
  // The primary code is the lowest byte of an extended code.
  if (errcode !== undefined) return errcode & 0xff
  return message === 'database disk image is malformed' ? CORRUPT : undefined
}

function failed(id: number, error: unknown): Response {
  return { id, ok: false, message: (error as Error).message, code: codeOf(error) }
}

function post(message: Posted): void {
  parentPort?.postMessage(message)
}

function main(options: WorkerOptions): void {
  const flags = new Int32Array(options.gate)
  Atomics.store(flags, GATE.open, 1)
  try {
    const { create, driver, file } = options
    const { tables, warning } = openTables(driver, file, create)
    const loop = new Loop(tables, options, !create && warning !== undefined)
    parentPort?.on('message', (requests: Request[]) => loop.add(requests))
    startInterval(() => loop.checkChanges(), CHECK_CHANGES_MS)
    post({ results: [{ id: OPENED, ok: true, value: warning }] })
  } catch (error) {
    Atomics.store(flags, GATE.open, 0)
    Atomics.notify(flags, GATE.open)
    post({ results: [failed(OPENED, error)] })
    parentPort?.close()
  }
}

main(workerData as WorkerOptions)

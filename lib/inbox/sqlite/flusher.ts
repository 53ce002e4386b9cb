/**
 * Flushes the write-ahead log to disk, and checks that the file is still the one that other processes would open. It
 * opens only the log, never the database file or its `-shm`: closing a descriptor of one of these would release the
 * locks of SQLite.
 */
import { statSync } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { within } from '../../wait/within'

/** If even the fastest of the recent flushes took longer than this, the next one waits for further requests. */
const SLOW_MS = 10
/**
 * Before a slow flush, the flusher waits for further requests. It waits for the duration of a flush divided by this
 * number. The wait doubles the rate of events that arrive over HTTP.
 */
const GATHER_PART = 20
/**
 * Number of recent flushes that are considered: a single one may only seem slow because this thread was busy when it
 * ended.
 */
const RECENT_FLUSHES = 8

interface FileIdentity {
  dev: number
  ino: number
}

interface OpenFile {
  path: string
  identity: FileIdentity
}

export class Flusher {
  readonly #log: FileHandle
  readonly #identities: readonly OpenFile[]
  readonly #written: () => Promise<unknown>
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  /** How long the last flushes took. */
  readonly #recentMs: number[] = [0]

  private constructor(log: FileHandle, identities: readonly OpenFile[], written: () => Promise<unknown>) {
    this.#log = log
    this.#identities = identities
    this.#written = written
  }

  /**
   * Called when the file is open, so that its log exists. `written` resolves once all pending writes are in the log.
   */
  static async of(file: string, written: () => Promise<unknown>): Promise<Flusher> {
    const logPath = `${file}-wal`
    const log = await open(logPath, 'r+')
    const identities = [
      { path: file, identity: statSync(file) },
      { path: logPath, identity: await log.stat() },
    ]
    return new Flusher(log, identities, written)
  }

  /** Resolves once the current content of the log is on disk. Calls made before the next flush begins share it. */
  flush(): Promise<void> {
    this.#next ??= this.#flushNext()
    return this.#next
  }

  /** Removes the log of a file that was deleted or replaced: SQLite would apply it to the new file with that name. */
  async removeLog(): Promise<void> {
    const [file, log] = this.#identities
    if (!file || !log) return
    const isOurs = ({ path, identity }: OpenFile): boolean => isSame(identity, identityAt(path))
    if (isOurs(file) || !isOurs(log)) return
    await rm(`${file.path}-shm`, { force: true })
    await rm(log.path, { force: true })
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => undefined)
    await this.#running.catch(() => undefined)
    await this.#log.close()
  }

  async #flushNext(): Promise<void> {
    await this.#running.catch(() => undefined)
    const flushMs = Math.min(...this.#recentMs)
    if (flushMs > SLOW_MS) await this.#gather(flushMs)
    this.#next = undefined
    this.#running = this.#flushNow()
    await this.#running
  }

  /**
   * Waits briefly for further requests, because a request that just misses a flush has to wait for it and for the next
   * one.
   */
  async #gather(flushMs: number): Promise<void> {
    // When events have reached the disk, their senders send the next ones. Over HTTP, these arrive one after another.
    await pause(flushMs / GATHER_PART)
    await within(flushMs / 2, this.#written(), () => undefined)
  }

  async #flushNow(): Promise<void> {
    const begun = performance.now()
    await this.#log.datasync()
    this.#recentMs.push(performance.now() - begun)
    if (this.#recentMs.length > RECENT_FLUSHES) this.#recentMs.shift()
    // The check is synchronous: it takes microseconds, while an asynchronous result would wait for its turn in a busy
    // process.
    this.#identities.forEach(checkIdentity)
  }
}

/** The file was deleted or replaced: writes still succeed, but no other process would find them. */
export class ReplacedFileError extends Error {}

function checkIdentity({ path, identity }: OpenFile): void {
  const found = identityAt(path)
  if (!isSame(identity, found))
    throw new ReplacedFileError(`${path} was ${found ? 'replaced' : 'deleted'} while it was open.`)
}

/** `undefined` if there is no such file. */
function identityAt(path: string): FileIdentity | undefined {
  try {
    return statSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function isSame(one: FileIdentity, other: FileIdentity | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino
}

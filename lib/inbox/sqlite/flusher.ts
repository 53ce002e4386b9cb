/**
 * Flushes the write-ahead log to disk, and checks that the file is still the one that other processes would open. It
 * opens only the log, never the database file or its `-shm`: closing a descriptor of these would release SQLite's
 * locks.
 */
import { statSync } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { within } from '../../wait/within'

/** If the last flush took longer than this, the next one waits for further requests. */
const SLOW_MS = 10
/**
 * A flush waits for further requests for this fraction of the last flush: a twentieth, which doubles the rate of events
 * that arrive over HTTP.
 */
const GATHER_PART = 20
/**
 * Number of flushes that are considered: a single one may only seem slow because this thread was busy when it ended.
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
  /**
   * Two flushes may run at the same time: with one, about a sixth fewer events are stored per second. Each has a
   * descriptor of its own, because the operating system reports a failed write once to each descriptor.
   */
  readonly #free: FileHandle[]
  readonly #running = new Set<Promise<void>>()
  readonly #identities: readonly OpenFile[]
  readonly #written: () => Promise<unknown>
  #next: Promise<void> | undefined
  /** How long the last flushes took. */
  readonly #recentMs: number[] = [0]

  private constructor(logs: FileHandle[], identities: readonly OpenFile[], written: () => Promise<unknown>) {
    this.#free = logs
    this.#identities = identities
    this.#written = written
  }

  /**
   * Called when the file is open, so that both files exist. `written` resolves once all pending writes are in the log.
   */
  static async of(file: string, written: () => Promise<unknown>): Promise<Flusher> {
    const logPath = `${file}-wal`
    const log = await open(logPath, 'r+')
    const identities = [
      { path: file, identity: statSync(file) },
      { path: logPath, identity: await log.stat() },
    ]
    const other = await open(logPath, 'r+').catch(async (error: unknown) => {
      await log.close()
      throw error
    })
    return new Flusher([log, other], identities, written)
  }

  /** Resolves once the current content of the log is on disk. Calls made before the next flush share that flush. */
  flush(): Promise<void> {
    this.#next ??= this.#flushNext()
    return this.#next
  }

  /** Removes the log of a file that was deleted. SQLite would apply it to the new file with the same name. */
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
    await Promise.all(this.#running)
    await Promise.all(this.#free.map((log) => log.close()))
  }

  async #flushNext(): Promise<void> {
    // Otherwise `flush` would set `#next` to a flush that has already begun.
    await Promise.resolve()
    const flushMs = Math.min(...this.#recentMs)
    if (flushMs > SLOW_MS) {
      await Promise.all(this.#running)
      await this.#gather(flushMs)
    }
    let log: FileHandle | undefined
    while (!(log = this.#free.pop())) await Promise.race(this.#running)
    this.#next = undefined
    await this.#begin(log)
  }

  #begin(log: FileHandle): Promise<void> {
    const flush = this.#flushNow(log)
    const end = flush
      .catch(() => undefined)
      .then(() => {
        this.#running.delete(end)
        this.#free.push(log)
      })
    this.#running.add(end)
    return flush
  }

  /**
   * Waits briefly for further requests, because a request that just misses a flush has to wait for it and for the next
   * one.
   */
  async #gather(flushMs: number): Promise<void> {
    // Callers whose events have just reached the disk store further ones; over HTTP, these arrive one after another.
    await pause(flushMs / GATHER_PART)
    await within(flushMs / 2, this.#written(), () => undefined)
  }

  async #flushNow(log: FileHandle): Promise<void> {
    const begun = performance.now()
    await log.datasync()
    this.#recentMs.push(performance.now() - begun)
    if (this.#recentMs.length > RECENT_FLUSHES) this.#recentMs.shift()
    // The call is synchronous: it takes microseconds, while an asynchronous result would wait for its turn in a busy
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

/**
 * Flushes the write-ahead log to disk, and checks that other processes would open the same file. It opens only the log,
 * never the database file or its `-shm`: closing a descriptor of those drops SQLite's locks.
 */
import { open, rm, stat, type FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { within } from '../../wait/within'

/** If a flush takes less time than this, events are flushed while others are stored. */
const SLOW_MS = 10

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
  #lastMs = 0

  private constructor(log: FileHandle, identities: readonly OpenFile[], written: () => Promise<unknown>) {
    this.#log = log
    this.#identities = identities
    this.#written = written
  }

  /**
   * Called when the file is open, so that both files exist. `written`: resolves once the pending writes are in the log.
   */
  static async of(file: string, written: () => Promise<unknown>): Promise<Flusher> {
    const logPath = `${file}-wal`
    const log = await open(logPath, 'r+')
    const identities = [
      { path: file, identity: await stat(file) },
      { path: logPath, identity: await log.stat() },
    ]
    return new Flusher(log, identities, written)
  }

  /** Resolves once the present content of the log is on disk. Callers before the next flush share it. */
  flush(): Promise<void> {
    this.#next ??= this.#flushNext()
    return this.#next
  }

  /** Removes the log of a deleted file. SQLite would apply it to the file that takes its place. */
  async removeLog(): Promise<void> {
    const [file, log] = this.#identities
    if (!file || !log) return
    const isOurs = (openFile: OpenFile): Promise<boolean> =>
      checkIdentity(openFile).then(
        () => true,
        () => false,
      )
    if ((await isOurs(file)) || !(await isOurs(log))) return
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
    if (this.#lastMs > SLOW_MS) await this.#gather()
    this.#next = undefined
    this.#running = this.#flushNow()
    await this.#running
  }

  /** A request that just misses a flush waits for it and for the next one. */
  async #gather(): Promise<void> {
    // Callers whose events are on disk may send others.
    await setImmediate()
    await within(this.#lastMs / 2, this.#written(), () => undefined)
  }

  async #flushNow(): Promise<void> {
    const begun = performance.now()
    await this.#log.datasync()
    this.#lastMs = performance.now() - begun
    await Promise.all(this.#identities.map(checkIdentity))
  }
}

/** A file that was deleted or replaced can still be written, but no other process would find its content. */
export class ReplacedFileError extends Error {}

async function checkIdentity({ path, identity }: OpenFile): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  })
  if (found?.dev !== identity.dev || found.ino !== identity.ino)
    throw new ReplacedFileError(`${path} was ${found ? 'replaced' : 'deleted'} while it was open.`)
}

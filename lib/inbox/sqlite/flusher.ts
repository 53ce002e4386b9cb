/**
 * Flushes the write-ahead log to disk, and makes sure that it is still the file that others would open. Only the log and
 * never the database file or its `-shm` may be opened here: closing a descriptor of those drops SQLite's locks.
 */
import { open, rm, stat, type FileHandle } from 'node:fs/promises'

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
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  private constructor(log: FileHandle, identities: readonly OpenFile[]) {
    this.#log = log
    this.#identities = identities
  }

  /** Once the file is open: both of its files are there. */
  static async of(file: string): Promise<Flusher> {
    const logPath = `${file}-wal`
    const log = await open(logPath, 'r+')
    const identities = [
      { path: file, identity: await stat(file) },
      { path: logPath, identity: await log.stat() },
    ]
    return new Flusher(log, identities)
  }

  /** Resolves once everything that is in the log now is on disk. Those who call during one flush share the next. */
  flush(): Promise<void> {
    if (!this.#running) return (this.#running = this.#flushNow())
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return (this.#running = this.#flushNow())
      })
    return this.#next
  }

  /** Removes what belongs to a file that is gone. SQLite would apply the log to the file that takes its place. */
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
    await this.#running?.catch(() => undefined)
    await this.#log.close()
  }

  async #flushNow(): Promise<void> {
    try {
      await this.#log.datasync()
      for (const openFile of this.#identities) await checkIdentity(openFile)
    } finally {
      this.#running = undefined
    }
  }
}

/** A file that was deleted or replaced can still be written to, but no other process would ever find what is in it. */
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

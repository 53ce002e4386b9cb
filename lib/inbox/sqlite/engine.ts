/** Keeps the file open: opens it on first use, reopens it after a failure, and repairs it after a failed flush. */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pause } from '../../wait/pause'
import { PATIENCE_MS, unavailable, within } from '../unavailable'
import { checkDisk } from './disk'
import { chooseDriver, type Driver } from './driver'
import { explain, isLocked } from './explain'
import { Flusher, ReplacedFileError } from './flusher'
import type { ResolvedSqliteInbox } from './options'
import type { Engine, EngineEvents } from '../sql/engine'
import { DURABLE, type Argument, type Operation, type OperationResult } from '../sql/operations'
import { SUSPECT } from './protocol'
import { Thread } from './thread'

const REPAIR_EVERY_MS = 500
const OPEN_MS = 15_000
const OPEN_EVERY_MS = 50

interface OpenDatabase {
  thread: Thread
  flusher: Flusher
}

export class SqliteEngine implements Engine {
  /** One large body at a time, because a single thread writes to the disk. */
  readonly uploads = 1
  readonly #options: ResolvedSqliteInbox
  readonly #driver: Driver
  readonly #events: EngineEvents
  #session: Promise<OpenDatabase> | undefined
  #repairing: Promise<void> | undefined
  readonly #closing = new AbortController()
  #wasOpen = false
  #replaced: OpenDatabase | undefined

  constructor(options: ResolvedSqliteInbox, events: EngineEvents) {
    this.#options = options
    this.#driver = chooseDriver()
    this.#events = events
  }

  /** Opens the file. Retries while it is locked, because another process may be creating or closing it. */
  async open(): Promise<void> {
    for (const end = performance.now() + OPEN_MS; ; await pause(OPEN_EVERY_MS, this.#closing.signal)) {
      try {
        await this.#opened()
        return
      } catch (error) {
        if (!isLocked(error) || this.#closed || performance.now() > end) throw explain(error, this.#options.file)
      }
    }
  }

  /** Rejects after a time limit; the request may be carried out later nevertheless. */
  run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<OperationResult<Name>> {
    return within(PATIENCE_MS, this.#run(name, argument), `${this.#options.file} did not respond in time.`)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closing.abort()
    await closeSession(await this.#session?.catch(() => undefined))
  }

  async #run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<OperationResult<Name>> {
    const durable = DURABLE.includes(name)
    try {
      const session = await this.#opened()
      if (durable && this.#repairing) throw new Error(SUSPECT)
      const value = (await session.thread.call(name, argument)) as OperationResult<Name>
      if (durable) await this.#flush(session)
      return value
    } catch (error) {
      if (error instanceof Error && error.message === SUSPECT) void this.#repair()
      throw explain(error, this.#options.file)
    }
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  #opened(): Promise<OpenDatabase> {
    if (this.#closed) return Promise.reject(unavailable('The inbox is closed.'))
    this.#session ??= this.#openNow().catch((error: unknown) => {
      this.#session = undefined
      throw error
    })
    return this.#session
  }

  async #openNow(): Promise<OpenDatabase> {
    const { file, create } = this.#options
    if (create) await createFolder(dirname(file))
    const doubt = await checkDisk(dirname(file))
    if (create) await createFile(file)
    const thread = new Thread({ ...this.#options, driver: this.#driver }, () => this.#events.changed())
    const warning = await thread.opened
    const session = { thread, flusher: await Flusher.of(file, () => thread.last) }
    void thread.ended.then(() => this.#forget(session))
    if (warning !== undefined) this.#events.alarm(unavailable(warning))
    if (this.#wasOpen) this.#events.reopened()
    else if (doubt !== undefined) this.#events.alarm(unavailable(doubt))
    this.#wasOpen = true
    return session
  }

  /** Forgets a thread that has ended by itself, so that the next request starts a new one. */
  async #forget(session: OpenDatabase): Promise<void> {
    const current = this.#session
    if (this.#closed || (await current?.catch(() => undefined)) !== session || this.#session !== current) return
    this.#session = undefined
    await session.flusher.close()
  }

  async #flush(session: OpenDatabase): Promise<void> {
    try {
      await session.flusher.flush()
      // During a repair, a flush counts as failed too: it does not restore what the failed flush has lost.
      if (this.#repairing) throw new Error(SUSPECT)
    } catch (error) {
      if (error instanceof ReplacedFileError) this.#reopen(session, error)
      else void this.#repair()
      throw error
    }
  }

  /**
   * After a failed flush, the log may be incomplete on disk: nothing counts as stored until the repair has copied the
   * log into the file.
   */
  #repair(): Promise<void> {
    this.#repairing ??= this.#repairNow().finally(() => (this.#repairing = undefined))
    return this.#repairing
  }

  /** Repeats until the repair succeeds, or until the inbox is closed. Never rejects. */
  async #repairNow(): Promise<void> {
    for (; !this.#closed; await pause(REPAIR_EVERY_MS, this.#closing.signal)) {
      try {
        const { thread, flusher } = await this.#opened()
        if (!(await thread.call('repair', undefined))) continue
        await flusher.flush()
        return
      } catch {
        // Until the repair succeeds, requests that store something are refused.
      }
    }
  }

  /**
   * Restores a file that was deleted. If another file has taken its place, copies the undelivered events into that file
   * instead.
   */
  #reopen(session: OpenDatabase, reason: ReplacedFileError): void {
    if (this.#replaced === session) return
    this.#replaced = session
    this.#session = this.#rescue(session, reason).catch((error: unknown) => {
      // The events exist only in the open file, so it is kept, and the next request tries again.
      this.#session = Promise.resolve(session)
      this.#replaced = undefined
      throw error
    })
    this.#session.catch(() => undefined)
  }

  async #rescue({ thread, flusher }: OpenDatabase, reason: ReplacedFileError): Promise<OpenDatabase> {
    const { file } = this.#options
    await createFolder(dirname(file))
    const copy = `${file}.rescued-${randomUUID()}`
    let session: OpenDatabase | undefined
    let isPutBack = false
    try {
      await thread.call('copyTo', copy)
      await flusher.removeLog()
      // Does not overwrite a file that another process has created meanwhile.
      isPutBack = await link(copy, file).then(
        () => true,
        () => false,
      )
      session = await this.#openNow()
      if (!isPutBack) await session.thread.call('takeOver', copy)
      await session.flusher.flush()
    } catch (error) {
      await closeSession(session)
      await rm(copy, { force: true })
      throw error
    }
    await closeSession({ thread, flusher })
    if (isPutBack) await unlink(copy)
    this.#events.alarm(
      unavailable(
        `${reason.message} ${isPutBack ? 'It was restored.' : `Its undelivered events were stored again; a copy of the whole file is ${copy}.`}`,
      ),
    )
    return session
  }
}

async function closeSession(session: OpenDatabase | undefined): Promise<void> {
  await session?.flusher.close()
  await session?.thread.close()
}

/**
 * Creates the folder. New folders are flushed together with the folder that contains them: otherwise a power cut could
 * remove them.
 */
async function createFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let path = folder; path.length >= dirname(first).length; path = dirname(path)) {
    const handle = await open(path, 'r')
    await handle.sync().finally(() => handle.close())
    if (path === dirname(path)) break
  }
}

/** Creates the file, readable only by its owner. SQLite gives the same mode to the files next to it. */
async function createFile(file: string): Promise<void> {
  try {
    await (await open(file, 'wx', 0o600)).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

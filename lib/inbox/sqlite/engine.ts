/** The open file: opened on first use, opened again after a failure, repaired after a failed flush. */
import { mkdir, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { unavailable, within } from '../deadline'
import { chooseDriver, type Driver } from './driver'
import { explain } from './explain'
import { Flusher, ReplacedFileError } from './flusher'
import type { ResolvedSqliteInbox } from './options'
import type { Engine, EngineEvents } from '../log/log-inbox'
import type { Argument, Operation, Result } from '../log/operations'
import { SUSPECT } from './protocol'
import { Thread } from './thread'

/** A request is refused after this time, so that Tradecloud is answered 503 and keeps the event. */
const PATIENCE_MS = 2_500
const LATE = 'The inbox did not respond in time.'
const REPAIR_EVERY_MS = 500
const CHECKPOINT_ABOVE = 1_000

interface Session {
  thread: Thread
  flusher: Flusher
}

export class SqliteEngine implements Engine {
  readonly #options: ResolvedSqliteInbox
  readonly #driver: Driver
  readonly #events: EngineEvents
  #session: Promise<Session> | undefined
  #repairing: Promise<void> | undefined
  #commits = 0
  #closed = false
  #wasOpen = false

  /** Throws `invalid_option` if there is no SQLite to use. */
  constructor(options: ResolvedSqliteInbox, events: EngineEvents) {
    this.#options = options
    this.#driver = chooseDriver()
    this.#events = events
  }

  async open(): Promise<void> {
    await this.#opened().catch((error: unknown) => {
      throw explain(error, this.#options.file)
    })
  }

  /** Runs one request. Rejects after a while, although the request may still be carried out. */
  run<Name extends Operation>(name: Name, argument: Argument<Name>, transfer?: ArrayBuffer[]): Promise<Result<Name>> {
    return within(PATIENCE_MS, this.#run(name, argument, false, transfer), LATE)
  }

  /** The same. Resolves only once all that was committed so far is on disk. */
  runDurably<Name extends Operation>(
    name: Name,
    argument: Argument<Name>,
    transfer?: ArrayBuffer[],
  ): Promise<Result<Name>> {
    return within(PATIENCE_MS, this.#run(name, argument, true, transfer), LATE)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const session = await this.#session?.catch(() => undefined)
    await session?.flusher.close()
    await session?.thread.close()
  }

  async #run<Name extends Operation>(
    name: Name,
    argument: Argument<Name>,
    durable: boolean,
    transfer: ArrayBuffer[] = [],
  ): Promise<Result<Name>> {
    try {
      const session = await this.#opened()
      const value = (await session.thread.call(name, argument, transfer)) as Result<Name>
      if (durable) await this.#flush(session)
      return value
    } catch (error) {
      if (error instanceof Error && error.message === SUSPECT)
        void this.#session?.then((session) => this.#repair(session))
      throw explain(error, this.#options.file)
    }
  }

  #opened(): Promise<Session> {
    if (this.#closed) return Promise.reject(unavailable('The inbox is closed.'))
    this.#session ??= this.#openNow().catch((error: unknown) => {
      this.#session = undefined
      throw error
    })
    return this.#session
  }

  async #openNow(): Promise<Session> {
    const { file } = this.#options
    await createFolder(dirname(file))
    await refuseNetworkDisk(dirname(file))
    const thread = new Thread({ ...this.#options, driver: this.#driver }, () => this.#events.changed())
    await thread.opened
    const session = { thread, flusher: await Flusher.of(file) }
    if (this.#wasOpen) this.#events.reopened()
    this.#wasOpen = true
    return session
  }

  async #flush(session: Session): Promise<void> {
    try {
      await session.flusher.flush()
    } catch (error) {
      if (error instanceof ReplacedFileError) this.#reopen(session)
      else void this.#repair(session)
      throw error
    }
    if (++this.#commits % CHECKPOINT_ABOVE === 0) await session.thread.call('checkpoint', 'PASSIVE')
  }

  /** What is in the log may never have reached the disk: nothing counts as stored until all of it is in the file. */
  #repair(session: Session): Promise<void> {
    this.#repairing ??= this.#repairNow(session).finally(() => (this.#repairing = undefined))
    return this.#repairing
  }

  async #repairNow({ thread, flusher }: Session): Promise<void> {
    await thread.call('suspect', true).catch(() => undefined)
    while (!this.#closed) {
      const done = await thread.call('checkpoint', 'TRUNCATE').catch(() => false)
      if (done) {
        await thread.call('suspect', false)
        await flusher.flush()
        return
      }
      await new Promise<void>((resolve) => setTimeout(resolve, REPAIR_EVERY_MS).unref())
    }
  }

  #reopen(session: Session): void {
    this.#session = undefined
    void session.flusher.close().then(() => session.thread.close())
  }
}

/** Folders that are created here are flushed, together with the one above: otherwise a power cut removes them. */
async function createFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let path = folder; path.length >= dirname(first).length; path = dirname(path)) {
    const handle = await open(path, 'r')
    await handle.sync().finally(() => handle.close())
    if (path === dirname(path)) break
  }
}

const NETWORK_DISKS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
])

/** Locks and flushes cannot be relied on there. */
async function refuseNetworkDisk(folder: string): Promise<void> {
  const name = NETWORK_DISKS.get((await statfs(folder)).type)
  if (name !== undefined) throw unavailable(`${folder} is on a network disk (${name}); the inbox needs a local one.`)
}

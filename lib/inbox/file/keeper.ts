/**
 * Keeps the folder: opens it, beats the heart of its lock, notices when it is gone or back, forgets keys that are old, and
 * does what the command line asks for beside the running process.
 */
import { statSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { debugDeliver } from '../../log/debug'
import { TradecloudWebhookError } from '../../errors/errors'
import { unavailable } from '../unavailable'
import { subfolderName, type Folder } from './folder'
import { FolderLock } from './lock'
import { startInterval, type Timer } from '../../wait/timers'

const BEAT_MS = 2_000
const LOOK_MS = 500
/** One of the 256 sub-folders of delivered keys at a time: all of them in a day. */
const FORGET_MS = 5 * 60_000

export interface KeeperOptions {
  folder: Folder
  dedupeTtlMs: number
  /** Makes the index fit what is on disk. */
  scan: () => Promise<void>
  /** The folder can be used, or cannot be for now. */
  onChange: () => void
  /** Another process has taken the folder over: never again. */
  onLost: (error: TradecloudWebhookError) => void
  request: (request: Request) => Promise<void>
  alarm: (error: TradecloudWebhookError) => void
}

/** What the command line asks for. */
export interface Request {
  action: 'replay' | 'purge'
  ids: string[]
}

export class Keeper {
  /** `opening` also while a folder that was gone is read again. */
  state: 'opening' | 'open' | 'gone' | 'lost' | 'closed' = 'opening'
  /** Resolves when the folder was read for the first time; rejects when that will never be. */
  readonly opened: Promise<void>

  readonly #options: KeeperOptions
  readonly #lock: FolderLock
  readonly #device: number
  readonly #timers: Timer[] = []
  #settleOpened: { resolve: () => void; reject: (error: Error) => void } | undefined
  #scanning = false
  #beating = false
  #looking = false
  #forgetNext = 0

  /** Throws where the folder cannot be made, or is another process's. */
  constructor(options: KeeperOptions) {
    this.#options = options
    const { folder } = options
    folder.createSync()
    this.#lock = new FolderLock(folder.directory)
    this.#device = statSync(folder.directory).dev
    this.opened = new Promise((resolve, reject) => (this.#settleOpened = { resolve, reject }))
    this.opened.catch(() => undefined)
    void this.#open()
    this.#every(BEAT_MS, () => this.#beat())
    this.#every(LOOK_MS, () => this.#look())
    this.#every(FORGET_MS, () => this.#forget())
  }

  /** False where the folder is gone or not ours: what is missing then has not been removed by a person. */
  async isHeld(): Promise<boolean> {
    return (await this.#lock.check()) === 'held'
  }

  close(): void {
    this.state = 'closed'
    for (const timer of this.#timers) clearInterval(timer)
    this.#settleOpened?.reject(unavailable('The inbox is closed.'))
    this.#lock.release()
  }

  #every(ms: number, action: () => Promise<void>): void {
    this.#timers.push(startInterval(() => void action().catch(() => undefined), ms))
  }

  async #open(): Promise<void> {
    if (this.#scanning) return
    this.#scanning = true
    try {
      await this.#options.scan()
    } catch (cause) {
      // The next beat tries again.
      this.#options.alarm(unusable('The inbox folder cannot be read.', cause))
      return
    } finally {
      this.#scanning = false
    }
    if (this.state !== 'opening') return
    this.state = 'open'
    this.#settleOpened?.resolve()
    this.#options.onChange()
  }

  async #beat(): Promise<void> {
    if (this.#beating) return
    this.#beating = true
    try {
      const held = await this.#lock.beat()
      if (held === 'lost') this.#lose()
      else if (held === 'held') await this.#back()
      else if (held === 'missing') await this.#gone()
    } finally {
      this.#beating = false
    }
  }

  async #back(): Promise<void> {
    if (this.state === 'gone') this.state = 'opening'
    if (this.state === 'opening') await this.#open()
  }

  async #gone(): Promise<void> {
    if (this.state === 'open') {
      this.state = 'gone'
      this.#options.onChange()
      this.#options.alarm(unusable('The inbox folder is gone; events are answered 503 until it is back.'))
    }
    // Made anew by somebody: only on the same disk. Under a mount point whose disk is away, events would be hidden by it
    // once it is back.
    const { folder } = this.#options
    const found = await stat(folder.directory).catch(() => undefined)
    if (found?.dev !== this.#device) return
    folder.createSync()
    this.#lock.take()
    await this.#back()
  }

  #lose(): void {
    this.state = 'lost'
    for (const timer of this.#timers) clearInterval(timer)
    const error = new TradecloudWebhookError('lease_lost', 'Another process has taken over the inbox folder.')
    this.#settleOpened?.reject(error)
    this.#options.onLost(error)
    this.#options.alarm(error)
  }

  async #look(): Promise<void> {
    if (this.state !== 'open' || this.#looking) return
    this.#looking = true
    try {
      // Again at once, as long as there is something to do.
      while (await this.#obeyAll());
    } finally {
      this.#looking = false
    }
  }

  /** True when anything was asked for. */
  async #obeyAll(): Promise<boolean> {
    const root = join(this.#options.folder.directory, 'requests')
    let obeyed = false
    for (const name of await readdir(root)) {
      if (!name.endsWith('.json')) continue
      const path = join(root, name)
      try {
        const request = readRequest(await readFile(path, 'utf8'))
        if (request && this.#isOpen()) await this.#options.request(request)
        await rm(path)
        obeyed = true
      } catch (error) {
        // Withdrawn meanwhile, or not ours to read: the others go on.
        debugDeliver('request %s: %s', name, (error as Error).message)
      }
    }
    return obeyed
  }

  #isOpen(): boolean {
    return this.state === 'open'
  }

  async #forget(): Promise<void> {
    const { folder, dedupeTtlMs } = this.#options
    for await (const id of folder.ids('delivered', subfolderName(this.#forgetNext++)))
      await folder.forget(id, dedupeTtlMs)
  }
}

function readRequest(text: string): Request | undefined {
  try {
    const { action, ids } = JSON.parse(text) as Partial<Request>
    return (action === 'replay' || action === 'purge') && Array.isArray(ids) ? { action, ids } : undefined
  } catch {
    return undefined
  }
}

function unusable(message: string, cause?: unknown): TradecloudWebhookError {
  return new TradecloudWebhookError('inbox_unusable', message, { cause })
}

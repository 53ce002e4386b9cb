/** The inbox in a folder of a local disk: accepts events, and lists, replays and removes them. No server, no native module. */
import { TradecloudWebhookError } from '../../errors/errors'
import { unavailable, within } from '../unavailable'
import { checkPurge, matches } from '../filter'
import type {
  Accepted,
  InboxDelivery,
  InboxEntry,
  InboxFilter,
  InboxHost,
  InboxStats,
  ManagedInbox,
  PurgeFilter,
  ReplayOptions,
  Settlement,
  StoredEvent,
} from '../inbox'
import { replayAll } from '../replay-all'
import { Accepting } from './accepting'
import { decodeEvent, encodeNote, storedEventOf, type Note } from './event-file'
import { Events, publicEntry, type Entry } from './events'
import { resolveFileInboxOptions, type FileInboxOptions, type ResolvedFileInboxOptions } from './file-inbox-options'
import { Folder, isMissing } from './folder'
import { HandOut } from './hand-out'
import { Keeper, type Request } from './keeper'
import { scan } from './scan'

/** How long an event waits for a folder that is being read at start-up, and `close()` for events that are being written. */
const PATIENCE_MS = 2_000

/** See `fileInbox`. */
export function openFileInbox(options: FileInboxOptions): ManagedInbox {
  return new FileInbox(resolveFileInboxOptions(options))
}

class FileInbox implements ManagedInbox {
  readonly #folder: Folder
  readonly #events = new Events(() => this.#handOut.pump())
  readonly #handOut: HandOut
  readonly #keeper: Keeper
  readonly #accepting: Accepting

  constructor(options: ResolvedFileInboxOptions) {
    this.#folder = new Folder(options.directory)
    const isRemoved = (entry: Entry): Promise<boolean> => this.#isRemoved(entry)
    this.#accepting = new Accepting(this.#folder, this.#events, options, isRemoved)
    this.#handOut = new HandOut(this.#folder, this.#events, isRemoved)
    this.#keeper = new Keeper({
      folder: this.#folder,
      dedupeTtlMs: options.dedupeTtlMs,
      scan: () => this.#scan(),
      onChange: () => this.#handOut.setPaused(this.#keeper.state !== 'open'),
      onLost: (error) => this.#handOut.abort(error),
      request: (request) => this.#obey(request),
      alarm: (error) => this.#handOut.alarm(error),
    })
  }

  ready(): Promise<void> {
    return this.#keeper.opened
  }

  async accept(event: StoredEvent, bytes: Buffer): Promise<Accepted> {
    await this.#usable()
    return this.#accepting.accept(event, bytes)
  }

  deliver(host: InboxHost): () => void {
    return this.#handOut.begin(host)
  }

  settle(delivery: InboxDelivery, settlement: Settlement): Promise<boolean> {
    return this.#handOut.settle(delivery, settlement)
  }

  async *list(filter: InboxFilter = {}): AsyncGenerator<InboxEntry> {
    await this.#usable()
    for (const entry of this.#events.sorted()) {
      const shown = publicEntry(entry)
      if (matches(shown, filter)) yield shown
    }
  }

  async show(id: string): Promise<{ entry: InboxEntry; event: StoredEvent; bytes: Buffer } | undefined> {
    await this.#usable()
    const entry = this.#events.get(id)
    if (!entry) return undefined
    await entry.stored
    const decoded = decodeEvent(await this.#folder.read(entry.place, id))
    if (!decoded) throw new TradecloudWebhookError('inbox_damaged', `The file of event ${id} is damaged.`)
    return { entry: publicEntry(entry), event: storedEventOf(decoded.head), bytes: decoded.body }
  }

  async replay(id: string): Promise<boolean> {
    await this.#usable()
    const entry = this.#events.get(id)
    await entry?.stored?.catch(() => undefined)
    if (!entry || entry.state === 'running' || this.#events.get(id) !== entry) return false
    if (entry.place !== 'waiting') return (await this.#accepting.requeue(entry, true)) !== undefined
    const note: Note = { note: 'woken', at: Date.now() }
    await this.#folder.append('waiting', id, encodeNote(note))
    this.#events.wake(entry, note)
    return true
  }

  replayAll(filter?: InboxFilter, options?: ReplayOptions): Promise<number> {
    return replayAll(this, filter, options)
  }

  async purge({ state, ...filter }: PurgeFilter): Promise<number> {
    checkPurge(state)
    await this.#usable()
    let purged = 0
    for (const entry of this.#events.sorted()) {
      if (matches(publicEntry(entry), { state, ...filter }) && (await this.#purge(entry))) purged++
    }
    return purged
  }

  async stats(): Promise<InboxStats> {
    await this.#usable()
    return this.#events.stats()
  }

  async close(): Promise<void> {
    if (this.#keeper.state === 'closed') return
    this.#handOut.close()
    await within(PATIENCE_MS, this.#accepting.idle(), 'Events are still being written.').catch(() => undefined)
    this.#events.clear()
    this.#keeper.close()
  }

  async #usable(): Promise<void> {
    const { state } = this.#keeper
    if (state === 'open') return
    if (state !== 'opening') throw unavailable(REASONS[state])
    await within(PATIENCE_MS, this.#keeper.opened, 'The inbox folder is still being read.')
  }

  /** Its file is missing in a folder that is there. The folder may have come back, or go, since it was missed. */
  async #isRemoved({ place, info: { id } }: Entry): Promise<boolean> {
    if (!(await this.#keeper.isHeld())) return false
    const isThere = await this.#folder.has(place, id).catch(() => true)
    return !isThere && (await this.#keeper.isHeld())
  }

  async #purge(entry: Entry): Promise<boolean> {
    const { id } = entry.info
    if (entry.stored || entry.place === 'waiting') return false
    await this.#folder.remove(entry.place, id).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
    this.#events.remove(entry)
    return true
  }

  async #obey({ action, ids }: Request): Promise<void> {
    for (const id of ids) {
      const entry = this.#events.get(id)
      try {
        if (action === 'replay') await this.replay(id)
        else if (entry) await this.#purge(entry)
      } catch (cause) {
        this.#handOut.alarm(unavailable(`The ${action} of ${id} failed.`, cause))
      }
    }
  }

  /** At start-up, and when a folder that was gone is back. */
  async #scan(): Promise<void> {
    const known = this.#events.sorted()
    if (this.#accepting.isIdle) await this.#folder.sweep()
    for await (const { place, id, file } of scan(this.#folder)) {
      if (this.#events.get(id)) continue
      if (file?.head.id === id) this.#events.adopt(place, file)
      else await this.#handOut.setAside(place, id)
    }
    for (const entry of known) {
      const { state } = entry
      if (state === 'running' || state === 'storing' || !(await this.#isRemoved(entry))) continue
      this.#events.remove(entry)
      this.#handOut.missing(entry)
    }
    // The process before us may have ended between a name and its flush; what is a duplicate of it must be safe.
    await this.#folder.flushNames('waiting')
  }
}

const REASONS = {
  gone: 'The inbox folder is gone.',
  lost: 'Another process has taken over the inbox folder.',
  closed: 'The inbox is closed.',
}

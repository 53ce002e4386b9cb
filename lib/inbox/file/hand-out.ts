/** Hands events out of the folder, one at a time for each order or shipment, and notes what became of them. */
import { TradecloudWebhookError } from '../../errors'
import type { InboxDelivery, InboxHost, Settlement } from '../inbox'
import { applyNote, decodeEvent, encodeNote, storedEventOf, type Note } from './event-file'
import type { Entry, Events } from './events'
import { isMissing, type Folder } from './folder'

/** Until a file that cannot be read, or a note that cannot be written, is tried again. */
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 1_000

export class HandOut {
  readonly #folder: Folder
  readonly #events: Events
  readonly #isRemoved: (entry: Entry) => Promise<boolean>
  readonly #out = new Map<InboxDelivery, { entry: Entry; controller: AbortController }>()
  readonly #unheard: TradecloudWebhookError[] = []
  #host: InboxHost | undefined
  #running = 0
  #runningBytes = 0
  #paused = true
  #ended = false
  #closed = false

  constructor(folder: Folder, events: Events, isRemoved: (entry: Entry) => Promise<boolean>) {
    this.#folder = folder
    this.#events = events
    this.#isRemoved = isRemoved
  }

  begin(host: InboxHost): () => void {
    if (this.#host)
      throw new TradecloudWebhookError('invalid_option', 'An inbox belongs to one webhook: make another one.')
    this.#host = host
    for (const error of this.#unheard.splice(0)) host.alarm(error)
    this.pump()
    return () => {
      this.#ended = true
    }
  }

  setPaused(paused: boolean): void {
    this.#paused = paused
    this.pump()
  }

  close(): void {
    this.#closed = true
  }

  abort(error: TradecloudWebhookError): void {
    this.#closed = true
    for (const { controller } of this.#out.values()) controller.abort(error)
  }

  alarm(error: TradecloudWebhookError): void {
    if (this.#host) this.#host.alarm(error)
    else this.#unheard.push(error)
  }

  missing({ info: { id } }: Entry): void {
    this.alarm(
      new TradecloudWebhookError('inbox_damaged', `The file of event ${id} is gone: it will not be delivered.`),
    )
  }

  /** Keeps a file that is not whole away from everything else. */
  async setAside(place: Entry['place'], id: string): Promise<void> {
    await this.#folder.move(id, place, 'damaged')
    const path = this.#folder.path('damaged', id)
    this.alarm(
      new TradecloudWebhookError('inbox_damaged', `The file of event ${id} is damaged; it was moved to ${path}.`),
    )
  }

  pump(): void {
    const host = this.#host
    while (host && !this.#paused && !this.#ended && !this.#closed && this.#running < host.concurrency) {
      const entry = this.#events.lines.next(this.#running === 0 ? Infinity : host.maxBytes - this.#runningBytes)
      if (!entry) return
      const { bytes } = entry.info
      this.#running++
      this.#runningBytes += bytes
      void this.#run(host, entry).finally(() => {
        this.#running--
        this.#runningBytes -= bytes
        this.pump()
      })
    }
  }

  async settle(delivery: InboxDelivery, settlement: Settlement): Promise<boolean> {
    const entry = this.#out.get(delivery)?.entry
    if (!entry) return false
    for (let waitMs = FIRST_RETRY_MS; !this.#closed; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
      try {
        await this.#note(entry, settlement)
        this.#out.delete(delivery)
        return true
      } catch {
        // The callback was called: rather hold its entity and its place up than call it again.
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
      }
    }
    return false
  }

  async #run(host: InboxHost, entry: Entry): Promise<void> {
    const delivery = await this.#load(entry)
    if (!delivery) return
    const controller = new AbortController()
    const handedOut = { ...delivery, signal: controller.signal }
    this.#out.set(handedOut, { entry, controller })
    await host.run(handedOut)
  }

  async #load(entry: Entry): Promise<Omit<InboxDelivery, 'signal'> | undefined> {
    const { id } = entry.info
    try {
      const decoded = decodeEvent(await this.#folder.read('waiting', id))
      if (!decoded) {
        await this.setAside('waiting', id)
        this.#events.remove(entry)
        return undefined
      }
      const note: Note = { note: 'attempt', at: Date.now() }
      // A full disk is no reason not to deliver: that makes room.
      await this.#folder.append('waiting', id, encodeNote(note)).catch(() => undefined)
      applyNote(entry, note)
      const { attempts, firstAttemptAt = note.at, replay } = entry
      const event = storedEventOf(decoded.head)
      return { event, bytes: decoded.body, attempt: attempts, firstAttemptAt: new Date(firstAttemptAt), replay }
    } catch (error) {
      if (isMissing(error) && (await this.#isRemoved(entry))) {
        this.#events.remove(entry)
        this.missing(entry)
      } else this.#events.retry(entry, Date.now() + MAX_RETRY_MS)
      return undefined
    }
  }

  async #note(entry: Entry, settlement: Settlement): Promise<void> {
    const { id, trigger } = entry.info
    if (settlement.result === 'delivered') {
      // Of a trigger with an ID nothing is remembered: each says "changed again".
      const step = trigger === 'id' ? this.#folder.remove('waiting', id) : this.#folder.shrink(id)
      await step.catch((error: unknown) => this.#unlessRemoved(error, entry))
      this.#events.remove(entry)
      return
    }
    const { reason } = settlement
    if (settlement.result === 'retry') {
      const at = Date.now()
      const dueAt = at + settlement.delayMs
      const note: Note = { note: 'retry', at, dueAt, reason }
      await this.#folder.append('waiting', id, encodeNote(note)).catch(() => undefined)
      applyNote(entry, note)
      this.#events.retry(entry, dueAt)
      return
    }
    const [place, kept] =
      settlement.result === 'dead' ? (['dead', 'dead'] as const) : (['quarantine', 'quarantined'] as const)
    const note: Note = { note: kept, at: Date.now(), reason }
    await this.#folder.append('waiting', id, encodeNote(note), true).catch(() => undefined)
    await this.#folder.move(id, 'waiting', place)
    this.#events.move(entry, place, note)
  }

  /** A file that is not there any more, in a folder that is, needs nothing. */
  async #unlessRemoved(error: unknown, entry: Entry): Promise<void> {
    if (!isMissing(error) || !(await this.#isRemoved(entry))) throw error
  }
}

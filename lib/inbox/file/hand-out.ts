/** Hands events out of the folder, one at a time for each order or shipment, and notes what became of them. */
import { setMaxListeners } from 'node:events'
import { debugDeliver } from '../../log/debug'
import { TradecloudWebhookError } from '../../errors/errors'
import { persist } from '../../wait/back-off'
import type { InboxDelivery, InboxHost, Settlement } from '../inbox'
import { applyNote, decodeEvent, encodeNote, storedEventOf, type Note } from './event-file'
import type { Entry, Events } from './events'
import { isMissing, type Folder } from './folder'

/** Until a file that cannot be read is tried again. */
const UNREADABLE_MS = 1_000

export class HandOut {
  readonly #folder: Folder
  readonly #events: Events
  readonly #isRemoved: (entry: Entry) => Promise<boolean>
  readonly #out = new Map<InboxDelivery, { entry: Entry; controller: AbortController }>()
  readonly #unheard: TradecloudWebhookError[] = []
  readonly #closing = new AbortController()
  #host: InboxHost | undefined
  #running = 0
  #runningBytes = 0
  #paused = true
  #ended = false

  constructor(folder: Folder, events: Events, isRemoved: (entry: Entry) => Promise<boolean>) {
    this.#folder = folder
    this.#events = events
    this.#isRemoved = isRemoved
    setMaxListeners(0, this.#closing.signal) // all that is to be noted listens to it
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
    this.#ended = true
    this.#closing.abort()
  }

  abort(error: TradecloudWebhookError): void {
    this.close()
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
    while (host && !this.#paused && !this.#ended && this.#running < host.concurrency) {
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
    // The callback was called: rather hold its entity and its place up than call it again.
    const noted = await persist(
      this.#closing.signal,
      async () => {
        await this.#note(entry, settlement)
        return true
      },
      (error) => debugDeliver('%s could not be noted: %s', entry.info.id, (error as Error).message),
    )
    if (noted) this.#out.delete(delivery)
    return noted ?? false
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
      } else this.#events.retry(entry, Date.now() + UNREADABLE_MS)
      return undefined
    }
  }

  async #note(entry: Entry, settlement: Settlement): Promise<void> {
    try {
      await this.#noteOnDisk(entry, settlement)
    } catch (error) {
      if (!isMissing(error) || !(await this.#isRemoved(entry))) throw error
      // Where a person has taken the file away, nothing is to be noted.
      this.#events.remove(entry)
    }
  }

  async #noteOnDisk(entry: Entry, settlement: Settlement): Promise<void> {
    const { id, trigger } = entry.info
    if (settlement.result === 'delivered') {
      // Of a trigger with an ID nothing is remembered: each says "changed again".
      await (trigger === 'id' ? this.#folder.remove('waiting', id) : this.#folder.shrink(id))
      this.#events.remove(entry)
      return
    }
    const { reason } = settlement
    const at = Date.now()
    if (settlement.result === 'retry') {
      const note: Note = { note: 'retry', at, dueAt: at + settlement.delayMs, reason }
      // What is not on disk is lost with the process, and with it only how long the event was to wait.
      await this.#folder.append('waiting', id, encodeNote(note)).catch(() => undefined)
      applyNote(entry, note)
      this.#events.retry(entry, note.dueAt)
      return
    }
    const place = settlement.result === 'dead' ? 'dead' : 'quarantine'
    const note: Note = { note: settlement.result, at, reason }
    await this.#folder.append('waiting', id, encodeNote(note), true).catch(() => undefined)
    await this.#folder.move(id, 'waiting', place)
    this.#events.move(entry, place, note)
  }
}

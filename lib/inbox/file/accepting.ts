/** Accepting: what is new goes to disk and into its line, what is known is a duplicate or is queued again. */
import { unavailable } from '../unavailable'
import type { Accepted, StoredEvent } from '../inbox'
import { encodeEvent, encodeNote, type Note } from './event-file'
import { onDisk, type Entry, type Events } from './events'
import type { ResolvedFileInboxOptions } from './file-inbox-options'
import { isMissing, type Folder } from './folder'

export class Accepting {
  readonly #folder: Folder
  readonly #events: Events
  readonly #options: ResolvedFileInboxOptions
  readonly #isRemoved: (entry: Entry) => Promise<boolean>
  readonly #storing = new Set<Promise<unknown>>()

  constructor(
    folder: Folder,
    events: Events,
    options: ResolvedFileInboxOptions,
    isRemoved: (entry: Entry) => Promise<boolean>,
  ) {
    this.#folder = folder
    this.#events = events
    this.#options = options
    this.#isRemoved = isRemoved
  }

  get isIdle(): boolean {
    return this.#storing.size === 0
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#storing)
  }

  /** Resolves once the event is on disk, name and all. */
  async accept(event: StoredEvent, bytes: Buffer): Promise<Accepted> {
    const known = this.#events.get(event.id)
    if (known) {
      const again = await this.#acceptAgain(known)
      if (again) return again
    }
    const { lines } = this.#events
    const joinable = event.trigger === 'id' && event.entity ? lines.joinable(event.entity) : undefined
    if (joinable) {
      await joinable.stored
      return 'merged'
    }
    // From here to its place in line without a wait: the order of arrival is the order of these calls.
    const sequence = this.#events.nextSequence()
    const content = encodeEvent(event, sequence, bytes)
    this.#checkRoom(event, content.length)
    const entry = this.#events.add(event, sequence, bytes.length, content.length)
    return this.#track(entry, this.#store(entry, event, content))
  }

  /** `undefined`: what was known of it is gone, so it is new. */
  async #acceptAgain(known: Entry): Promise<Accepted | undefined> {
    // Only once the first copy is on disk is the second one a duplicate.
    if (known.stored) await known.stored
    else if (known.place === 'dead') return this.requeue(known, false)
    return 'duplicate'
  }

  #checkRoom({ quarantine }: StoredEvent, length: number): void {
    const { maxBytes, maxQuarantineBytes } = this.#options
    const [used, max] = quarantine ? [this.#events.quarantineBytes, maxQuarantineBytes] : [this.#events.bytes, maxBytes]
    if (used + onDisk(length) <= max) return
    const what = quarantine ? 'quarantine of the inbox' : 'inbox'
    throw unavailable(`The ${what} is full: ${used} of ${max} bytes are taken.`)
  }

  async #store(entry: Entry, event: StoredEvent, content: Buffer): Promise<Accepted> {
    try {
      if (!event.quarantine && (await this.#isDelivered(event))) {
        this.#events.remove(entry)
        return 'duplicate'
      }
      await this.#folder.create(entry.place, event.id, content)
    } catch (error) {
      this.#events.remove(entry)
      throw error
    }
    this.#events.stored(entry)
    return 'queued'
  }

  async #isDelivered({ id, trigger }: StoredEvent): Promise<boolean> {
    if (trigger === 'id') return false
    const deliveredAt = await this.#folder.deliveredAt(id)
    return deliveredAt !== undefined && Date.now() - deliveredAt < this.#options.dedupeTtlMs
  }

  /** Back to the end of its line. `undefined` where its file is gone. */
  async requeue(entry: Entry, replay: boolean): Promise<'queued' | undefined> {
    const { place, info } = entry
    const note: Note = { note: 'queued', at: Date.now(), sequence: this.#events.nextSequence(), replay }
    const work = (async () => {
      await this.#folder.append(place, info.id, encodeNote(note), true)
      await this.#folder.move(info.id, place, 'waiting')
      this.#events.move(entry, 'waiting', note)
      return 'queued' as const
    })()
    try {
      return await this.#track(entry, work)
    } catch (error) {
      if (!isMissing(error) || !(await this.#isRemoved(entry))) throw error
      this.#events.remove(entry)
      return undefined
    }
  }

  /** Others that come for the same event wait for this. */
  #track<T extends Accepted>(entry: Entry, work: Promise<T>): Promise<T> {
    entry.stored = work
    this.#storing.add(work)
    const end = (): void => {
      if (entry.stored === work) entry.stored = undefined
      this.#storing.delete(work)
    }
    work.then(end, end)
    return work
  }
}

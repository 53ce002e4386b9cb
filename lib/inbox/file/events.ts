/** What is known of all events in the folder: by ID, in line, and counted. */
import type { InboxEntry, InboxStats, StoredEvent } from '../inbox'
import { applyNote, type EventFile, type Note } from './event-file'
import { Lines, type Entry } from './lines'

/** A file takes up whole blocks. */
const BLOCK = 4096

export class Events {
  readonly lines: Lines
  readonly #byId = new Map<string, Entry>()
  #sequence = 0
  bytes = 0
  quarantineBytes = 0

  constructor(onReady: () => void) {
    this.lines = new Lines(onReady)
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id)
  }

  nextSequence(): number {
    return ++this.#sequence
  }

  /** The oldest first. */
  sorted(): Entry[] {
    return [...this.#byId.values()].sort((a, b) => a.sequence - b.sequence)
  }

  /** A new one, whose file is still to be written. */
  add(event: StoredEvent, sequence: number, length: number, fileLength: number): Entry {
    const progress = { sequence, attempts: 0, firstAttemptAt: undefined, dueAt: 0, reason: undefined, replay: false }
    const { quarantine } = event
    const entry: Entry = {
      ...progress,
      ...(quarantine && { reason: `${quarantine.code}: ${quarantine.reason}` }),
      info: infoOf(event, length),
      place: quarantine ? 'quarantine' : 'waiting',
      state: 'storing',
      size: fileLength,
      stored: undefined,
    }
    this.#insert(entry)
    return entry
  }

  /** One that was found on disk. */
  adopt(place: Entry['place'], { head, progress, size }: EventFile): Entry {
    const { quarantine, bytes } = head
    // Not of one that was queued again: that waits, and nothing is wrong with it so far.
    const first = place === 'quarantine' && quarantine ? `${quarantine.code}: ${quarantine.reason}` : undefined
    const reason = progress.reason ?? first
    const entry: Entry = {
      ...progress,
      reason,
      info: infoOf(head, bytes),
      place,
      state: place === 'waiting' ? 'waiting' : 'kept',
      size,
      stored: undefined,
    }
    this.#sequence = Math.max(this.#sequence, entry.sequence)
    this.#insert(entry)
    return entry
  }

  remove(entry: Entry): void {
    if (!this.#byId.delete(entry.info.id)) return
    this.#count(entry, -1)
    this.lines.remove(entry)
  }

  /** It is on disk now. */
  stored(entry: Entry): void {
    entry.state = entry.place === 'waiting' ? 'waiting' : 'kept'
    this.lines.update(entry)
  }

  /** Handed out again at `dueAt`. */
  retry(entry: Entry, dueAt: number): void {
    entry.state = 'waiting'
    entry.dueAt = dueAt
    this.lines.update(entry)
  }

  wake(entry: Entry, note: Note): void {
    applyNote(entry, note)
    this.lines.update(entry)
  }

  /** To another place on disk, out of its line or to the end of it. */
  move(entry: Entry, place: Entry['place'], note: Note): void {
    this.#count(entry, -1)
    this.lines.remove(entry)
    applyNote(entry, note)
    entry.place = place
    entry.state = place === 'waiting' ? 'waiting' : 'kept'
    this.#count(entry, 1)
    if (place === 'waiting') this.lines.add(entry)
  }

  clear(): void {
    this.lines.clear()
    this.#byId.clear()
  }

  stats(): InboxStats {
    const stats = { waiting: 0, running: 0, dead: 0, quarantined: 0 }
    let oldest: string | undefined
    for (const entry of this.#byId.values()) {
      const state = stateOf(entry)
      stats[state]++
      const { receivedAt } = entry.info
      if (entry.place === 'waiting' && (oldest === undefined || receivedAt < oldest)) oldest = receivedAt
    }
    const { bytes, quarantineBytes } = this
    return { ...stats, bytes, quarantineBytes, oldestWaitingAt: oldest === undefined ? undefined : new Date(oldest) }
  }

  #insert(entry: Entry): void {
    this.#byId.set(entry.info.id, entry)
    this.#count(entry, 1)
    if (entry.place === 'waiting') this.lines.add(entry)
  }

  #count({ place, size }: Entry, sign: 1 | -1): void {
    if (place === 'quarantine') this.quarantineBytes += sign * onDisk(size)
    else this.bytes += sign * onDisk(size)
  }
}

export function onDisk(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

/** What is shown of an entry. */
export function publicEntry(entry: Entry): InboxEntry {
  const { info, attempts, reason, dueAt } = entry
  const state = stateOf(entry)
  return {
    ...info,
    state,
    attempts,
    reason,
    nextAttemptAt: state === 'waiting' && dueAt > 0 ? new Date(dueAt).toISOString() : undefined,
  }
}

function stateOf({ place, state }: Entry): 'waiting' | 'running' | 'dead' | 'quarantined' {
  if (place === 'waiting') return state === 'running' ? 'running' : 'waiting'
  return place === 'dead' ? 'dead' : 'quarantined'
}

function infoOf(
  { id, trigger, kind, eventName, entity, receivedAt, requestId }: StoredEvent,
  bytes: number,
): Entry['info'] {
  return { id, trigger, kind, eventName, entity, receivedAt, requestId, bytes }
}

export type { Entry }

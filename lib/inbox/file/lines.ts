/**
 * One line for each order or shipment: whose turn it is, and when. The head of a line is handed out alone; what waits for a
 * retry holds up its own line and no other.
 */
import type { Accepted, InboxEntry, StoredEvent } from '../inbox'
import type { Progress } from './event-file'
import { startTimer, type Timer } from '../../wait/timers'

/** What is kept in memory of an event; its body is on disk. */
export interface Entry extends Progress {
  info: Pick<InboxEntry, 'id' | 'trigger' | 'kind' | 'eventName' | 'entity' | 'receivedAt' | 'requestId' | 'bytes'>
  /** Where its file is, or will be. */
  place: 'waiting' | 'dead' | 'quarantine'
  /** `storing`: not on disk yet, but its place in the line is taken. `kept`: for a person. */
  state: 'storing' | 'waiting' | 'running' | 'kept'
  /** What it takes up on disk. */
  size: number
  /** While `storing`: what becomes of it. */
  stored: Promise<Accepted> | undefined
}

interface Line {
  entries: Entry[]
  timer?: Timer | undefined
}

export class Lines {
  readonly #lines = new Map<string, Line>()
  /** Lines whose head is to be handed out, the one that waits longest first. */
  readonly #ready = new Set<Line>()
  readonly #onReady: () => void

  constructor(onReady: () => void) {
    this.#onReady = onReady
  }

  /** To its place in its line, which is the end of it but for those that are read from disk. */
  add(entry: Entry): void {
    const key = lineOf(entry.info)
    let line = this.#lines.get(key)
    if (line === undefined) this.#lines.set(key, (line = { entries: [] }))
    const { entries } = line
    // None before one that runs: two of an entity would be handed out.
    const at = entries.findLastIndex(({ sequence, state }) => sequence < entry.sequence || state === 'running') + 1
    entries.splice(at, 0, entry)
    this.#look(line)
  }

  remove(entry: Entry): void {
    const key = lineOf(entry.info)
    const line = this.#lines.get(key)
    const at = line?.entries.indexOf(entry) ?? -1
    if (!line || at < 0) return
    line.entries.splice(at, 1)
    if (line.entries.length === 0) this.#lines.delete(key)
    this.#look(line)
  }

  /** Something about the entry has changed: maybe it can be handed out now. */
  update(entry: Entry): void {
    const line = this.#lines.get(lineOf(entry.info))
    if (line) this.#look(line)
  }

  /** The next one to hand out, if its body is not larger. It is `running` from then on. */
  next(maxBytes = Infinity): Entry | undefined {
    for (const line of this.#ready) {
      const [head] = line.entries
      const isDue = head?.state === 'waiting' && head.dueAt <= Date.now()
      // Smaller ones must not go on overtaking it.
      if (isDue && head.info.bytes > maxBytes) return undefined
      this.#ready.delete(line)
      if (!isDue) continue
      head.state = 'running'
      return head
    }
    return undefined
  }

  /** A trigger with an ID that a new one for the same entity need not be stored beside: its fetch has not begun. */
  joinable(entity: NonNullable<StoredEvent['entity']>): Entry | undefined {
    return this.#lines
      .get(keyOf(entity))
      ?.entries.find(({ info, state }) => info.trigger === 'id' && (state === 'waiting' || state === 'storing'))
  }

  /** Ends all waiting. */
  clear(): void {
    for (const { timer } of this.#lines.values()) clearTimeout(timer)
    this.#lines.clear()
    this.#ready.clear()
  }

  #look(line: Line): void {
    clearTimeout(line.timer)
    const [head] = line.entries
    if (head?.state !== 'waiting') {
      this.#ready.delete(line)
      return
    }
    const wait = head.dueAt - Date.now()
    if (wait > 0) {
      this.#ready.delete(line)
      line.timer = startTimer(() => this.#look(line), wait)
      return
    }
    this.#ready.add(line)
    this.#onReady()
  }
}

/** Events of nobody wait for nobody. */
function lineOf({ id, entity }: Entry['info']): string {
  return entity ? keyOf(entity) : id
}

function keyOf({ kind, id }: NonNullable<StoredEvent['entity']>): string {
  return `${kind}:${id}`
}

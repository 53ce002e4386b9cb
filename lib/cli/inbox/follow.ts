/** Waits until replayed events have an outcome. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Inbox, InboxEntry } from '../../inbox/inbox'
import { ProgressLine } from '../output'
import { count } from '../printable'

const LOOK_EVERY_MS = 250
/**
 * Number of events whose state is read in one pass. The events that were queued first are read first, because events
 * are delivered in about that order.
 */
const LOOK_AT = 64

export class Follower {
  delivered = 0
  readonly failed: InboxEntry[] = []
  /**
   * The replayed events without an outcome, by ID. `attempts`: how many attempts a waiting event had before the replay;
   * 0 for any other event, because its count restarts.
   */
  readonly #pending = new Map<string, { entry: InboxEntry; attempts: number }>()
  readonly #inbox: Inbox

  constructor(inbox: Inbox) {
    this.#inbox = inbox
  }

  get size(): number {
    return this.#pending.size
  }

  /** `entry`: as it was before the replay. */
  add(entry: InboxEntry): void {
    const { id, state, attempts } = entry
    this.#pending.set(id, { entry, attempts: state === 'waiting' ? attempts : 0 })
  }

  /**
   * Whether a process takes at least one of the events. An event needs a process with a callback for it. But any
   * process takes an event that was quarantined when it arrived, so events from quarantine and events of an unknown
   * kind count too.
   */
  async isTaken(): Promise<boolean> {
    const asked = new Set<string>()
    for (const { entry } of this.#pending.values()) {
      const { name, kind, eventName, state } = entry
      const what = JSON.stringify([name, kind, eventName])
      if (asked.has(what)) continue
      asked.add(what)
      if (kind === 'unknown' || state === 'quarantined' || (await this.#inbox.isWanted(name, kind, eventName)))
        return true
    }
    return false
  }

  /** Waits until all events have an outcome, or until no event has got an outcome for `patienceMs`. */
  async follow(patienceMs: number): Promise<void> {
    const progress = new ProgressLine()
    const total = this.size
    let since = performance.now()
    try {
      while (this.size > 0 && performance.now() - since < patienceMs) {
        const before = this.size
        await this.#look()
        if (this.size < before) since = performance.now()
        else await sleep(Math.min(LOOK_EVERY_MS, patienceMs))
        const { delivered, failed } = this
        progress.show(`Delivered ${count(delivered)} of ${count(total)}, failed again ${count(failed.length)}`)
      }
    } finally {
      progress.end()
    }
  }

  async stillWaiting(): Promise<InboxEntry[]> {
    const waiting: InboxEntry[] = []
    for (const id of this.#pending.keys()) {
      const [entry] = (await this.#inbox.list({ id, limit: 1 })).entries
      if (entry) waiting.push(entry)
    }
    return waiting
  }

  async #look(): Promise<void> {
    const some = [...this.#pending.keys()].slice(0, LOOK_AT)
    for (const id of some) {
      const [entry] = (await this.#inbox.list({ id, limit: 1 })).entries
      this.#judge(id, entry)
    }
  }

  #judge(id: string, entry: InboxEntry | undefined): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    this.#pending.delete(id)
    // An event that is gone counts as delivered, because its record may be removed after the delivery.
    if (!entry || entry.state === 'delivered') this.delivered++
    else if (entry.state === 'dead' || entry.state === 'quarantined') this.failed.push(entry)
    else if (entry.state === 'waiting' && entry.attempts > pending.attempts) this.failed.push(entry)
    // Moves the event to the end, so that others are read first the next time.
    else this.#pending.set(id, pending)
  }
}

/** Frees the queues of processes that have ended, shortens retry delays that are too long, and removes expired data. */
import { pause } from '../../wait/pause'
import type { Deliveries } from './deliveries'
import type { InboxParts } from './engine'
import type { FormerRow } from './former-callbacks'
import type { Member } from './member'
import { isGone, type ProcessIdentity } from './process-identity'
import { LEASE_MS, type ProcessRow } from './processes'

const TIDY_EVERY_MS = 1_000
const PRUNE_EVERY_MS = 10_000
const AGE_EVERY_MS = 60_000
/** Pause between two steps that remove data, so that events can be accepted in between. */
const BREATH_MS = 25

/**
 * The most that the time between two checks can add to `watchedMs`. After this process or the database was frozen, the
 * other processes thus get time to renew their leases.
 */
const MOST_BETWEEN_LOOKS_MS = 2_000

/** The last renewal count that was seen for a process, and how long this process has observed it without a change. */
interface Seen {
  lease: number
  watchedMs: number
  lookedAt: number
}

export class Housekeeping {
  readonly #shared: InboxParts
  readonly #member: Member
  readonly #deliveries: Deliveries
  #seen: ReadonlyMap<string, Seen> = new Map()
  #former: readonly FormerRow[] = []
  #untaken: readonly string[] = []
  #damaged: readonly string[] = []

  constructor(shared: InboxParts, member: Member, deliveries: Deliveries) {
    this.#shared = shared
    this.#member = member
    this.#deliveries = deliveries
  }

  async run(): Promise<void> {
    const { alarms, closing } = this.#shared
    if (!(await pause(TIDY_EVERY_MS, closing))) return
    void alarms.repeat('tidying', TIDY_EVERY_MS, () => this.#tidy())
    void alarms.repeat('pruning', PRUNE_EVERY_MS, () => this.#prune())
    void alarms.repeat('ageing of callbacks', AGE_EVERY_MS, async () => {
      this.#former = await this.#shared.engine.run('ageCallbacks', this.#former)
    })
  }

  async #prune(): Promise<void> {
    await this.#reportUntaken()
    const { engine, options, closing } = this.#shared
    const { keepDelivered, dedupeTtlMs } = options
    while (await engine.run('prune', { keepDelivered, dedupeTtlMs })) await pause(BREATH_MS, closing)
  }

  async #tidy(): Promise<void> {
    const { owner, host } = this.#member
    const { processes, owned, damaged } = await this.#shared.engine.run('survey', owner)
    this.#damaged = this.#warnOfNew(
      damaged,
      this.#damaged,
      (key) =>
        `An event of ${key} cannot be read. Its other events wait; all others are delivered. Keep a copy of the database, and recover it (SQLite: \`sqlite3 FILE .recover\`) or restore a backup.`,
    )
    const now = performance.now()
    this.#seen = new Map(processes.map((row) => [row.id, this.#look(row, now)]))
    const gone = processes.filter((row) => row.id !== owner && (this.#standsStill(row) || this.#hasEnded(row)))
    const lost = owned.filter((queue) => !this.#deliveries.isOpen(queue))
    const { name, wanted, maxDelayMs } = host
    if (await this.#shared.engine.run('tidy', { gone, owner, lost, name, wanted, maxDelayMs })) host.wake()
  }

  #look({ id, lease }: ProcessRow, now: number): Seen {
    const before = this.#seen.get(id)
    if (before?.lease !== lease) return { lease, watchedMs: 0, lookedAt: now }
    const passedMs = Math.min(now - before.lookedAt, MOST_BETWEEN_LOOKS_MS)
    return { lease, watchedMs: before.watchedMs + passedMs, lookedAt: now }
  }

  /**
   * True if this process has observed for longer than `LEASE_MS` that the other process did not renew its lease. Clocks
   * are not compared, because any of them may be wrong.
   */
  #standsStill({ id }: ProcessRow): boolean {
    return (this.#seen.get(id)?.watchedMs ?? 0) > LEASE_MS
  }

  #hasEnded({ identity: other }: ProcessRow): boolean {
    const { identity } = this.#shared.options
    return identity !== undefined && other !== null && isGone(JSON.parse(other) as ProcessIdentity, identity)
  }

  /** Raises an alarm per kind and event name. Repeats it only if the events were taken and further events then wait. */
  async #reportUntaken(): Promise<void> {
    const { name, handlerTimeoutMs } = this.#member.host
    if (handlerTimeoutMs === undefined) return
    const untaken = await this.#shared.engine.run('untaken', { name, handlerTimeoutMs })
    this.#untaken = this.#warnOfNew(
      untaken,
      this.#untaken,
      (one) =>
        `Events are waiting for which no process has a callback: ${one}. Start a process with such a callback, or give the events up.`,
    )
  }

  #warnOfNew(found: string[], known: readonly string[], message: (one: string) => string): string[] {
    for (const one of found) if (!known.includes(one)) this.#shared.alarms.warn(message(one))
    return found
  }
}

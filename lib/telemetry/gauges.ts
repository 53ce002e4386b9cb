/**
 * Gauges that are read when metrics are collected: the state of the inbox, readiness, the time since the last event,
 * and the lag of the catch-up.
 */
import type { TelemetrySource } from '../answer/telemetry'
import type { EventKind } from '../events/events'
import type { InboxStats } from '../inbox/inbox'
import { STATES } from '../inbox/stored-event'
import type { Gauge, Labels } from './definitions'

export interface Sample {
  gauge: Gauge
  labels: Labels
  value: number
}

/**
 * To find the last event of each kind, at most this many events are read from the inbox. Reading more would delay the
 * storing of new events.
 */
const RECALLED = 500

export class Gauges {
  readonly #source: TelemetrySource
  /** Time of the last event by kind, on the clock of `performance.now()`. */
  readonly #arrivals = new Map<EventKind, number>()
  #checkedUntil: Date | undefined
  #recalled: Promise<void> | undefined
  #reading: Promise<Sample[]> | undefined

  constructor(source: TelemetrySource) {
    this.#source = source
    // Until the first run of the catch-up has ended, it is unknown what has been checked, so the lag is counted from
    // now.
    if (source.polls) this.#checkedUntil = new Date()
    if (source.receives) for (const kind of source.kinds) this.#arrivals.set(kind, performance.now())
  }

  arrived(kind: EventKind): void {
    this.#arrivals.set(kind, performance.now())
  }

  /** Called when the catch-up has checked all changes up to `until`. */
  checked(until: Date): void {
    this.#checkedUntil = until
  }

  /**
   * Reads all gauges. Never rejects: a value that cannot be read is absent, except readiness, which is 0 then.
   * Concurrent calls share the result.
   */
  read(): Promise<Sample[]> {
    this.#reading ??= this.#readNow().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #readNow(): Promise<Sample[]> {
    const { name, inbox } = this.#source
    const [isReady, stats] = await Promise.all([
      this.#source.isReady().catch(() => false),
      inbox?.stats().catch(() => undefined),
      this.#recall(),
    ])
    const now = performance.now()
    const samples: Sample[] = []
    const add = (gauge: Gauge, value: number, labels: Labels = {}): void =>
      void samples.push({ gauge, value, labels: { webhook: name, ...labels } })
    add('ready', isReady ? 1 : 0)
    if (stats) addStats(stats, add)
    for (const [kind, at] of this.#arrivals) add('lastEvent', (now - at) / 1_000, { kind })
    if (this.#checkedUntil) add('lag', ageOf(this.#checkedUntil))
    return samples
  }

  /**
   * Reads the last events from the inbox, because they may have arrived before this process started. They are read only
   * once, unless that fails.
   */
  #recall(): Promise<void> {
    this.#recalled ??= this.#recallNow().catch(() => (this.#recalled = undefined))
    return this.#recalled
  }

  async #recallNow(): Promise<void> {
    const { inbox, name, receives, kinds } = this.#source
    if (!inbox || !receives) return
    const startedAt = performance.now()
    const { entries } = await inbox.list({ limit: RECALLED, newestFirst: true })
    for (const kind of kinds) {
      const newest = entries.find((entry) => entry.kind === kind && entry.name === name)
      const at = newest && performance.now() - ageOf(new Date(newest.receivedAt)) * 1_000
      // If an event of this kind has arrived since `startedAt`, its time is kept, because the entry may be older.
      if (at !== undefined && (this.#arrivals.get(kind) ?? 0) < startedAt) this.#arrivals.set(kind, at)
    }
  }
}

function addStats(stats: InboxStats, add: (gauge: Gauge, value: number, labels?: Labels) => void): void {
  for (const state of STATES) add('events', stats[state], { state })
  add('bytes', stats.waitingBytes)
  add('oldest', stats.oldestWaitingAt ? ageOf(stats.oldestWaitingAt) : 0)
}

/** The age in seconds. */
function ageOf(time: Date): number {
  return Math.max(0, Date.now() - time.getTime()) / 1_000
}

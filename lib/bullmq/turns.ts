/**
 * Hands out the events of a line one after the other, for as long as this process has its lease: begins them, renews the
 * lease, notes what became of them, and lets go.
 */
import { randomBytes } from 'node:crypto'
import { ByteRoom } from './byte-room'
import { debugBullmq } from './connections'
import { persist } from '../wait/back-off'
import type { Begun, Hold, Storage } from './storage'
import { TradecloudWebhookError } from '../errors/errors'
import type { InboxDelivery, InboxHost, Settlement } from '../inbox/inbox'
import { startInterval, type Timer } from '../wait/timers'

/** Bodies up to this size go out without being looked at first. */
const SMALL_BYTES = 1024 * 1024
/** A line with many events gives way to others after this time, and comes again at the end of the queue. */
const TURN_MS = 1_000

interface Turn extends Hold {
  delivery?: InboxDelivery | undefined
  controller: AbortController
  /** `take` still waits for the delivery, and goes on with the turn itself. */
  attached: boolean
  settled: boolean
  settling: boolean
  lost: boolean
}

export interface TurnsOptions {
  storage: Storage
  leaseMs: number
  /** Ends all that waits for Redis or for a delivery. */
  closing: AbortSignal
  wake: (line: string, delayMs?: number) => void
}

export class Turns {
  readonly #options: TurnsOptions
  readonly #held = new Set<Turn>()
  readonly #running = new WeakMap<InboxDelivery, Turn>()
  /** Deliveries that `take` waits for. */
  readonly #attached = new Set<Promise<void>>()
  readonly #closed: Promise<void>
  #renewal: Timer | undefined
  #host: InboxHost | undefined
  #room = new ByteRoom(Infinity)
  #smallBytes = SMALL_BYTES
  #stopped = false

  constructor(options: TurnsOptions) {
    this.#options = options
    this.#closed = new Promise((resolve) => {
      options.closing.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  start(host: InboxHost): void {
    this.#host = host
    this.#room = new ByteRoom(host.maxBytes)
    this.#smallBytes = Math.min(SMALL_BYTES, Math.floor(host.maxBytes / host.concurrency))
    this.#renewal = startInterval(() => this.renew(), this.#options.leaseMs / 3)
  }

  /** Begins no further event. Those that run are settled all the same. */
  stop(): void {
    this.#stopped = true
  }

  /** Resolves when nothing runs that `take` waits for. */
  async idle(): Promise<void> {
    while (this.#attached.size > 0) await Promise.all(this.#attached)
  }

  /** Once nothing can be settled any more. What still runs may be delivered again after its lease. */
  close(): void {
    clearInterval(this.#renewal)
    for (const { controller, settled } of this.#held)
      if (!settled) controller.abort(new TradecloudWebhookError('unavailable', 'The inbox is closed.'))
    this.#held.clear()
  }

  /** Delivers what is due in a line. Resolves when its slot is free, which may be before the last delivery is settled. */
  async take(line: string): Promise<void> {
    const host = this.#host
    if (!host) return
    // For another process.
    if (this.#ended()) return this.#options.wake(line)
    const token = randomBytes(12).toString('base64url')
    const until = Date.now() + TURN_MS
    for (let count = 1; ; count++) {
      const turn = newTurn(line, token, `${token}.${count}`)
      const begun = await this.#begin(turn)
      if (!begun) return
      const delivery = deliveryOf(begun, turn.controller.signal)
      turn.delivery = delivery
      this.#held.add(turn)
      this.#running.set(delivery, turn)
      await this.#run(host, delivery)
      turn.attached = false
      this.#room.give(delivery.bytes.length)
      // Not settled: its callback still runs. The lease goes on being renewed, and `settle` goes on with the line.
      if (!turn.settled || turn.lost) return
      this.#held.delete(turn)
      if (this.#ended() || Date.now() > until) return this.#release(turn)
    }
  }

  async settle(delivery: InboxDelivery, settlement: Settlement): Promise<boolean> {
    const turn = this.#running.get(delivery)
    if (!turn || turn.lost || turn.settling) return false
    turn.settling = true
    const { event } = delivery
    const noted = await this.#persist(() => this.#options.storage.settle(turn.run, event, settlement))
    if (noted === false) this.#lose(turn)
    if (noted !== true) return false
    turn.settled = true
    if (!turn.attached) {
      this.#held.delete(turn)
      void this.#release(turn)
    }
    return true
  }

  /** Renews all leases: each third of their time, and as soon as Redis is back. */
  renew(): void {
    for (const turn of this.#held) void this.#renew(turn)
  }

  /** Begins the head of the line, with room for its body. Lets go of the line where there is nothing to begin. */
  async #begin(turn: Turn): Promise<(Begun & { kind: 'event' }) | undefined> {
    for (let most = this.#smallBytes; ;) {
      await Promise.race([this.#room.take(most), this.#closed])
      const begun = await this.#persist(() => this.#options.storage.begin(turn, most))
      this.#held.delete(turn)
      if (begun?.kind === 'event' && !this.#ended()) {
        this.#room.give(most - begun.bytes.length)
        return begun
      }
      this.#room.give(most)
      if (begun?.kind === 'later') this.#options.wake(turn.line, begun.dueInMs)
      else if (begun && this.#ended()) await this.#release(turn)
      if (begun?.kind !== 'large' || this.#ended()) return undefined
      // The line is kept while it waits for room.
      this.#held.add(turn)
      most = begun.bytes
    }
  }

  async #run(host: InboxHost, delivery: InboxDelivery): Promise<void> {
    const run = Promise.race([host.run(delivery), this.#closed])
    this.#attached.add(run)
    try {
      await run
    } finally {
      this.#attached.delete(run)
    }
  }

  async #renew(turn: Turn): Promise<void> {
    try {
      const renewed = await this.#options.storage.renew(turn, turn.delivery?.event.id ?? '')
      // Without a delivery nothing runs yet: whether the line is still there is seen when it begins.
      if (!renewed && this.#held.has(turn) && turn.delivery) this.#lose(turn)
    } catch (error) {
      failed(error) // whether it is lost is found out when Redis is back
    }
  }

  #lose(turn: Turn): void {
    if (turn.lost || turn.settled) return
    turn.lost = true
    this.#held.delete(turn)
    const error = new TradecloudWebhookError(
      'lease_lost',
      'The lease of an event was lost: another process may call its callback as well.',
    )
    turn.controller.abort(error)
    this.#host?.alarm(error)
  }

  async #release(hold: Hold): Promise<void> {
    const dueInMs = await this.#persist(async () => ({ in: await this.#options.storage.release(hold) }))
    if (dueInMs?.in !== undefined) this.#options.wake(hold.line, dueInMs.in)
  }

  /** May change at each `await`. */
  #ended(): boolean {
    return this.#stopped
  }

  #persist<T>(work: () => Promise<T>): Promise<T | undefined> {
    return persist(this.#options.closing, work, failed)
  }
}

function newTurn(line: string, token: string, run: string): Turn {
  const controller = new AbortController()
  return { line, token, run, controller, attached: true, settled: false, settling: false, lost: false }
}

function deliveryOf(begun: Begun & { kind: 'event' }, signal: AbortSignal): InboxDelivery {
  const { event, bytes, attempt, firstAttemptAt, replay } = begun
  return { event, bytes, attempt, firstAttemptAt, replay, signal }
}

function failed(error: unknown): void {
  debugBullmq('%s', (error as Error).message)
}

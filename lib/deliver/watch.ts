/**
 * Watches deliveries: renews the leases of their claims, aborts a delivery whose lease was lost, and reports a callback
 * that does not end.
 */
import { TradecloudWebhookError } from '../errors/errors'
import type { Claim, Claims } from './dedupe/claims'
import type { Trigger } from '../events/trigger'
import { startInterval, type Timer } from '../wait/timers'

export interface Watched {
  trigger: Trigger
  claim?: Claim | undefined
  abort: AbortController
  /** When the callback was called, on the monotonic clock. Absent before the call and after it. */
  callingSince?: number | undefined
}

export const LEASE_MS = 60_000
const STUCK_MS = 10 * 60_000
const TICK_MS = LEASE_MS / 3

export class Watch {
  readonly #alarm: (error: TradecloudWebhookError, trigger: Trigger) => void
  readonly #claims: Claims | undefined
  readonly #running = new Set<Watched>()
  readonly #reported = new WeakSet<Watched>()
  #timer: Timer | undefined

  constructor(alarm: (error: TradecloudWebhookError, trigger: Trigger) => void, claims?: Claims) {
    this.#alarm = alarm
    this.#claims = claims
  }

  add(watched: Watched): void {
    this.#running.add(watched)
    this.#timer ??= startInterval(() => this.#tick(), TICK_MS)
  }

  remove(watched: Watched): void {
    this.#running.delete(watched)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    if (this.#running.size === 0) this.stop()
    for (const watched of this.#running) {
      void this.#renew(watched)
      const { callingSince } = watched
      if (callingSince === undefined || performance.now() - callingSince < STUCK_MS || this.#reported.has(watched))
        continue
      this.#reported.add(watched)
      this.#alarm(
        new TradecloudWebhookError('handler_stuck', 'A callback has been running for more than 10 minutes.'),
        watched.trigger,
      )
    }
  }

  async #renew(watched: Watched): Promise<void> {
    const { claim, abort, trigger } = watched
    if (!claim || abort.signal.aborted || (await this.#claims?.renew(claim))) return
    if (!this.#running.has(watched)) return
    const error = new TradecloudWebhookError(
      'lease_lost',
      'The lease of an event was lost: another process may call its callback as well.',
    )
    abort.abort(error)
    this.#alarm(error, trigger)
  }
}

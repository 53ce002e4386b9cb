/**
 * Keeps an eye on running callbacks: renews the leases of their claims, aborts the one whose lease was lost, and reports
 * the one that does not come to an end.
 */
import { TradecloudWebhookError } from '../errors'
import type { Claim } from './claims'
import type { Trigger } from '../trigger'

export interface Watched {
  trigger: Trigger
  claim: Claim | undefined
  controller: AbortController
}

export const LEASE_MS = 60_000
const STUCK_MS = 10 * 60_000
const TICK_MS = LEASE_MS / 3

export class Watch {
  readonly #alarm: (error: TradecloudWebhookError, trigger: Trigger) => void
  readonly #running = new Map<Watched, { since: number; reported: boolean }>()
  #timer: NodeJS.Timeout | undefined

  constructor(alarm: (error: TradecloudWebhookError, trigger: Trigger) => void) {
    this.#alarm = alarm
  }

  /** Watches until the returned function is called. */
  add(watched: Watched): () => void {
    this.#running.set(watched, { since: Date.now(), reported: false })
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref()
    return () => this.#running.delete(watched)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    if (this.#running.size === 0) this.stop()
    for (const [watched, seen] of this.#running) {
      void this.#renew(watched)
      if (seen.reported || Date.now() - seen.since < STUCK_MS) continue
      seen.reported = true
      this.#alarm(new TradecloudWebhookError('handler_stuck', 'A callback has been running for more than 10 minutes.'), watched.trigger)
    }
  }

  async #renew(watched: Watched): Promise<void> {
    const { claim, controller, trigger } = watched
    if (!claim || controller.signal.aborted || (await claim.renew())) return
    if (!this.#running.has(watched)) return
    const error = new TradecloudWebhookError('lease_lost', 'The lease of an event was lost: another process may call its callback as well.')
    controller.abort(error)
    this.#alarm(error, trigger)
  }
}

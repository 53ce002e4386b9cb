/** Alarms for operators. Alarms that were raised before a process was attached are delivered to it later. */
import { TradecloudWebhookError } from '../../errors/errors'
import { pause } from '../../wait/pause'
import { unavailable } from '../unavailable'
import type { InboxHost } from '../inbox'

export class Alarms {
  #host: InboxHost | undefined
  readonly #early: TradecloudWebhookError[] = []
  readonly #failing = new Set<string>()
  readonly #closing: AbortSignal

  constructor(closing: AbortSignal) {
    this.#closing = closing
  }

  attach(host: InboxHost): void {
    this.#host = host
    this.#early.splice(0).forEach((error) => host.alarm(error))
  }

  raise(error: TradecloudWebhookError): void {
    if (this.#host) this.#host.alarm(error)
    else this.#early.push(error)
  }

  warn(message: string): void {
    this.raise(unavailable(message))
  }

  /** Repeats background work until the inbox is closed. */
  async repeat(work: string, everyMs: number, run: () => Promise<void>): Promise<void> {
    do {
      try {
        await run()
        this.worked(work)
      } catch (error) {
        this.failed(work, error)
      }
    } while (await pause(everyMs, this.#closing))
  }

  /**
   * Raises an alarm for the first failure of background work, and none for further failures until all background work
   * succeeds again. Failed requests are reported by their callers.
   */
  failed(work: string, cause: unknown): void {
    if (this.#closing.aborted) return
    const isFirst = this.#failing.size === 0
    this.#failing.add(work)
    const text = cause instanceof Error ? cause.message : String(cause)
    if (isFirst) this.raise(new TradecloudWebhookError('inbox_unusable', `The inbox does not work: ${text}`, { cause }))
  }

  worked(work: string): void {
    this.#failing.delete(work)
  }
}

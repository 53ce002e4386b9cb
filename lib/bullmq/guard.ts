/**
 * Lets events in only while Redis is connected and was found safe: checks it at each connect and every 30 seconds, so
 * that a person can mend a setting while the process runs.
 */
import type { Redis } from 'ioredis'
import { debugBullmq } from './connections'
import { pause } from '../wait/pause'
import { unavailable } from '../inbox/unavailable'
import { checkSafety, type Verdict } from './safety'
import type { TradecloudWebhookError } from '../errors/errors'

const RECHECK_MS = 30_000
/** After a check that could not be finished. */
const AGAIN_MS = 500

interface Waiter {
  resolve: () => void
  reject: (error: TradecloudWebhookError) => void
}

export class Guard {
  readonly #redis: Redis
  readonly #trustPersistence: boolean
  readonly #closing: AbortSignal
  readonly #refused: (error: TradecloudWebhookError) => void
  readonly #waiting: Waiter[] = []
  /** Of the connection that there is now; absent while there is none, or it is not known yet. */
  #verdict: Verdict | undefined
  /** The refusal that was told last, until Redis is found safe. */
  #told: string | undefined
  #checks = 0

  constructor(
    redis: Redis,
    options: { trustPersistence: boolean; closing: AbortSignal; refused: (error: TradecloudWebhookError) => void },
  ) {
    this.#redis = redis
    this.#trustPersistence = options.trustPersistence
    this.#closing = options.closing
    this.#refused = options.refused
    redis.on('ready', () => void this.#watch())
    redis.on('close', () => {
      this.#checks++
      this.#verdict = undefined
    })
    this.#closing.addEventListener('abort', () => this.#decide())
  }

  /** Resolves once events can be accepted, rejects where Redis is refused. Waits while Redis is away. */
  ready(): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#decide()
    })
    promise.catch(() => undefined) // who calls this may look at it later
    return promise
  }

  /** How events must be made safe. Throws while none can be. */
  async open(): Promise<'fsync' | 'waitaof'> {
    if (this.#closing.aborted) throw closed()
    if (this.#redis.status !== 'ready') throw unavailable('Redis is not connected.')
    // Connected a moment ago: the check is under way.
    if (!this.#verdict) await this.ready()
    const verdict = this.#verdict
    if (!verdict) throw unavailable('Redis is not connected.')
    if (verdict.safe === false) throw unavailable(verdict.reason)
    return verdict.safe
  }

  /** One loop for each connect; the next one ends it. */
  async #watch(): Promise<void> {
    const check = ++this.#checks
    const current = () => check === this.#checks && !this.#closing.aborted
    while (current()) {
      let waitMs = RECHECK_MS
      try {
        const verdict = await checkSafety(this.#redis, this.#trustPersistence)
        if (!current()) return
        this.#verdict = verdict
        this.#tell(verdict)
        this.#decide()
      } catch (error) {
        debugBullmq('check of Redis: %s', (error as Error).message)
        waitMs = AGAIN_MS
      }
      await pause(waitMs, this.#closing)
    }
  }

  #tell(verdict: Verdict): void {
    const reason = verdict.safe === false ? verdict.reason : undefined
    if (reason !== undefined && reason !== this.#told) this.#refused(unavailable(reason))
    this.#told = reason
  }

  #decide(): void {
    const refusal = this.#closing.aborted
      ? closed()
      : this.#verdict?.safe === false
        ? unavailable(this.#verdict.reason)
        : undefined
    if (!refusal && !this.#verdict) return
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (refusal) reject(refusal)
      else resolve()
    }
  }
}

function closed(): TradecloudWebhookError {
  return unavailable('The inbox is closed.')
}

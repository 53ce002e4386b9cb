/**
 * Limits the concurrent requests, and the requests that arrive at the server in any second. Waiters are served first
 * in, first out, except that waiters with `first` are served before all others. An aborted waiter is removed.
 *
 * A request counts until one second after its response. By then, the request certainly arrived at least one second ago,
 * so another request may take its place. One second after the request was sent, this would not be certain: the request
 * may have taken long to arrive.
 */
import { startTimer, type Timer } from '../wait/timers'

/** One second, plus a tolerance for clock differences between client and server. */
const WINDOW_MS = 1_020
/** A request that ended without a response may still arrive at the server this long after its end. */
const UNANSWERED_MS = 1_000

/**
 * Permission to send one request. The holder must call exactly one of the two functions; further calls have no effect.
 */
export interface Slot {
  /** To be called when the request has ended, with or without a response. */
  done: (answered: boolean) => void
  /** To be called if nothing was sent: the next waiter gets the slot at once. */
  cancel: () => void
}

export interface TakeOptions {
  signal?: AbortSignal | undefined
  /**
   * True to be served before all waiters without `first`. Requests for a token use this, because the other requests
   * need the token. Default: false.
   */
  first?: boolean
}

const FREE: Slot = { done: () => undefined, cancel: () => undefined }

export class RateLimit {
  readonly #limit: number
  readonly #parallel: number
  /** The latest possible arrival times of ended requests, on the clock of `performance.now()`, oldest first. */
  readonly #doneAt: number[] = []
  /** Number of slots in use: given to a waiter, and neither done nor cancelled. */
  #underWay = 0
  readonly #first = new Set<() => void>()
  readonly #line = new Set<() => void>()
  #timer: Timer | undefined

  /** `limit`: requests in any second; `parallel`: concurrent requests. `Infinity` disables a limit. */
  constructor(limit: number, parallel = Infinity) {
    this.#limit = limit
    this.#parallel = parallel
  }

  /** Resolves with `undefined` if the signal aborted the wait. */
  take({ signal, first = false }: TakeOptions = {}): Promise<Slot | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined)
    if (this.#limit === Infinity && this.#parallel === Infinity) return Promise.resolve(FREE)
    const line = first ? this.#first : this.#line
    return new Promise((resolve) => {
      const giveUp = () => {
        line.delete(go)
        this.#serve()
        resolve(undefined)
      }
      const go = () => {
        signal?.removeEventListener('abort', giveUp)
        resolve(this.#slot())
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      line.add(go)
      this.#serve()
    })
  }

  #slot(): Slot {
    let open = true
    const end = (doneAt?: number) => {
      if (!open) return
      open = false
      this.#underWay--
      if (doneAt !== undefined) {
        this.#doneAt.push(doneAt)
        this.#doneAt.sort((a, b) => a - b)
      }
      this.#serve()
    }
    return { done: (answered) => end(performance.now() + (answered ? 0 : UNANSWERED_MS)), cancel: () => end() }
  }

  #serve(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    while (this.#doneAt[0] !== undefined && now - this.#doneAt[0] >= WINDOW_MS) this.#doneAt.shift()
    for (const line of [this.#first, this.#line]) {
      for (const go of line) {
        if (this.#underWay >= Math.min(this.#parallel, this.#limit - this.#doneAt.length)) break
        line.delete(go)
        this.#underWay++
        go()
      }
    }
    const [oldest] = this.#doneAt
    if (this.#first.size + this.#line.size === 0 || oldest === undefined) return
    // This timer must keep the process alive, because a waiting caller has no socket that would.
    this.#timer = startTimer(() => this.#serve(), Math.ceil(oldest + WINDOW_MS - now), true)
  }
}

/**
 * So many requests in any second, as the server sees it. Who comes first goes first; who gives up leaves the line. A
 * place is free again a good second after its request was answered, not after it was sent: only then is it certain that
 * it had arrived, however long it was held up on its way, and that the next one arrives a second later.
 */
import { startTimer, type Timer } from '../wait/timers'

/** A second, and slack for the clocks of both sides. */
const WINDOW_MS = 1_020
/** A request that was broken off may still be on its way, and arrive after its end here. */
const UNANSWERED_MS = 1_000

/** Leave to send one request. Exactly one of the two is to be called; after the first call both do nothing. */
export interface Slot {
  /** The request is over: with an answer, or without one. */
  done: (answered: boolean) => void
  /** Nothing was sent: the place goes to the next in line at once. */
  cancel: () => void
}

export interface TakeOptions {
  signal?: AbortSignal | undefined
  /** In front of the line. For requests for a token, without which no other could be sent. Default: false. */
  first?: boolean
}

const FREE: Slot = { done: () => undefined, cancel: () => undefined }

export class RateLimit {
  readonly #limit: number
  readonly #parallel: number
  /** When requests had arrived at the latest, on the clock of `performance.now()`, oldest first. */
  readonly #doneAt: number[] = []
  /** Allowed and not answered yet. */
  #underWay = 0
  readonly #first = new Set<() => void>()
  readonly #line = new Set<() => void>()
  #timer: Timer | undefined

  /** `limit`: requests in any second; `parallel`: requests that run at the same time. `Infinity` switches one off. */
  constructor(limit: number, parallel = Infinity) {
    this.#limit = limit
    this.#parallel = parallel
  }

  /** Resolves with `undefined` where the signal ended the wait. */
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

  /** Lets in whom there is a place for, and wakes up when the next place is free. */
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
    // Keeps the process alive: those who wait have nothing else that does.
    this.#timer = startTimer(() => this.#serve(), Math.ceil(oldest + WINDOW_MS - now), true)
  }
}

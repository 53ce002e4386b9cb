/** Three classes: for work that waits for a free slot, for work with the same key, and for work in progress. */
import { startTimer } from './timers'

/** Limits how much work runs at the same time. While no slot is free, further work waits in order of arrival. */
export class Slots {
  #free: number
  readonly #waiting = new Set<(got: boolean) => void>()

  constructor(count: number) {
    this.#free = count
  }

  tryTake(): boolean {
    if (this.#free === 0) return false
    this.#free--
    return true
  }

  /**
   * Waits for a slot. `taken` resolves with true once the caller has a slot, or with false if `cancel` is called before
   * that.
   */
  wait(): { taken: Promise<boolean>; cancel: () => void } {
    let resolve: (got: boolean) => void = () => undefined
    const taken = new Promise<boolean>((settle) => (resolve = settle))
    this.#waiting.add(resolve)
    return {
      taken,
      cancel: () => {
        if (this.#waiting.delete(resolve)) resolve(false)
      },
    }
  }

  give(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next(true)
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.tryTake()) await this.wait().taken
    try {
      return await work()
    } finally {
      this.give()
    }
  }
}

export type Turn = 'mine' | 'waited_too_long' | 'abandoned'

/** A place in the queue of a key. */
export interface Place {
  readonly key: string
  /** `'mine'` at once if the queue was empty; otherwise resolves once the wait has ended. */
  turn: 'mine' | Promise<Turn>
  /** Ends the wait. Only the first call has an effect. Absent if there is no wait. */
  wake?: (turn: Turn) => void
}

/** One queue per key: work with the same key runs one after another, and does not wait for work with other keys. */
export class Lines {
  readonly #lines = new Map<string, Place[]>()
  readonly #maxWaiting: number
  readonly #waitMs: number

  constructor(maxWaiting: number, waitMs: number) {
    this.#maxWaiting = maxWaiting
    this.#waitMs = waitMs
  }

  /** Takes the last place in a queue. Returns `undefined` if the queue is full. */
  enter(key: string): Place | undefined {
    let line = this.#lines.get(key)
    if (line === undefined) this.#lines.set(key, (line = []))
    if (line.length > this.#maxWaiting) return undefined
    const place: Place = { key, turn: 'mine' }
    if (line.length > 0) {
      place.turn = new Promise((resolve) => {
        const timer = startTimer(() => resolve('waited_too_long'), this.#waitMs)
        place.wake = (turn) => {
          clearTimeout(timer)
          resolve(turn)
        }
      })
    }
    line.push(place)
    return place
  }

  /** Gives up a place, even if its turn has not come. If the place was the first, the next place gets its turn. */
  leave(place: Place): void {
    place.wake?.('abandoned')
    const line = this.#lines.get(place.key) ?? []
    const at = line.indexOf(place)
    if (at < 0) return
    line.splice(at, 1)
    if (line.length === 0) this.#lines.delete(place.key)
    else if (at === 0) line[0]?.wake?.('mine')
  }
}

/**
 * Objects that are in progress, such as open requests. They are kept in an array, not in a Set. While objects come and
 * go, a Set copies its entries to new tables. Each old table still refers to removed objects and to the next table.
 * Once an old table is in V8's old generation, all of these objects stay in memory until the next full garbage
 * collection. On Node 24, a Set adds 7 % to the CPU time of a small event.
 */
export class InProgress<T> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** Adds an object, which must not be contained already. */
  add(item: T): void {
    this.#items.push(item)
  }

  /** Returns true if the object was contained. Searches from the end, because most objects leave soon. */
  delete(item: T): boolean {
    const at = this.#items.lastIndexOf(item)
    const last = this.#items.at(-1)
    if (at < 0 || last === undefined) return false
    this.#items[at] = last
    this.#items.pop()
    return true
  }

  /** The objects at the moment of the call, in no particular order. */
  get all(): readonly T[] {
    return [...this.#items]
  }
}

/** Limits concurrency. Further work waits in order of arrival. */
export class Slots {
  #free: number
  readonly #waiting = new Set<(got: boolean) => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Takes a slot if one is free. Returns true if it did. */
  tryTake(): boolean {
    if (this.#free === 0) return false
    this.#free--
    return true
  }

  /**
   * Waits for a slot. `taken` resolves with true once the caller has a slot, or with false after `cancel` was called.
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

  /** Runs `work` in a slot, as soon as one is free. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.tryTake()) await this.wait().taken
    try {
      return await work()
    } finally {
      this.give()
    }
  }
}

/** Bounds how many callbacks run at once; the rest wait in order of arrival. */
export class Slots {
  #free: number
  readonly #waiting = new Set<(got: boolean) => void>()

  constructor(concurrency: number) {
    this.#free = concurrency
  }

  /** True with a slot, where one is free. */
  tryTake(): boolean {
    if (this.#free === 0) return false
    this.#free--
    return true
  }

  /** For when none is free: resolves true with a slot, or false once `cancel` was called. */
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
}

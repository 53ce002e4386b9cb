/** Bounds how many callbacks run at once; the rest wait in order of arrival. */
export class Slots {
  #free: number
  readonly #waiting = new Set<(got: boolean) => void>()

  constructor(concurrency: number) {
    this.#free = concurrency
  }

  /** Resolves true with a slot, or false once `cancel` was called. */
  take(): { taken: Promise<boolean>; cancel: () => void } {
    if (this.#free > 0) {
      this.#free--
      return { taken: Promise.resolve(true), cancel: () => undefined }
    }
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

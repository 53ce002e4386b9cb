/** Limits the bytes of all bodies in memory: many large bodies at the same time must not end the process. */
export class ByteBudget {
  #used = 0
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get full(): boolean {
    return this.#used >= this.#max
  }

  /** Returns true if the bytes fit, and counts them from then on. */
  take(bytes: number): boolean {
    if (!this.fits(bytes)) return false
    this.#used += bytes
    return true
  }

  fits(bytes: number): boolean {
    return this.#used + bytes <= this.#max
  }

  give(bytes: number): void {
    this.#used -= bytes
  }
}

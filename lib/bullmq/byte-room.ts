/** How many bytes of bodies may be out at a time: who wants more than there is room for waits, first come first served. */
export class ByteRoom {
  readonly #most: number
  readonly #waiting: { bytes: number; enter: () => void }[] = []
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /** What is larger than all the room enters alone. */
  take(bytes: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ bytes, enter })
      this.#admit()
    })
  }

  give(bytes: number): void {
    this.#taken -= bytes
    this.#admit()
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#taken += next.bytes
      next.enter()
    }
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#most
  }
}

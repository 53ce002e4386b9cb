/** Random choices determined by a seed and a number. */
import { createRandom } from '../../lib/testing/random'

export class Dice {
  readonly #random: () => number

  constructor(seed: number, stream: number) {
    this.#random = createRandom(seed, stream)
  }

  /** A number from 0 up to, but not including, `below`. */
  number(below: number): number {
    return Math.floor(this.#random() * below)
  }

  chance(part: number): boolean {
    return this.#random() < part
  }

  pick<T>(list: readonly T[]): T {
    return list[this.number(list.length)] as T
  }

  /** A number below `max` that is mostly small. */
  size(max: number): number {
    return Math.floor(max * this.#random() ** 6)
  }

  text(letters: string, maxLength: number): string {
    let text = ''
    for (let left = this.number(maxLength + 1); left > 0; left--) text += letters[this.number(letters.length)] ?? ''
    return text
  }

  bytes(maxLength: number): Buffer {
    return Buffer.from(Array.from({ length: this.number(maxLength + 1) }, () => this.number(256)))
  }
}

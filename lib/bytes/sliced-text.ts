/** A text whose UTF-8 bytes are in slices cut between characters, addressed by byte positions. */
import { markLength } from './json'

export class SlicedText {
  /** The position after the byte order marks. */
  readonly begin: number
  readonly end: number
  /** The start of each slice. */
  readonly #starts: number[] = []

  constructor(readonly slices: readonly Buffer[]) {
    let end = 0
    for (const slice of slices) {
      this.#starts.push(end)
      end += slice.length
    }
    this.end = end
    let begin = 0
    for (const slice of slices) {
      const length = markLength(slice)
      begin += length
      if (length < slice.length) break
    }
    this.begin = begin
  }

  startOf(index: number): number {
    return this.#starts[index] ?? this.end
  }

  /** The text between two positions at which characters begin. */
  between(from: number, to: number): string {
    let text = ''
    for (let index = this.#indexAt(from), at = from; at < to; index++) {
      const start = this.startOf(index)
      text += this.slices[index]?.toString('utf8', at - start, to - start) ?? ''
      at = this.startOf(index + 1)
    }
    return text
  }

  #indexAt(position: number): number {
    let low = 0
    let high = this.slices.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.startOf(middle) <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}

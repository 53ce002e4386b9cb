/** A text whose UTF-8 bytes are in slices that were cut between characters. Positions are counted in bytes. */
import { isUtf8 } from 'node:buffer'
import { SLICE_BYTES } from './characters'
import { markLength } from './json'

type Range = readonly [from: number, to: number]
export type TextPart = string | Range

export class SlicedText {
  /** The position after the byte order marks. */
  readonly begin: number
  readonly end: number
  readonly #starts: number[] = []
  /** The number of slices that were found to be valid UTF-8. */
  #checked = 0
  /** The buffer in which `join` concatenates bytes; each call reuses it. */
  #room = Buffer.alloc(0)

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

  /** Whether all slices up to this one are valid UTF-8. */
  isUtf8(index: number): boolean {
    while (this.#checked <= index && isUtf8(this.slices[this.#checked] ?? Buffer.alloc(0))) this.#checked++
    return this.#checked > index
  }

  /** The text between two positions; a character must begin at each of them. */
  between(from: number, to: number): string {
    return this.join([[from, to]])
  }

  /**
   * Concatenates ASCII texts and parts of this text. Bytes are concatenated rather than strings: V8 copies a
   * concatenated string once more before it is parsed.
   */
  join(parts: readonly TextPart[]): string {
    const size = parts.reduce((sum, part) => sum + (typeof part === 'string' ? part.length : part[1] - part[0]), 0)
    if (size > this.#room.length) this.#room = Buffer.allocUnsafeSlow(size + SLICE_BYTES)
    let length = 0
    for (const part of parts)
      length += typeof part === 'string' ? this.#room.write(part, length, 'latin1') : this.#copy(part, length)
    return this.#room.toString('utf8', 0, length)
  }

  /**
   * The first position at or after `from` where the text contains these bytes. Slices that begin at or after `to` are
   * not searched, and bytes that are cut between two slices are not found.
   */
  find(bytes: Buffer, from: number, to: number): number | undefined {
    for (let index = this.indexAt(from), start = from; start < Math.min(to, this.end); index++) {
      start = this.startOf(index)
      const at = this.slices[index]?.indexOf(bytes, Math.max(from - start, 0)) ?? -1
      if (at >= 0) return start + at
      start = this.startOf(index + 1)
    }
    return undefined
  }

  #copy([from, to]: Range, length: number): number {
    for (let index = this.indexAt(from), at = from; at < to; index++) {
      const start = this.startOf(index)
      this.slices[index]?.copy(this.#room, length + at - from, at - start, to - start)
      at = this.startOf(index + 1)
    }
    return to - from
  }

  /** Index of the slice that contains a position. */
  indexAt(position: number): number {
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

/**
 * The bytes of a body, in the pieces that they came in: a second copy of a large body takes its memory twice, and makes V8
 * collect garbage at once. Small pieces are copied together: a sender who puts each byte into an HTTP chunk of its own would
 * make a Buffer of each, which takes a hundred times the memory of what is in it.
 */
import { isAnyArrayBuffer } from 'node:util/types'

const SMALL = 1024
const ROOM = 64 * 1024
/** A piece keeps all of the memory that it was cut from: it is copied where it is less than this part of that. */
const PART = 1 / 4

/** Not out of Node's pool, which each of its parts would keep as a whole. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/** The bytes of text or of any binary type, of any realm: Jest gives tests another `Uint8Array` than Node's. */
export function bytesOf(value: unknown, encoding: BufferEncoding = 'utf8'): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value, encoding)
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return isAnyArrayBuffer(value) ? Buffer.from(value) : undefined
}

export class Pieces {
  /** Bytes in all. */
  size = 0
  #whole: Buffer[] = []
  /** Where small pieces are gathered, and how much of it is filled. */
  #room: Buffer | undefined
  #filled = 0

  /** Bytes that are there already. */
  static of(bytes: Buffer): Pieces {
    const pieces = new Pieces()
    pieces.#whole.push(bytes)
    pieces.size = bytes.length
    return pieces
  }

  add(piece: Buffer): void {
    const isFirst = this.size === 0
    this.size += piece.length
    if ((piece.length >= SMALL || isFirst) && piece.length >= PART * piece.buffer.byteLength) {
      this.#closeRoom()
      this.#whole.push(piece)
      return
    }
    if (this.#room && this.#filled + piece.length > this.#room.length) this.#closeRoom()
    if (this.#room && piece.length > this.#room.length) this.#room = undefined
    // Of most bodies the first piece is all. Not out of Node's pool, which each of its parts would keep as a whole.
    this.#room ??= Buffer.allocUnsafeSlow(
      isFirst ? piece.length : Math.max(piece.length, Math.min(ROOM, 2 * this.size)),
    )
    this.#filled += piece.copy(this.#room, this.#filled)
  }

  /** For when no more come: what is left of a room is given up. */
  get all(): readonly Buffer[] {
    if (this.#room) {
      this.#closeRoom()
      this.#room = undefined
      const last = this.#whole.at(-1)
      if (last && last.length < PART * last.buffer.byteLength) this.#whole[this.#whole.length - 1] = copyOf(last)
    }
    return this.#whole
  }

  /** The first bytes, at most `length`. */
  start(length: number): Buffer {
    const [first] = this.all
    if (first && first.length >= length) return first.subarray(0, length)
    return Buffer.concat(this.#whole.slice(0, length)).subarray(0, length)
  }

  /** All in one, which takes the place of the pieces. */
  get whole(): Buffer {
    const [first, ...others] = this.all
    if (first && others.length === 0) return first
    const joined = Buffer.concat(this.#whole, this.size)
    this.#whole = [joined]
    return joined
  }

  #closeRoom(): void {
    if (!this.#room || this.#filled === 0) return
    // What is left of the room takes the next small pieces.
    this.#whole.push(this.#room.subarray(0, this.#filled))
    const rest = this.#room.subarray(this.#filled)
    this.#room = rest.length >= SMALL ? rest : undefined
    this.#filled = 0
  }
}

/**
 * The pieces of a body while it arrives. Small ones are copied together: a sender who puts each byte into an HTTP chunk of
 * its own would make a Buffer of each, which takes a hundred times the memory of what is in it.
 */

const SMALL = 1024
const ROOM = 64 * 1024
/** A piece keeps all of the memory that it was cut from: it is copied where it is less than this part of that. */
const PART = 1 / 4

export class Pieces {
  /** Bytes in all. */
  size = 0
  readonly #expected: number
  readonly #whole: Buffer[] = []
  /** Where small pieces are gathered, and how much of it is filled. */
  #room: Buffer | undefined
  #filled = 0

  /** `expected`: bytes that will come, where that is known; no more of them may. 0: not known. */
  constructor(expected = 0) {
    this.#expected = expected
  }

  add(piece: Buffer): void {
    const isFirst = this.size === 0
    this.size += piece.length
    if (this.#expected >= ROOM) {
      // A large body goes right to its place: kept in pieces it would be in memory twice for a moment.
      this.#room ??= Buffer.allocUnsafeSlow(this.#expected)
      this.#filled += piece.copy(this.#room, this.#filled)
      return
    }
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

  /** The bytes in one, without a copy where one piece is all. */
  join(): Buffer {
    this.#closeRoom()
    const [first] = this.#whole
    return this.#whole.length === 1 && first ? first : Buffer.concat(this.#whole, this.size)
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

/**
 * Keeps bodies in memory, in the pieces in which their bytes arrived: copying a large body would double its memory and
 * start a garbage collection. Small pieces are combined: for a sender that puts each byte into its own HTTP chunk, a
 * Buffer per byte would take a hundred times the memory.
 */
import { isAnyArrayBuffer } from 'node:util/types'
import { Turns } from './turns'

const SMALL = 1024
const ROOM = 64 * 1024
/**
 * A piece keeps alive the whole Buffer from which it was cut. A piece that is smaller than this fraction of its Buffer
 * is copied instead.
 */
const PART = 1 / 4

/** Does not use Node's pool, because each slice of the pool keeps the whole pool alive. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/** The bytes of a text or of any binary type. Also accepts a `Uint8Array` of another realm, such as in Jest. */
export function bytesOf(value: unknown, encoding: BufferEncoding = 'utf8'): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value, encoding)
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return isAnyArrayBuffer(value) ? Buffer.from(value) : undefined
}

export class Pieces {
  size = 0
  #whole: Buffer[] = []
  /** The Buffer that collects small pieces, and how much of it is filled. */
  #room: Buffer | undefined
  #filled = 0

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
      if (this.#room) this.#closeRoom()
      this.#whole.push(piece)
      return
    }
    if (this.#room && this.#filled + piece.length > this.#room.length) this.#closeRoom()
    if (this.#room && piece.length > this.#room.length) this.#room = undefined
    // Not from Node's pool; see `copyOf`. The first Buffer has no spare room, because most bodies have a single piece.
    this.#room ??= Buffer.allocUnsafeSlow(
      isFirst ? piece.length : Math.max(piece.length, Math.min(ROOM, 2 * this.size)),
    )
    this.#filled += piece.copy(this.#room, this.#filled)
  }

  /**
   * All pieces. To be read only after the last `add`, because reading them closes the Buffer that collects small
   * pieces, and frees it if little of it is filled.
   */
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

  /** All bytes in one Buffer, which replaces the pieces. */
  get whole(): Buffer {
    const [first, ...others] = this.all
    if (first && others.length === 0) return first
    const joined = Buffer.concat(this.#whole, this.size)
    this.#whole = [joined]
    return joined
  }

  /** Like `whole`, but yields to the event loop in between: putting 50 MB together takes 20 to 150 ms. */
  async join(turns = new Turns()): Promise<Buffer> {
    const pieces = this.all
    if (pieces.length < 2) return this.whole
    const joined = Buffer.allocUnsafeSlow(this.size)
    let at = 0
    for (const piece of pieces) {
      at += piece.copy(joined, at)
      if (turns.over) await turns.next()
    }
    this.#whole = [joined]
    return joined
  }

  #closeRoom(): void {
    if (!this.#room || this.#filled === 0) return
    // The unused rest of the collecting Buffer takes the next small pieces, if it is large enough.
    this.#whole.push(this.#room.subarray(0, this.#filled))
    const rest = this.#room.subarray(this.#filled)
    this.#room = rest.length >= SMALL ? rest : undefined
    this.#filled = 0
  }
}

/** Limits the total bytes of all bodies in memory, because many large bodies at the same time could exhaust it. */
export class ByteBudget {
  free: number

  constructor(max: number) {
    this.free = max
  }

  /** Returns true if the bytes fit, and counts them from then on. */
  take(bytes: number): boolean {
    if (bytes > this.free) return false
    this.free -= bytes
    return true
  }

  give(bytes: number): void {
    this.free += bytes
  }
}

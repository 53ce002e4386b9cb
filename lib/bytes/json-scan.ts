/**
 * Scans the bytes of JSON for the brackets and commas between its values. The loop is in a function of its own, which
 * calls no other function. V8 compiles the loop again for each large body. If the parser were inlined into the loop,
 * each compilation would take ten times as long.
 */
import { MAX_DEPTH, MAX_VALUES } from './json'

/** The bytes at which a scan pauses. */
export const COMMA = 0x2c
export const LIST_END = 0x5d

const IN_OBJECT = -1

export class JsonScan {
  /** The position of the next byte, in the whole text. */
  at = 0
  depth = 0
  values = 1
  /** Depth of the innermost open list that has some entries parsed already; 0 if there is none. */
  longDepth = 0
  /** For each open list or object, by depth: the start of the list's unparsed entries; `IN_OBJECT` for an object. */
  readonly #from: number[] = [0]
  readonly #pauseBytes: number
  #inText = false

  /** Pauses after a comma if the unparsed entries before it have more than `pauseBytes`. */
  constructor(pauseBytes: number) {
    this.#pauseBytes = pauseBytes
  }

  /** Start of the unparsed entries of the list at `depth`. */
  from(depth: number): number {
    return this.#from[depth] ?? 0
  }

  isList(depth: number): boolean {
    return this.from(depth) !== IN_OBJECT
  }

  /** Continues at the entry that begins at the position `at`, in the list that is open. */
  moveTo(at: number): void {
    this.at = at
    this.#from[this.depth] = at
  }

  /**
   * Scans `bytes`, which begin at the position `start`, to their end or to the next pause. After a pause, returns the
   * last byte that was scanned: `COMMA`, or `LIST_END` at the end of the list at `longDepth`. At such a `LIST_END`,
   * `depth` is still the depth of the list that has ended. Throws if the brackets do not match, or if a limit is
   * exceeded.
   */
  run(bytes: Buffer, start: number): number | undefined {
    const { length } = bytes
    const pauseBytes = this.#pauseBytes
    let { depth, values } = this
    let from = this.#from[depth] ?? IN_OBJECT
    let inText = this.#inText
    let pause: number | undefined
    let i = this.at - start
    while (i < length) {
      if (inText) {
        let byte: number | undefined
        // The character after a backslash may be in the next slice: the next call then begins after it.
        while (i < length && (byte = bytes[i++]) !== 0x22 /* " */) if (byte === 0x5c /* \ */) i++
        inText = byte !== 0x22
        continue
      }
      const byte = bytes[i++]
      if (byte === 0x22) inText = true
      else if (byte === COMMA) {
        values++
        if (from >= 0 && start + i - from > pauseBytes && depth > 0) {
          pause = byte
          break
        }
      } else if (byte === 0x5b /* [ */ || byte === 0x7b /* { */) {
        if (++depth > MAX_DEPTH) throw new Doubt()
        values++
        from = byte === 0x5b ? start + i : IN_OBJECT
        this.#from[depth] = from
      } else if (byte === LIST_END || byte === 0x7d /* } */) {
        if (depth === 0 || from >= 0 !== (byte === LIST_END)) throw new Doubt()
        if (depth === this.longDepth) {
          pause = byte
          break
        }
        from = this.#from[--depth] ?? IN_OBJECT
      }
    }
    if (values > MAX_VALUES) throw new Doubt()
    this.at = start + i
    this.depth = depth
    this.values = values
    this.#inText = inText
    return pause
  }
}

/** Thrown to leave the text to `parseJson`, which reports errors exactly. */
export class Doubt extends Error {}

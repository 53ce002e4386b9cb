/**
 * Reads large JSON without blocking the event loop. Entries of long lists are parsed in batches, separately from the
 * text around them, in which a placeholder marks their position. The parts are valid JSON if and only if the whole is:
 * entries are cut only at the commas of their list, and the placeholder is a string, which is a valid entry of a list.
 */
import { randomUUID } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import type { Turns } from './turns'
import { SLICE_BYTES, slicesOf } from './characters'
import { SlicedText, type TextPart } from './sliced-text'
import {
  isHarmless,
  MAX_DEPTH,
  MAX_VALUES,
  objectsInheritKeys,
  parseJson,
  removePollutingKeys,
  withoutNuls,
  type JsonResult,
} from './json'

export interface SlicedReading {
  turns: Turns
  /** Checked between slices; true if the result is no longer needed. */
  unwanted?: (() => boolean) | undefined
  /**
   * Called with the value of the text up to the opening bracket of the first long list, parsed as if all open brackets
   * were closed there: the list is empty. Not called if that text is too long to be parsed twice.
   */
  onBeginning?: ((value: unknown) => void) | undefined
  /**
   * Number of bytes that are scanned before `turns` is checked. About as many are parsed at once. Default:
   * `SLICE_BYTES`. From 128 KiB on, V8 keeps each text in pages of its own, and parsing takes 14 % more CPU.
   */
  sliceBytes?: number | undefined
}

export const UNWANTED = { ok: false, reason: 'the request has been answered' } as const

/**
 * If the text before the first long list is longer than this, it is not parsed early, because it is parsed again at the
 * end.
 */
const MAX_BEGINNING = 4 * SLICE_BYTES

/**
 * Returns the same result as `parseJson`, to which it leaves malformed or unusual JSON. Returns `UNWANTED` if no one
 * needs the result any more.
 */
export async function parseJsonInSlices(
  content: readonly Buffer[],
  { turns, unwanted, onBeginning, sliceBytes = SLICE_BYTES }: SlicedReading,
): Promise<JsonResult> {
  const reader = new SlicedReader(slicesOf(withoutNuls(content), sliceBytes), sliceBytes, onBeginning)
  try {
    while (reader.next()) {
      if (unwanted?.() === true) return UNWANTED
      if (turns.over) await turns.next()
    }
    const value = reader.finish()
    return { ok: true, value, removedKeys: reader.isHarmless ? [] : removePollutingKeys(value) }
  } catch {
    return parseJson(content)
  }
}

/** The entries of a list that were parsed before the list ended. */
interface LongList {
  /** Position after its opening bracket. */
  start: number
  entries: unknown[]
}

/** The entries of a long list, between its brackets, which the placeholder `mark` replaces in the surrounding text. */
interface Hole {
  from: number
  to: number
  mark: string
}

const IN_OBJECT = -1

class SlicedReader {
  isHarmless = !objectsInheritKeys()
  readonly #text: SlicedText
  readonly #sliceBytes: number
  #onBeginning: ((value: unknown) => void) | undefined
  #next = 0
  #values = 1
  #depth = 0
  #inText = false
  #escaped = false
  /** For each open list or object, by depth: the start of the list's unparsed entries; `IN_OBJECT` for an object. */
  readonly #from: number[] = [0]
  readonly #long: Array<LongList | undefined> = []
  /** The long lists that were read to their ends, by the depth of the list that contains them; 0 if no list does. */
  readonly #holes: Hole[][] = [[]]
  readonly #uuid = randomUUID()
  readonly #byMark = new Map<unknown, unknown[]>()

  constructor(slices: readonly Buffer[], sliceBytes: number, onBeginning: ((value: unknown) => void) | undefined) {
    this.#text = new SlicedText(slices)
    this.#sliceBytes = sliceBytes
    this.#onBeginning = onBeginning
  }

  /**
   * Scans one slice, and parses entries of long lists. Returns false at the end. Throws if the JSON may be malformed,
   * or exceeds a limit.
   */
  next(): boolean {
    const slice = this.#text.slices[this.#next]
    if (slice === undefined) return false
    if (!isUtf8(slice)) throw new Doubt()
    this.#walk(slice, this.#text.startOf(this.#next))
    this.#next++
    return true
  }

  /** Returns the whole value. Throws if the JSON may be malformed. */
  finish(): unknown {
    if (this.#depth !== 0) throw new Doubt()
    const value: unknown = JSON.parse(this.#text.join(this.#partsOf(this.#text.begin, this.#text.end, 0)))
    this.#accept(value, 1, 0)
    return value
  }

  #walk(bytes: Buffer, start: number): void {
    const { length } = bytes
    let depth = this.#depth
    let from = this.#from[depth] ?? IN_OBJECT
    let values = this.#values
    const sliceBytes = this.#sliceBytes
    let inText = this.#inText
    let i = this.#escaped ? 1 : 0
    this.#escaped = false
    while (i < length) {
      if (inText) {
        let byte: number | undefined
        while (i < length && (byte = bytes[i++]) !== 0x22 /* " */) if (byte === 0x5c /* \ */) i++
        inText = byte !== 0x22
        this.#escaped = i > length
        continue
      }
      const byte = bytes[i++]
      if (byte === 0x22) inText = true
      else if (byte === 0x2c /* , */) {
        values++
        if (from >= 0 && start + i - from > sliceBytes && depth > 0) {
          this.#parseEntries(depth, start + i - 1)
          from = start + i
        }
      } else if (byte === 0x5b /* [ */ || byte === 0x7b /* { */) {
        if (++depth > MAX_DEPTH) throw new Doubt()
        values++
        from = byte === 0x5b ? start + i : IN_OBJECT
        this.#from[depth] = from
      } else if (byte === 0x5d /* ] */ || byte === 0x7d /* } */) {
        if (depth === 0 || from >= 0 !== (byte === 0x5d)) throw new Doubt()
        if (from >= 0 && this.#long[depth]) this.#closeLong(depth, start + i - 1)
        from = this.#from[--depth] ?? IN_OBJECT
      }
    }
    if (values > MAX_VALUES) throw new Doubt()
    this.#depth = depth
    this.#values = values
    this.#inText = inText
  }

  /** Parses the entries of the list at `depth` that are not parsed yet, up to the position `to`. */
  #parseEntries(depth: number, to: number): void {
    const from = this.#from[depth] ?? 0
    const list = (this.#long[depth] ??= this.#startLong(depth, from))
    const entries = JSON.parse(this.#text.join(['[', ...this.#partsOf(from, to, depth), ']'])) as unknown[]
    // An entry is missing: a comma follows another comma, or ends the list.
    if (entries.length === 0) throw new Doubt()
    this.#accept(entries, depth, depth)
    for (const entry of entries) list.entries.push(entry)
    this.#from[depth] = to + 1
    this.#holes[depth] = []
  }

  #startLong(depth: number, start: number): LongList {
    if (this.#onBeginning && start <= MAX_BEGINNING) {
      const closing = this.#from.slice(1, depth + 1).map((from) => (from >= 0 ? ']' : '}'))
      const text = this.#text.between(this.#text.begin, start) + closing.reverse().join('')
      this.#onBeginning(JSON.parse(text))
    }
    this.#onBeginning = undefined
    return { start, entries: [] }
  }

  #closeLong(depth: number, to: number): void {
    this.#parseEntries(depth, to)
    const { start, entries } = this.#long[depth] ?? { start: to, entries: [] }
    this.#long[depth] = undefined
    const mark = `${this.#uuid} ${this.#byMark.size}`
    this.#byMark.set(mark, entries)
    let around = depth - 1
    while (around > 0 && this.#from[around] === IN_OBJECT) around--
    // The list that contains this one becomes a long list too, so that it is parsed separately: `#partsOf` inserts the
    // placeholders of one list, not those of the lists inside it.
    if (around > 0) this.#long[around] ??= { start: this.#from[around] ?? 0, entries: [] }
    ;(this.#holes[around] ??= []).push({ from: start, to, mark })
  }

  /**
   * `depth` is the depth of the value in the whole; `level` is the depth of the list that contains its placeholders.
   */
  #accept(value: unknown, depth: number, level: number): void {
    if (!isContainer(value)) return
    this.isHarmless &&= isHarmless(value, depth)
    if ((this.#holes[level]?.length ?? 0) > 0) this.#fill(value)
  }

  #fill(value: object): void {
    if (Array.isArray(value)) {
      const entries = value.length === 1 ? this.#byMark.get(value[0]) : undefined
      if (entries) {
        value.pop()
        for (const entry of entries) value.push(entry)
        return
      }
    }
    for (const child of Object.values(value) as unknown[]) if (isContainer(child)) this.#fill(child)
  }

  /** The parts of the text between two positions, with a placeholder for each hole of `level`. */
  #partsOf(from: number, to: number, level: number): TextPart[] {
    const parts: TextPart[] = []
    let at = from
    for (const hole of this.#holes[level] ?? []) {
      parts.push([at, hole.from], `"${hole.mark}"`)
      at = hole.to
    }
    parts.push([at, to])
    return parts
  }
}

/** Thrown to leave the text to `parseJson`, which reports errors exactly. */
class Doubt extends Error {}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

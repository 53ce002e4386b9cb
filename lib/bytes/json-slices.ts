/**
 * Reads large JSON without blocking the event loop. Entries of long lists are parsed in batches. The text around a long
 * list is parsed separately, with a placeholder instead of the entries. The parts are valid JSON if and only if the
 * whole is: entries are cut only at the commas of their list, and the placeholder is a string, which is a valid entry
 * of a list.
 */
import { randomUUID } from 'node:crypto'
import type { Turns } from './turns'
import { SLICE_BYTES, slicesOf } from './characters'
import { COMMA, Doubt, JsonScan } from './json-scan'
import { SlicedText, type TextPart } from './sliced-text'
import {
  countHarmless,
  isHarmless,
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
   * Called with an early value. It is parsed from the text up to the opening bracket of the first long list, as if all
   * open brackets were closed there: in this value, the list is empty. Not called if that text is too long to be
   * parsed twice.
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
 * The text before the first long list is parsed early, and again at the end. If it is longer than this, it is parsed
 * only at the end.
 */
const MAX_BEGINNING = 4 * SLICE_BYTES

/**
 * Returns the same result as `parseJson`, with one exception: for the limit of values, repeated keys of an object may
 * count once. Leaves malformed or unusual JSON to `parseJson`. Returns `UNWANTED` if no one needs the result any more.
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

/** A range of the text: all entries of a long list, without its brackets. The placeholder `mark` replaces the range. */
interface Hole {
  from: number
  to: number
  mark: string
}

/**
 * The beginning of an entry of a long list, with the comma before it, such as `,{"id":`. Entries of the lists inside it
 * usually begin with other keys.
 */
const SEPARATOR = /^,\s*\{\s*"[^"\\]*"\s*:/
/** Maximum length of a separator. */
const MAX_SEPARATOR = 100
/** How many slices ahead a separator is searched. */
const MAX_SKIPPED = 4

class SlicedReader {
  isHarmless = !objectsInheritKeys()
  readonly #text: SlicedText
  readonly #scan: JsonScan
  readonly #sliceBytes: number
  #onBeginning: ((value: unknown) => void) | undefined
  /** Set while the entries of the open list are parsed without scanning them. */
  #separator: Buffer | undefined
  readonly #long: Array<LongList | undefined> = []
  /** The long lists that were read to their ends, by the depth of the list that contains them; 0 if no list does. */
  readonly #holes: Hole[][] = [[]]
  readonly #uuid = randomUUID()
  readonly #byMark = new Map<unknown, unknown[]>()

  constructor(slices: readonly Buffer[], sliceBytes: number, onBeginning: ((value: unknown) => void) | undefined) {
    this.#text = new SlicedText(slices)
    this.#scan = new JsonScan(sliceBytes)
    this.#sliceBytes = sliceBytes
    this.#onBeginning = onBeginning
  }

  /**
   * Scans at most one slice, or parses entries of a long list. Returns false at the end. Throws if the JSON may be
   * malformed, or exceeds a limit.
   */
  next(): boolean {
    if (this.#separator && this.#skipScan(this.#separator)) return true
    this.#separator = undefined
    const scan = this.#scan
    if (scan.at >= this.#text.end) return false
    const index = this.#text.indexAt(scan.at)
    if (!this.#text.isUtf8(index)) throw new Doubt()
    const pause = scan.run(this.#text.slices[index] ?? Buffer.alloc(0), this.#text.startOf(index))
    if (pause === undefined) return true
    const isFirst = this.#long[scan.depth] === undefined
    this.#parseEntries(scan.depth, scan.at - 1)
    if (pause !== COMMA) this.#closeLong(scan.at - 1)
    else if (isFirst && this.isHarmless) this.#separator = this.#separatorAt(scan.at - 1)
    return true
  }

  #separatorAt(comma: number): Buffer | undefined {
    const [separator] = SEPARATOR.exec(this.#text.between(comma, Math.min(comma + MAX_SEPARATOR, this.#text.end))) ?? []
    return separator === undefined ? undefined : Buffer.from(separator)
  }

  /**
   * Parses the next entries of the open list without scanning them: scanning takes a third of the time of parsing. A
   * separator is only a guess of where an entry ends. Parsing confirms the guess: the text up to the separator can be
   * parsed only if an entry ends there. Returns false if that text cannot be parsed, for example because the separator
   * was in a list inside an entry.
   */
  #skipScan(separator: Buffer): boolean {
    const scan = this.#scan
    const from = scan.at
    const to = this.#text.find(separator, from + this.#sliceBytes, from + MAX_SKIPPED * this.#sliceBytes)
    if (to === undefined) return false
    if (!this.#text.isUtf8(this.#text.indexAt(to))) throw new Doubt()
    let entries: unknown[]
    try {
      entries = JSON.parse(this.#text.join(['[', [from, to], ']'])) as unknown[]
    } catch {
      return false
    }
    const values = scan.values + countHarmless(entries, scan.depth)
    if (Number.isNaN(values) || values > MAX_VALUES) return false
    for (const entry of entries) this.#long[scan.depth]?.entries.push(entry)
    scan.values = values
    scan.moveTo(to + 1)
    return true
  }

  /** Returns the whole value. Throws if the JSON may be malformed. */
  finish(): unknown {
    if (this.#scan.depth !== 0) throw new Doubt()
    const value: unknown = JSON.parse(this.#text.join(this.#partsOf(this.#text.begin, this.#text.end, 0)))
    this.#accept(value, 1, 0)
    return value
  }

  /** Parses the entries of the list at `depth` that are not parsed yet, up to the position `to`. */
  #parseEntries(depth: number, to: number): void {
    const from = this.#scan.from(depth)
    const list = (this.#long[depth] ??= this.#startLong(depth, from))
    const entries = JSON.parse(this.#text.join(['[', ...this.#partsOf(from, to, depth), ']'])) as unknown[]
    // An entry is missing: a comma follows another comma, or ends the list.
    if (entries.length === 0) throw new Doubt()
    this.#accept(entries, depth, depth)
    for (const entry of entries) list.entries.push(entry)
    this.#scan.moveTo(to + 1)
    this.#holes[depth] = []
  }

  #startLong(depth: number, start: number): LongList {
    if (this.#onBeginning && start <= MAX_BEGINNING) {
      let text = this.#text.between(this.#text.begin, start)
      for (let open = depth; open > 0; open--) text += this.#scan.isList(open) ? ']' : '}'
      this.#onBeginning(JSON.parse(text))
    }
    this.#onBeginning = undefined
    this.#scan.longDepth = depth
    return { start, entries: [] }
  }

  /** Replaces the innermost long list, which ends at the position `to`, with a placeholder. */
  #closeLong(to: number): void {
    const scan = this.#scan
    const { start, entries } = this.#long[scan.depth] ?? { start: to, entries: [] }
    this.#long[scan.depth] = undefined
    scan.depth--
    const mark = `${this.#uuid} ${this.#byMark.size}`
    this.#byMark.set(mark, entries)
    let around = scan.depth
    while (around > 0 && !scan.isList(around)) around--
    // The list that contains this one becomes a long list too, so that it is parsed separately: `#partsOf` inserts the
    // placeholders of one list, not those of the lists inside it.
    if (around > 0) this.#long[around] ??= { start: scan.from(around), entries: [] }
    scan.longDepth = around
    ;(this.#holes[around] ??= []).push({ from: start, to, mark })
  }

  /**
   * `depth`: how deep the value is nested in the whole text. `level`: how deep the list is nested whose placeholders
   * the value may contain.
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

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

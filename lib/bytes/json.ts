/**
 * From bytes to a JSON value, for webhook bodies and for answers of the API: UTF-8 only, with caps on depth and on
 * the number of values, and without the keys that pollute prototypes once somebody copies them.
 */
import { isUtf8 } from 'node:buffer'
import { cutBetweenCharacters } from './characters'

/** Documented bodies nest about ten deep. Beyond this, code that walks a value recursively is at risk. */
export const MAX_DEPTH = 100

/**
 * The largest documented order has 3 million in 49 MB. Empty lists take three bytes each and twenty times that once they
 * are parsed: without a cap, 64 MiB of them would block the process for many seconds and could end it.
 */
export const MAX_VALUES = 5_000_000

/** So many pointers of removed keys are told: a body could hold millions of them. */
const MAX_REMOVED = 100

export type JsonResult = { ok: true; value: unknown; removedKeys: string[] } | { ok: false; reason: string }

/**
 * Reads one JSON value, of bytes that may be in pieces. Byte order marks in front and NULs at the end are skipped.
 * `removedKeys` holds JSON pointers.
 */
export function parseJson(content: Buffer | readonly Buffer[]): JsonResult {
  const pieces = cutBetweenCharacters(withoutNuls(Buffer.isBuffer(content) ? [content] : content))
  if (!pieces.every((piece) => isUtf8(piece))) return { ok: false, reason: 'the body is not valid UTF-8' }
  const excess = mayHoldTooMany(pieces) ? findExcess(pieces) : undefined
  if (excess !== undefined) return { ok: false, reason: excess }
  let value: unknown
  try {
    value = JSON.parse(textOf(pieces))
  } catch (error) {
    // V8's message may quote the body; answers and logs only get the position, which stands at its end.
    const position = /at position (\d+)(?: \(line \d+ column \d+\))?$/.exec((error as Error).message)?.[1]
    return {
      ok: false,
      reason:
        position === undefined ? 'the body is not valid JSON' : `the body is not valid JSON (at position ${position})`,
    }
  }
  if (!isContainer(value) || (!objectsInheritKeys() && isHarmless(value, 1)))
    return { ok: true, value, removedKeys: [] }
  if (isTooDeep(value)) return { ok: false, reason: TOO_DEEP }
  return { ok: true, value, removedKeys: removePollutingKeys(value) }
}

function textOf(pieces: readonly Buffer[]): string {
  let text = ''
  for (const piece of pieces) text += piece.toString('utf8', text === '' ? markLength(piece) : 0)
  return text
}

/** Bytes of the byte order marks in front. Two programs in a row may each add one. */
export function markLength(bytes: Buffer): number {
  let length = 0
  while (bytes[length] === 0xef && bytes[length + 1] === 0xbb && bytes[length + 2] === 0xbf) length += 3
  return length
}

/** Without the NULs at the end, which programs in C send along with a text, and what white space is after the first. */
export function withoutNuls(pieces: readonly Buffer[]): readonly Buffer[] {
  let kept = pieces
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i] ?? Buffer.alloc(0)
    let end = piece.length
    let at = piece.length - 1
    for (; isFiller(piece[at]); at--) if (piece[at] === 0) end = at
    if (end < piece.length) kept = [...pieces.slice(0, i), piece.subarray(0, end)]
    if (at >= 0) break
  }
  return kept
}

function isFiller(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/**
 * A cheap upper bound: each value but the first follows a comma or an opening bracket. Spares the largest documented order
 * (49 MB) the look at every byte in `findExcess`, which takes half as long again as parsing it.
 */
function mayHoldTooMany(pieces: readonly Buffer[]): boolean {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return size >= MAX_VALUES && pieces.reduce((sum, piece) => sum + countSeparators(piece), 1) > MAX_VALUES
}

function countSeparators(bytes: Buffer): number {
  let count = 0
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- the iterator of a Buffer is five times slower
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 0x2c /* , */ || byte === 0x5b /* [ */ || byte === 0x7b /* { */) count++
  }
  return count
}

/**
 * Too deep, or too many values: each is behind an opening bracket or a comma, an empty list counts as two. Looks at bytes
 * rather than at the parsed value, so that a hostile body costs nothing before it is refused.
 */
function findExcess(pieces: readonly Buffer[]): string | undefined {
  let depth = 0
  let values = 1
  let inText = false
  let escaped = false
  for (const bytes of pieces) {
    for (let i = 0; i < bytes.length; i++) {
      for (; inText && i < bytes.length; i++) {
        if (escaped) escaped = false
        else if (bytes[i] === 0x5c /* \ */) escaped = true
        else if (bytes[i] === 0x22 /* " */) inText = false
      }
      const byte = bytes[i]
      if (byte === 0x22) inText = true
      else if (byte === 0x7b /* { */ || byte === 0x5b /* [ */) {
        values++
        if (++depth > MAX_DEPTH) return TOO_DEEP
      } else if (byte === 0x7d /* } */ || byte === 0x5d /* ] */) depth--
      else if (byte === 0x2c /* , */) values++
      if (values > MAX_VALUES) return TOO_MANY_VALUES
    }
  }
  return undefined
}

/** The reason for a body with more values than `MAX_VALUES`. */
export const TOO_MANY_VALUES = `the body holds more than ${MAX_VALUES} values`
const TOO_DEEP = `the body is nested deeper than ${MAX_DEPTH} levels`

/**
 * True where there is nothing to take care of: not too deep, and no key that may pollute. Looks at the parsed value: five times
 * cheaper than its bytes, also because `for … in` makes no list of the keys. That needs a process in which objects inherit none.
 */
export function isHarmless(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH) return false
  if (Array.isArray(value)) {
    for (const child of value as unknown[]) if (isContainer(child) && !isHarmless(child, depth + 1)) return false
    return true
  }
  for (const key in value) {
    if (key === '__proto__' || key === 'constructor') return false
    const child = (value as Record<string, unknown>)[key]
    if (isContainer(child) && !isHarmless(child, depth + 1)) return false
  }
  return true
}

function isTooDeep(value: unknown, depth = 1): boolean {
  if (!isContainer(value)) return false
  return depth > MAX_DEPTH || Object.values(value).some((child) => isTooDeep(child, depth + 1))
}

/** Something in the process has put keys on the prototype of all objects. */
export function objectsInheritKeys(): boolean {
  for (const _ in {}) return true
  return false
}

/**
 * Takes out what would change a prototype when a user copies the value with `Object.assign` or a deep merge: own
 * `__proto__` keys, and `constructor` keys that hold a `prototype`. Changes `root` in place. Returns the pointers of the
 * first hundred.
 */
export function removePollutingKeys(root: unknown): string[] {
  const removed: string[] = []
  // One entry a level, never one a value: bodies hold millions of values.
  const open = isContainer(root) ? [enter(root, '')] : []
  for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
    const { value, keys, pointer } = at
    const next = at.next++
    if (next >= (keys ?? (value as unknown[])).length) {
      open.pop()
      continue
    }
    const key = keys?.[next] ?? String(next)
    const child: unknown = keys ? (value as Record<string, unknown>)[key] : (value as unknown[])[next]
    if (
      keys &&
      (key === '__proto__' || (key === 'constructor' && isContainer(child) && Object.hasOwn(child, 'prototype')))
    ) {
      Reflect.deleteProperty(value, key)
      if (removed.length < MAX_REMOVED) removed.push(`${pointer}/${escapePointer(key)}`)
    } else if (isContainer(child)) open.push(enter(child, `${pointer}/${escapePointer(key)}`))
  }
  return removed
}

/** `keys` is absent for a list, whose keys would be a text for each entry. */
function enter(value: object, pointer: string): { value: object; keys?: string[]; pointer: string; next: number } {
  return { value, pointer, next: 0, ...(!Array.isArray(value) && { keys: Object.keys(value) }) }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** RFC 6901. */
function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

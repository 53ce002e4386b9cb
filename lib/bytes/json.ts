/**
 * Parses bytes to a JSON value, for webhook bodies and responses of the API: UTF-8 only, with limits on depth and on
 * the number of values, and without keys that could pollute a prototype when the value is copied.
 */
import { isUtf8 } from 'node:buffer'
import { cutBetweenCharacters } from './characters'

/** Documented bodies nest about ten levels. Without a limit, recursive code could overflow the stack. */
export const MAX_DEPTH = 100

/**
 * The largest documented order has 3 million values in 49 MB. An empty list takes three bytes in the body and twenty
 * times as much in memory: 64 MiB of empty lists would block the process for many seconds, and could end it.
 */
export const MAX_VALUES = 5_000_000

/** Maximum number of pointers that are returned for removed keys: a body could contain millions of such keys. */
const MAX_REMOVED = 100

export type JsonResult = { ok: true; value: unknown; removedKeys: string[] } | { ok: false; reason: string }

/**
 * Parses one JSON value, whose bytes may be in several pieces. Byte order marks in front and NULs at the end are
 * skipped. `removedKeys` are JSON pointers.
 */
export function parseJson(content: Buffer | readonly Buffer[]): JsonResult {
  const trimmed = withoutNuls(Buffer.isBuffer(content) ? [content] : content)
  const pieces = trimmed.length > 1 ? cutBetweenCharacters(trimmed) : trimmed
  if (!pieces.every(isUtf8)) return { ok: false, reason: 'the body is not valid UTF-8' }
  const excess = mayHoldTooMany(pieces) ? findExcess(pieces) : undefined
  if (excess !== undefined) return { ok: false, reason: excess }
  let value: unknown
  try {
    value = JSON.parse(textOf(pieces))
  } catch (error) {
    // V8's message may quote the body, so only the position at the end of the message is used.
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

/** Length of the byte order marks in front. There may be two, if two programs in a row each add one. */
export function markLength(bytes: Buffer): number {
  let length = 0
  while (bytes[length] === 0xef && bytes[length + 1] === 0xbb && bytes[length + 2] === 0xbf) length += 3
  return length
}

/** Removes NULs at the end, and white space between or after them. C programs may send such NULs after a text. */
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
 * Compares a cheap upper bound with `MAX_VALUES`: each value except the first follows a comma or an opening bracket.
 * For the largest documented order (49 MB), this avoids `findExcess`, which would take half as long as parsing.
 */
function mayHoldTooMany(pieces: readonly Buffer[]): boolean {
  let size = 0
  for (const piece of pieces) size += piece.length
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
 * Finds excessive depth or too many values: each value follows an opening bracket or a comma, and an empty list counts
 * as two. Scans bytes instead of the parsed value, so that a hostile body is refused before it is parsed.
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

export const TOO_MANY_VALUES = `the body contains more than ${MAX_VALUES} values`
const TOO_DEEP = `the body is nested deeper than ${MAX_DEPTH} levels`

/**
 * Number of opening brackets and commas in the text of the value, as `findExcess` counts them. But repeated keys of an
 * object count once. NaN if the value is too deep or has a key that may pollute a prototype. Walking the parsed value
 * is five times cheaper than scanning bytes. `for … in` creates no list of keys, but requires that objects inherit no
 * enumerable keys.
 */
export function countHarmless(value: object, depth: number): number {
  if (depth > MAX_DEPTH) return NaN
  let entries = 0
  let inner = 0
  if (Array.isArray(value)) {
    entries = value.length
    for (const child of value as unknown[]) if (isContainer(child)) inner += countHarmless(child, depth + 1)
  } else {
    for (const key in value) {
      if (key === '__proto__' || key === 'constructor') return NaN
      entries++
      const child = (value as Record<string, unknown>)[key]
      if (isContainer(child)) inner += countHarmless(child, depth + 1)
    }
  }
  return inner + (entries === 0 ? 1 : entries)
}

export function isHarmless(value: object, depth: number): boolean {
  return !Number.isNaN(countHarmless(value, depth))
}

function isTooDeep(value: unknown, depth = 1): boolean {
  if (!isContainer(value)) return false
  return depth > MAX_DEPTH || Object.values(value).some((child) => isTooDeep(child, depth + 1))
}

/** True if other code in the process has added enumerable keys to the prototype of all objects. */
export function objectsInheritKeys(): boolean {
  for (const _ in {}) return true
  return false
}

/**
 * Removes keys that would change a prototype when a user copies the value with `Object.assign` or a deep merge: own
 * `__proto__` keys, and `constructor` keys that contain a `prototype`. Changes `root` in place. Returns the pointers of
 * the first `MAX_REMOVED` removed keys.
 */
export function removePollutingKeys(root: unknown): string[] {
  const removed: string[] = []
  // The stack has one entry per level, not per value, because bodies contain millions of values.
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

/** `keys` is absent for a list, because it would hold one string per entry. */
function enter(value: object, pointer: string): { value: object; keys?: string[]; pointer: string; next: number } {
  return { value, pointer, next: 0, ...(!Array.isArray(value) && { keys: Object.keys(value) }) }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

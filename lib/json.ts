/**
 * From bytes to a JSON value, for webhook bodies and for answers of the API: UTF-8 only, with a cap on depth, and
 * without the keys that pollute prototypes once somebody copies them.
 */
import { isUtf8 } from 'node:buffer'

/** Documented bodies nest about ten deep. Beyond this, code that walks a value recursively is at risk. */
export const MAX_DEPTH = 100

export type JsonResult = { ok: true; value: unknown; removedKeys: string[] } | { ok: false; reason: string }

/** Reads one JSON value. A byte order mark in front is skipped. `removedKeys` holds JSON pointers. */
export function parseJson(bytes: Buffer): JsonResult {
  if (!isUtf8(bytes)) return { ok: false, reason: 'the body is not valid UTF-8' }
  if (isDeeperThan(bytes, MAX_DEPTH)) return { ok: false, reason: `the body is nested deeper than ${MAX_DEPTH} levels` }
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8', start))
  } catch (error) {
    // V8's message may quote the body; answers and logs only get the position, which stands at its end.
    const position = /at position (\d+)(?: \(line \d+ column \d+\))?$/.exec((error as Error).message)?.[1]
    return {
      ok: false,
      reason:
        position === undefined ? 'the body is not valid JSON' : `the body is not valid JSON (at position ${position})`,
    }
  }
  return { ok: true, value, removedKeys: mayPollute(bytes) ? removePollutingKeys(value) : [] }
}

/** Looks at bytes rather than at the parsed value, so that a hostile body costs nothing before it is refused. */
function isDeeperThan(bytes: Buffer, max: number): boolean {
  let depth = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 0x22 /* " */) {
      for (i++; i < bytes.length && bytes[i] !== 0x22; i++) if (bytes[i] === 0x5c /* \ */) i++
    } else if (byte === 0x7b /* { */ || byte === 0x5b /* [ */) {
      if (++depth > max) return true
    } else if (byte === 0x7d /* } */ || byte === 0x5d /* ] */) depth--
  }
  return false
}

/** True where a polluting key may stand in the text, as it is or with escapes. */
function mayPollute(bytes: Buffer): boolean {
  return bytes.includes('__proto__') || bytes.includes('"constructor"') || bytes.includes('\\u00')
}

/**
 * Takes out what would change a prototype when a user copies the value with `Object.assign` or a deep merge: own
 * `__proto__` keys, and `constructor` keys that hold a `prototype`. Changes `root` in place.
 */
export function removePollutingKeys(root: unknown): string[] {
  const removed: string[] = []
  const open: Array<{ value: unknown; pointer: string }> = [{ value: root, pointer: '' }]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { value, pointer } = at
    if (typeof value !== 'object' || value === null) continue
    for (const key of Object.keys(value)) {
      const child = (value as Record<string, unknown>)[key]
      const childPointer = `${pointer}/${escapePointer(key)}`
      if (
        key === '__proto__' ||
        (key === 'constructor' && typeof child === 'object' && child !== null && Object.hasOwn(child, 'prototype'))
      ) {
        Reflect.deleteProperty(value, key)
        removed.push(childPointer)
      } else if (typeof child === 'object') open.push({ value: child, pointer: childPointer })
    }
  }
  return removed
}

/** RFC 6901. */
function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

/**
 * Values for a terminal: what they hold cannot move its cursor, forge a line or hide itself. IDs, names and reasons come
 * from outside.
 */
import { quote } from '../log/quote'

/** Letters, marks, digits, punctuation, symbols and single spaces: all that terminals only show. */
const PLAIN = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+(?: [\p{L}\p{M}\p{N}\p{P}\p{S}]+)*$/u
/** Unassigned, private, invisible; the last one is a letter that looks like a space. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\ufe00-\ufe0f]/gu
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1ffff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

/** As it is where that is harmless, else in quotes with escapes. */
export function printable(value: string): string {
  if (PLAIN.test(value) && !value.startsWith('"') && value.search(INVISIBLE) < 0) return value
  return quote(value, Infinity).replace(INVISIBLE, escape)
}

/** JSON that does nothing to a terminal that it is shown on. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(INVISIBLE, escape)
}

/** Columns that a text takes up, at most. */
export function widthOf(text: string): number {
  let width = 0
  for (const char of text) width += WIDE.test(char) ? 2 : 1
  return width
}

/** To a width: filled up with spaces, or cut. */
export function fit(text: string, width: number): string {
  const own = widthOf(text)
  if (own <= width) return text + ' '.repeat(width - own)
  let cut = ''
  let used = 1
  for (const char of text) {
    used += widthOf(char)
    if (used > width) break
    cut += char
  }
  return fit(`${cut}…`, width)
}

function escape(chars: string): string {
  // Each half of a pair: the only form that JSON knows.
  return [...Array(chars.length).keys()].map((i) => `\\u${chars.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const

/** `3h` from a number of milliseconds. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? UNITS[3]
  return `${Math.floor(seconds / size)}${unit}`
}

export function byteSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let size = bytes / 1024
  let unit = 0
  while (size >= 1023.95 && unit < units.length - 1) {
    size /= 1024
    unit++
  }
  return `${size.toFixed(size < 10 ? 1 : 0).replace(/\.0$/, '')} ${units[unit] ?? ''}`
}

/** `2,000`; with a noun `1 event`, `2,000 events`. */
export function count(number: number, noun?: string): string {
  const digits = number.toLocaleString('en')
  return noun === undefined ? digits : `${digits} ${noun}${number === 1 ? '' : 's'}`
}

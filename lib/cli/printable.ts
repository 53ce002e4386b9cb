/**
 * Makes values safe for a terminal: IDs, names and reasons come from outside, and must not move the cursor, forge a
 * line or hide characters.
 */
import { quote } from '../bytes/quote'
import { escapeCharacters, INVISIBLE } from '../views/text'

export { byteSize, count, duration } from '../views/text'

/** Letters, marks, digits, punctuation, symbols and single spaces have no effect on a terminal. */
const PLAIN = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+(?: [\p{L}\p{M}\p{N}\p{P}\p{S}]+)*$/u
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1ffff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

/** Returns a harmless text unchanged, and any other text quoted with escapes. */
export function printable(value: string): string {
  if (PLAIN.test(value) && !value.startsWith('"') && value.search(INVISIBLE) < 0) return value
  return quote(value, Infinity).replace(INVISIBLE, escapeCharacters)
}

export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(INVISIBLE, escapeCharacters)
}

/** The highest number of columns that a text can occupy. */
export function widthOf(text: string): number {
  let width = 0
  for (const char of text) width += WIDE.test(char) ? 2 : 1
  return width
}

/** Pads or cuts a text to a width. `keep` is the part to keep if the text is cut. */
export function fit(text: string, width: number, keep: 'start' | 'end' = 'start'): string {
  const own = widthOf(text)
  if (own <= width) return text + ' '.repeat(width - own)
  let cut = ''
  let used = 1
  for (const char of keep === 'start' ? text : Array.from(text).reverse()) {
    used += widthOf(char)
    if (used > width) break
    cut = keep === 'start' ? cut + char : char + cut
  }
  return fit(keep === 'start' ? `${cut}…` : `…${cut}`, width)
}

/** Splits a text into lines that are safe to print. Spaces are kept, and tabs become four spaces. */
export function printableLines(text: string): string[] {
  return text.split(/\r\n|\n/).map((line) => line.replace(/\t/g, '    ').replace(INVISIBLE, escapeCharacters))
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

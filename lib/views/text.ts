/** Formats values for display: counts, sizes, durations and invisible characters. */

/** Unassigned, private and invisible characters, and letters that look like a space. */
export const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\ufe00-\ufe0f]/gu

/** Replaces each character with an escape such as `\u200b`. */
export function escapeCharacters(chars: string): string {
  // Each half of a surrogate pair gets its own escape, as in JSON.
  return [...Array(chars.length).keys()].map((i) => `\\u${chars.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const

/** Formats a duration in milliseconds, such as `3h`. */
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

/** Formats a number, such as `2,000`; with a noun, `1 event` or `2,000 events`. */
export function count(number: number, noun?: string): string {
  const digits = number.toLocaleString('en')
  return noun === undefined ? digits : `${digits} ${noun}${number === 1 ? '' : 's'}`
}

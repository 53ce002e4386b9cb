/** HTML whose values are always text: they cannot add an element, and characters that would not be seen are written out. */
import { escapeCharacters, INVISIBLE } from './text'

/** Only `html` creates one. */
export class Html {
  constructor(readonly text: string) {}
}

export type Part = Html | string | number | undefined | false | readonly Part[]

/** Values become text, in elements as well as in attributes within double quotes. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  let text = strings[0] ?? ''
  parts.forEach((part, i) => (text += render(part) + (strings[i + 1] ?? '')))
  return new Html(text)
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'string') return escapeHtml(part.replace(ODD, escapeOdd))
  if (typeof part === 'number') return String(part)
  return part.map(render).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '')
}

/** Also spaces that are not the usual one: two IDs must not look the same. */
const ODD = new RegExp(`(?:${INVISIBLE.source}|(?! )\\p{Zs})`, 'gu')

/** The line breaks and tabs of our own templates stay. */
function escapeOdd(char: string): string {
  return char === '\n' || char === '\t' ? char : escapeCharacters(char)
}

const MAX_LENGTH = 2_000

/** A value from outside: cut, isolated from the direction of its neighbours, and with odd characters marked. */
export function shown(
  value: string,
  { max = MAX_LENGTH, keep = 'start' }: { max?: number; keep?: 'start' | 'end' } = {},
): Html {
  const cut = value.length > max
  const part = !cut ? value : keep === 'start' ? value.slice(0, max) : value.slice(-max)
  const parts: Part[] = []
  let at = 0
  for (const { 0: char, index } of part.matchAll(ODD)) {
    parts.push(part.slice(at, index), html`<span class="odd">${escapeCharacters(char)}</span>`)
    at = index + char.length
  }
  parts.push(part.slice(at))
  const more = html`<span class="cut" title="${value.length} characters">…</span>`
  return html`<bdi>${cut && keep === 'end' && more}${parts}${cut && keep === 'start' && more}</bdi>`
}

/** The value of a form field, which has to come back as it is. */
export function verbatim(value: string): Html {
  return new Html(escapeHtml(value))
}

/**
 * Templates for HTML whose values are always escaped: a value can never add an element, and its invisible characters
 * are shown as escapes.
 */
import { escapeCharacters, INVISIBLE } from './text'

/** HTML that is already escaped. Only `html` and `verbatim` create it. */
export class Html {
  constructor(readonly text: string) {}
}

export type HtmlPart = Html | string | number | undefined | false | readonly HtmlPart[]

/** Creates HTML. Values are escaped for elements and for attributes in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: HtmlPart[]): Html {
  let text = strings[0] ?? ''
  parts.forEach((part, i) => (text += render(part) + (strings[i + 1] ?? '')))
  return new Html(text)
}

function render(part: HtmlPart): string {
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

/** Matches invisible characters and unusual spaces, because two different IDs must not look the same. */
const ODD = new RegExp(`(?:${INVISIBLE.source}|(?! )\\p{Zs})`, 'gu')

/** Escapes an invisible or unusual character, except a line break and a tab. */
function escapeOdd(char: string): string {
  return char === '\n' || char === '\t' ? char : escapeCharacters(char)
}

const MAX_LENGTH = 2_000

/**
 * Renders a value from outside: shortened, isolated from the text direction around it, and with unusual characters
 * marked.
 */
export function shown(
  value: string,
  { max = MAX_LENGTH, keep = 'start' }: { max?: number; keep?: 'start' | 'end' } = {},
): Html {
  const cut = value.length > max
  const part = !cut ? value : keep === 'start' ? value.slice(0, max) : value.slice(-max)
  const parts: HtmlPart[] = []
  let at = 0
  for (const { 0: char, index } of part.matchAll(ODD)) {
    parts.push(part.slice(at, index), html`<span class="odd">${escapeCharacters(char)}</span>`)
    at = index + char.length
  }
  parts.push(part.slice(at))
  const more = html`<span class="cut" title="${value.length} characters">…</span>`
  return html`<bdi>${cut && keep === 'end' && more}${parts}${cut && keep === 'start' && more}</bdi>`
}

/** The value of a form field, which must be sent back unchanged. */
export function verbatim(value: string): Html {
  return new Html(escapeHtml(value))
}

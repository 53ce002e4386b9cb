/** Shows the body of an event: its beginning as a tree, and a link to the whole body. */
import type { Details } from '../source/source'
import { byteSize } from '../../views/text'
import { html, shown, type Html } from '../../views/html'
import { treeOfJson, treeOfXml, type Tree } from './tree'

/** How many bytes of a body are read for a page. */
export const SHOWN_BYTES = 512 * 1024
const SHOWN_CHARACTERS = 32 * 1024
const OPEN_LEVELS = 3

export function bodySection({ row, size, body }: Details, link: string): Html {
  const download = html`<p><a href="${link}" download>Download the body</a> (${byteSize(size)})</p>`
  const content =
    size === 0
      ? html`<p>There is no body: the order or shipment is fetched when it is delivered.</p>`
      : body === undefined
        ? html`<p>The body of ${byteSize(size)} is no longer kept.</p>`
        : html`${contentOf(body, body.length === size)}${download}`
  return html`<section aria-labelledby="body-of-${row.id}">
    <h2 id="body-of-${row.id}">Body</h2>
    ${content}
  </section>`
}

function contentOf(body: Buffer, isWhole: boolean): Html {
  const text = textOf(body, isWhole)
  if (text === undefined) return html`<p>It is not text.</p>`
  const isXml = /^\ufeff?\s*</.test(text)
  const tree = isXml ? treeOfXml(text, isWhole) : treeOfJson(text, isWhole)
  if (!tree)
    return html`<p>It cannot be shown as a tree. It begins with:</p>
      <pre tabindex="0">${linesOf(text.slice(0, SHOWN_CHARACTERS))}</pre>`
  const more = tree.isCut && html`<p class="more">This is only the beginning: the body is too long to be shown.</p>`
  return html`<ul class="tree">
      ${nodeOf(tree.root, 0)}
    </ul>
    ${more}`
}

function textOf(body: Buffer, isWhole: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body, { stream: !isWhole })
  } catch {
    return undefined
  }
}

function linesOf(text: string): Html[] {
  return text.split(/\r\n|\n/).map((line) => html`${shown(line, { max: Infinity })} `)
}

function nodeOf({ label, shape, value, children }: Tree, level: number): Html {
  const key = label !== undefined && html`<span class="key">${shown(label)}</span> `
  if (shape === undefined) return html`<li>${key}<span class="value">${shown(value ?? '')}</span></li>`
  if (children.length === 0) return html`<li>${key}<span class="shape">${shape}</span></li>`
  const summary = html`<summary>${key}<span class="shape">${shape[0]} ${children.length} ${shape[1]}</span></summary>`
  const items = children.map((child) => nodeOf(child, level + 1))
  return html`<li>${html`<details${level < OPEN_LEVELS && html` open`}>${summary}<ul>${items}</ul></details>`}</li>`
}

/** Writes the JSON of a webhook body as tXML, as Tradecloud does. Used in tests of receivers. */
import { bodyShape, type Field, type Shape } from './shape'

export interface ToTxmlOptions {
  /**
   * Indentation of each level; an empty string writes everything on one line. Default: a tab, as in Tradecloud's
   * examples.
   */
  indent?: string | undefined
}

/**
 * Names that XML 1.0 allows for elements, except names with a colon, because a colon separates a namespace prefix.
 * `FIRST` lists the characters with which a name may begin.
 */
const FIRST =
  'A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f' +
  '\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}'
const NAME = new RegExp(`^[${FIRST}][${FIRST}0-9.\\u00b7\\u0300-\\u036f\\u203f\\u2040-]*$`, 'u')
/**
 * Characters that no XML document can contain, not even as references. With the flag `u`, the range of surrogates
 * matches only unpaired ones.
 */
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/u
// An unescaped carriage return would be read as a line feed.
const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
  '\r': '&#13;',
}

/**
 * Writes the body of an order or order documents webhook as tXML. A receiver reads the same event from it, except for
 * what tXML cannot express. `null` and an empty list are left out. An empty object, an empty text, and `null` in a list
 * become an empty element. A value that the schemas do not contain is read as text; in `indicators`, as a boolean. A
 * list that the schemas do not contain is read as one value if it has only one entry.
 *
 * Throws a `TypeError` for a body that is not an object, characters that XML forbids, a list in a list, and keys that
 * are not valid element names.
 *
 * ```ts
 * await simulator.send({ url, event: orderEvent(), format: 'txml' })
 * const body = toTxml(orderEvent())
 * ```
 */
export function toTxml(body: object, { indent = '\t' }: ToTxmlOptions = {}): string {
  const out: string[] = ['<?xml version="1.0" encoding="UTF-8"?>']
  // Converts dates and other objects as JSON does.
  const value = JSON.parse(JSON.stringify(body)) as unknown
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('body must be an object')
  const newLine = indent === '' ? '' : '\n'
  writeElement('WebhookBody', value, bodyShape, newLine)
  return out.join('') + newLine

  function writeElement(name: string, value: unknown, shape: Shape | undefined, before: string): void {
    if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of an element`)
    if (Array.isArray(value)) throw new TypeError(`tXML cannot express a list in the list ${name}`)
    if (typeof value !== 'object' || value === null) {
      // `null` as an entry of a list is written as an empty element, so that the other entries keep their positions.
      out.push(`${before}<${name}>${escapeText(String((value as string | number | boolean | null) ?? ''))}</${name}>`)
      return
    }
    const known = shape?.type === 'object' ? shape : undefined
    out.push(`${before}<${name}>`)
    const length = out.length
    for (const [key, child] of Object.entries(value)) writeField(key, child, known?.keys.get(key), before + indent)
    out.push(`${out.length > length ? before : ''}</${name}>`)
  }

  function writeField(key: string, value: unknown, field: Field | undefined, before: string): void {
    if (value === null) return
    for (const entry of Array.isArray(value) ? value : [value])
      writeElement(field?.element ?? key, entry, field?.shape, before)
  }
}

function escapeText(text: string): string {
  const bad = IMPOSSIBLE.exec(text)
  if (bad) throw new TypeError(`XML cannot contain the character ${JSON.stringify(bad[0])}`)
  return text.replace(/[&<>'"\r]/g, (character) => ESCAPES[character] ?? '')
}

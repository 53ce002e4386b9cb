/**
 * Checks the ID of an order or shipment. Tradecloud builds it from a number of an ERP system: it contains no white
 * space, but may contain any character such as a slash, hash or percent sign.
 */
import { hash } from 'node:crypto'

const MAX_LENGTH = 256

/** Why `value` cannot be an ID, such as "the ID is empty"; `undefined` if it can. Length is in UTF-16 code units. */
export function checkEntityId(value: string): string | undefined {
  if (value === '') return 'is empty'
  if (value.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`
  // As path segments these are the current and the parent folder, also in encoded form.
  if (value === '.' || value === '..') return 'is a dot segment'
  if (/\s/.test(value)) return 'holds white space'
  if (/\p{Cc}/u.test(value)) return 'holds a control character'
  if (/\p{Cs}/u.test(value)) return 'is not well-formed Unicode'
  return undefined
}

/** The ID in keys: an ID that is too long, which only a body can contain, is replaced by its hash. */
export function keptId(id: string): string {
  return id.length > MAX_LENGTH ? hash('sha256', id, 'hex') : id
}

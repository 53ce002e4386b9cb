/**
 * What can be the ID of an order or shipment. Tradecloud builds it from a number of an ERP system: no white space, but
 * any letter, slash, hash or percent sign.
 */
import { sha256 } from '../bytes/sha256'

const MAX_LENGTH = 256

/** Why `value` cannot be an ID, as in "the ID is empty"; `undefined` where it can. Length counts UTF-16 code units. */
export function checkEntityId(value: string): string | undefined {
  if (value === '') return 'is empty'
  if (value.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`
  // As a path segment these mean the folder itself and the one above it, and no encoding changes that.
  if (value === '.' || value === '..') return 'is a dot segment'
  if (/\s/.test(value)) return 'holds white space'
  if (/\p{Cc}/u.test(value)) return 'holds a control character'
  if (/\p{Cs}/u.test(value)) return 'is not well-formed Unicode'
  return undefined
}

/** The ID as it is remembered and queued by: the hash of one that is too long, as only a body can bring it. */
export function keptId(id: string): string {
  return id.length > MAX_LENGTH ? sha256(id) : id
}

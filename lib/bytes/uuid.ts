/** Derives UUIDs from keys, so that an event has the same ID in every process and after every retry. */
import { sha256 } from './sha256'

/** UUID version 8 (RFC 9562: custom), so that a database column of type UUID takes it. */
export function uuidOf(key: string): string {
  const hex = sha256(key)
  const variant = ((parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

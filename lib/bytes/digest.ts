/** The digest that identifies bodies, events and fetched entities. */
import { createHash, hash } from 'node:crypto'
import type { Turns } from './turns'

/** Number of bytes whose hashing takes less than a millisecond. */
const PART_BYTES = 1024 * 1024

/** SHA-256, in hex, of a text or of bytes that may be in several pieces. */
export function sha256(content: Buffer | string | readonly Buffer[]): string {
  if (typeof content === 'string' || Buffer.isBuffer(content)) return hash('sha256', content, 'hex')
  const [first] = content
  if (first && content.length === 1) return sha256(first)
  const digest = createHash('sha256')
  for (const piece of content) digest.update(piece)
  return digest.digest('hex')
}

/** Like `sha256`, for many bytes: yields to the event loop in between. */
export async function sha256InTurns(pieces: readonly Buffer[], turns: Turns): Promise<string> {
  const digest = createHash('sha256')
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += PART_BYTES) {
      digest.update(piece.subarray(at, at + PART_BYTES))
      if (turns.over) await turns.next()
    }
  }
  return digest.digest('hex')
}

/** Derives a UUID of version 8 (RFC 9562, custom) from a key, because a database column of type UUID accepts it. */
export function uuidOf(key: string): string {
  const hex = sha256(key)
  const variant = ((parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The digest that identifies bodies, events and fetched entities. */
import { createHash, hash } from 'node:crypto'
import type { Turns } from './turns'

/** Hashing this many bytes takes less than a millisecond. */
const PART_BYTES = 1024 * 1024

/** SHA-256 in hex of bytes that may be in several pieces. */
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

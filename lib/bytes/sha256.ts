/** The digest that identifies bodies, events and fetched entities. */
import { createHash, hash } from 'node:crypto'

/** SHA-256 in hex, of bytes that may be in several chunks. */
export function sha256(content: Buffer | string | readonly Buffer[]): string {
  if (typeof content === 'string' || Buffer.isBuffer(content)) return hash('sha256', content, 'hex')
  const [first] = content
  if (first && content.length === 1) return sha256(first)
  const digest = createHash('sha256')
  for (const piece of content) digest.update(piece)
  return digest.digest('hex')
}

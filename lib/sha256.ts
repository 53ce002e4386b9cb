/** The digest that bodies, events and fetched entities are told apart by. */
import { createHash, hash } from 'node:crypto'

/** SHA-256 in hex, of bytes that may be in pieces. */
export function sha256(content: Buffer | string | readonly Buffer[]): string {
  if (!isList(content)) return hash('sha256', content, 'hex')
  const [first, ...others] = content
  if (first && others.length === 0) return hash('sha256', first, 'hex')
  const digest = createHash('sha256')
  for (const piece of content) digest.update(piece)
  return digest.digest('hex')
}

function isList(content: Buffer | string | readonly Buffer[]): content is readonly Buffer[] {
  return Array.isArray(content)
}

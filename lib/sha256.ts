/** The digest that bodies, events and fetched entities are told apart by. */
import { createHash } from 'node:crypto'

/** SHA-256 in hex. */
export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The digest that bodies, events and fetched entities are told apart by. */
import { hash } from 'node:crypto'

/** SHA-256 in hex. */
export function sha256(content: Buffer | string): string {
  return hash('sha256', content, 'hex')
}

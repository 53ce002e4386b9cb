/**
 * Events that can be told apart and that show whether they are whole: each holds its number, its turn within its order,
 * and a checksum of its filling.
 */
import { createHash } from 'node:crypto'

export interface Numbered {
  /** Unique among all that one test sends. */
  event: string
  order: string
  /** Rises by one with each event of the order, from 0. */
  turn: number
}

interface Filled extends Numbered {
  filling: string
  checksum: string
}

/** The body of an order event of at least this length. */
export function encodeNumbered(numbered: Numbered, bytes = 8 * 1024): Buffer {
  // Differs from event to event, so that a piece of one in another shows.
  const seed = sha256(numbered.event)
  const filling = seed.repeat(Math.ceil(bytes / seed.length)).slice(0, bytes)
  const filled: Filled = { ...numbered, filling, checksum: checksumOf(numbered, filling) }
  const { event, order: orderId } = numbered
  const orderEvent = { orderId, lines: [], meta: { messageId: event }, numbered: filled }
  return Buffer.from(JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent }))
}

/** From the order of an event that came to a callback. */
export function decodeNumbered(order: unknown): Numbered & { intact: boolean } {
  const { event, order: id, turn, filling, checksum } = (order as { numbered: Filled }).numbered
  return { event, order: id, turn, intact: checksum === checksumOf({ event, order: id, turn }, filling) }
}

function checksumOf({ event, order, turn }: Numbered, filling: string): string {
  return sha256([event, order, turn, filling].join('\n'))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Events that can be identified and checked for completeness: each contains its ID, its order, its index within the
 * order, a filling, and a checksum of all of these.
 */
import { createHash } from 'node:crypto'

export interface Numbered {
  /** ID of the event, unique within a test. */
  event: string
  order: string
  /** Index of the event within its order, from 0. */
  turn: number
}

interface Filled extends Numbered {
  filling: string
  checksum: string
}

/** The body of an order event, with a length of at least `bytes`. */
export function encodeNumbered(numbered: Numbered, bytes = 8 * 1024): Buffer {
  // The filling differs for each event, so that mixed-up pieces are noticed.
  const seed = sha256(numbered.event)
  const filling = seed.repeat(Math.ceil(bytes / seed.length)).slice(0, bytes)
  const filled: Filled = { ...numbered, filling, checksum: checksumOf(numbered, filling) }
  const { event, order: orderId } = numbered
  const orderEvent = { orderId, lines: [], meta: { messageId: event }, numbered: filled }
  return Buffer.from(JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent }))
}

/** Reads the ID, order and index from the order of an event that a callback received, and checks the checksum. */
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

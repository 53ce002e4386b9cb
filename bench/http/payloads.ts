/** The request bodies: order events of four sizes, each with a new message ID and one of `ORDERS` order IDs. */
import { built } from '../package'

const testing = built<typeof import('../../lib/testing')>('testing/index')

export const SIZES = ['3 KB', '94 KB', '1.7 MB', 'maximum'] as const
export type Size = (typeof SIZES)[number]

/** The number of different orders. It is so large that no event has to wait for an earlier one of the same order. */
const ORDERS = 10_000

/** An event of an unconfirmed order: one line without the fields of a confirmation. */
function smallEvent(): object {
  const event = testing.orderEvent({ lines: 1 })
  for (const line of event.orderEvent.lines) {
    delete line.confirmedLine
    delete line.prices
    delete line.pricesIncludingRequests
  }
  return event
}

const EVENTS: Record<Size, () => object> = {
  '3 KB': smallEvent,
  '94 KB': () => testing.orderEvent({ lines: 39 }),
  '1.7 MB': () => testing.orderEvent({ lines: 470, deliveries: 4 }),
  maximum: () => testing.maximumOrderEvent(),
}

/** A body whose IDs are replaced in place. Each connection needs a body of its own. */
export class Payload {
  readonly body: Buffer
  readonly #messageId: number
  readonly #orderId: number

  constructor(body: Buffer) {
    this.body = Buffer.from(body)
    this.#messageId = endOfText(body, '"messageId":"')
    this.#orderId = endOfText(body, '"orderId":"')
  }

  /** The bytes of the event with IDs that are made from the number `n`. */
  renew(n: number): Buffer {
    writeDigits(this.body, this.#messageId, n, 12)
    writeDigits(this.body, this.#orderId, n % ORDERS, 5)
    return this.body
  }
}

export function bodyOf(size: Size): Buffer {
  return Buffer.from(JSON.stringify(EVENTS[size]()))
}

/** The position of the end of the string value of `field`. */
function endOfText(body: Buffer, field: string): number {
  const at = body.indexOf(field)
  if (at < 0) throw new Error(`No ${field}`)
  return body.indexOf('"', at + field.length)
}

function writeDigits(body: Buffer, end: number, value: number, count: number): void {
  let rest = value
  for (let i = end - 1; i >= end - count; i--) {
    body[i] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

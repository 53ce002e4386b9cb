/** The bodies that are sent: order events of four sizes, each time with another message ID and another order ID. */
import { built } from '../package'

const testing = built<typeof import('../../lib/testing')>('testing/index')

export const SIZES = ['3 KB', '94 KB', '1.7 MB', 'maximum'] as const
export type Size = (typeof SIZES)[number]

/** Orders that the events are of: as many as events of one order follow each other rarely. */
const ORDERS = 10_000

/** An event of an order that is not confirmed yet: one line without what comes with a confirmation. */
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

/** Bytes of one body, in which IDs are renewed in place. Each connection needs one of its own. */
export class Payload {
  readonly body: Buffer
  readonly #messageId: number
  readonly #orderId: number

  constructor(body: Buffer) {
    this.body = Buffer.from(body)
    this.#messageId = endOfText(body, '"messageId":"')
    this.#orderId = endOfText(body, '"orderId":"')
  }

  /** The same event with the IDs of number `n`. */
  renew(n: number): Buffer {
    writeDigits(this.body, this.#messageId, n, 12)
    writeDigits(this.body, this.#orderId, n % ORDERS, 5)
    return this.body
  }
}

export function bodyOf(size: Size): Buffer {
  return Buffer.from(JSON.stringify(EVENTS[size]()))
}

/** Where the text behind `field` ends. */
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

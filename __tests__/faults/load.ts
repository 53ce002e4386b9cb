/**
 * Simulates Tradecloud under load: sends events on many keep-alive connections, repeats each until it is answered with
 * 2xx, and records every response. The next event of an order is sent after the previous one was accepted.
 */
import { pause } from '../integration/harness'
import { encodeRequest, RawConnection } from '../integration/raw-http'
import { encodeNumbered, type Numbered } from './numbered-event'
import { atEnd } from './receiver-process'

export interface LoadOptions {
  /** Prefix of the IDs of the load's events and orders. */
  name: string
  /** Prefix of the IDs of the orders, if several loads send events of the same orders. Default: `name`. */
  orderName?: string
  /** Returns the port of a receiver. `copy` is the index, from 0, of the copy that is sent. */
  port: (copy: number) => number
  events: number
  orders: number
  connections: number
  /** How many copies of each event are sent concurrently. Default: 1. */
  copies?: number
  /** Minimum length of a body, in bytes. Default: 8 KiB. */
  bytes?: number
  /** Highest number of events per second. Default: no limit. */
  rate?: number
}

export interface Answer {
  /** `'broken'`: the connection failed, or ended before the response. */
  status: number | 'broken'
  outcome: string | undefined
  sentAt: number
  answeredAt: number
}

export interface Sent extends Numbered {
  answers: Answer[]
  accepted: boolean
}

/** Pause before an event is sent again. */
const AGAIN_MS = 50

export class Load {
  readonly sent: Sent[] = []
  accepted = 0
  readonly events: number
  /** Resolves when every event was accepted, or after `stop()`. */
  readonly done: Promise<void>
  readonly #options: LoadOptions & { copies: number }
  readonly #orders: Array<{ number: number; turn: number }>
  readonly #startedAt = Date.now()
  #stopped = false

  /** Begins to send at once. */
  constructor(options: LoadOptions) {
    this.#options = { copies: 1, ...options }
    this.events = options.events
    // Stops the load even if the test fails. Running requests break when the receiver ends.
    atEnd(async () => void this.stop())
    this.#orders = Array.from({ length: options.orders }, (_, number) => ({ number, turn: 0 }))
    this.done = Promise.all(Array.from({ length: options.connections }, () => this.#connection())).then(() => undefined)
  }

  /** Sends no further events. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.done
  }

  /** All responses to requests that were sent between two times. */
  answers(from = 0, to = Infinity): Answer[] {
    return this.sent.flatMap(({ answers }) => answers).filter(({ sentAt }) => sentAt >= from && sentAt < to)
  }

  async #connection(): Promise<void> {
    const { events, orders, rate } = this.#options
    const sockets = new Sockets(this.#options.port)
    while (!this.#stopped) {
      const isDue = rate === undefined || this.sent.length < ((Date.now() - this.#startedAt) / 1000) * rate
      const order = isDue ? this.#orders.shift() : undefined
      if (!order) {
        if (this.accepted >= events) break
        await pause(5)
        continue
      }
      const number = order.turn * orders + order.number
      if (number >= events) continue
      await this.#send(order, sockets)
      order.turn++
      this.#orders.push(order)
    }
    sockets.close()
  }

  /** Sends an event until it is accepted. */
  async #send({ number, turn }: { number: number; turn: number }, sockets: Sockets): Promise<void> {
    const { name, orderName = name, copies, bytes } = this.#options
    const order = `${orderName}-order-${number}`
    const event: Sent = { event: `${name}-order-${number}-turn-${turn}`, order, turn, answers: [], accepted: false }
    this.sent.push(event)
    const request = encodeEvent(event, bytes)
    while (!event.accepted && !this.#stopped) {
      const answers = await Promise.all(Array.from({ length: copies }, (_, copy) => sockets.exchange(copy, request)))
      event.answers.push(...answers)
      event.accepted = answers.some(isAccepted)
      if (!event.accepted) await pause(AGAIN_MS)
    }
    if (event.accepted) this.accepted++
  }
}

export function isAccepted({ status }: Answer): boolean {
  return typeof status === 'number' && status >= 200 && status < 300
}

/** The bytes of a complete request with the event. */
export function encodeEvent(numbered: Numbered, bytes?: number): Buffer {
  const { event, order, turn } = numbered
  return encodeRequest({
    method: 'POST',
    path: '/order',
    headers: { Authorization: 'Bearer faults', 'Content-Type': 'application/json' },
    body: encodeNumbered({ event, order, turn }, bytes),
  }).whole
}

/** Keep-alive connections, reopened when they are closed. */
class Sockets {
  readonly #port: (copy: number) => number
  readonly #connections: Array<RawConnection | undefined> = []

  constructor(port: (copy: number) => number) {
    this.#port = port
  }

  async exchange(index: number, request: Buffer): Promise<Answer> {
    const sentAt = Date.now()
    try {
      let connection = this.#connections[index]
      if (!connection || connection.closed) {
        connection?.destroy()
        connection = this.#connections[index] = new RawConnection(this.#port(index))
      }
      const answered = connection.answer()
      connection.write(request)
      const { status, headers, json } = await answered
      if (headers.connection === 'close') this.#drop(index)
      return { status, outcome: json?.outcome ?? json?.code, sentAt, answeredAt: Date.now() }
    } catch {
      this.#drop(index)
      return { status: 'broken', outcome: undefined, sentAt, answeredAt: Date.now() }
    }
  }

  close(): void {
    for (const index of this.#connections.keys()) this.#drop(index)
  }

  #drop(index: number): void {
    this.#connections[index]?.destroy()
    this.#connections[index] = undefined
  }
}

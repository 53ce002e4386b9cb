/** What the contract tests share: events, inboxes that are closed after the test, and waiting for deliveries. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Inbox, InboxDelivery, Wanted } from '../../inbox/inbox'
import type { StoredEvent } from '../../inbox/stored-event'
import { sha256, uuidOf } from '../../bytes/digest'

/** An empty database for one test. */
export interface InboxContractStorage {
  /**
   * Opens an inbox on the database. If called several times, the inboxes share what is stored, like those of several
   * processes.
   */
  open(): Inbox | Promise<Inbox>
  /** Removes the database. All inboxes are closed before this is called. */
  dispose?(): void | Promise<void>
}

export interface ContractTest {
  name: string
  run: (harness: Harness) => Promise<void>
}

/** One open inbox with a process attached to it. */
export interface AttachedInbox {
  inbox: Inbox
  /** Waits until events are due, and takes them. */
  take: (limit?: number, maxBytes?: number) => Promise<InboxDelivery[]>
  takeOne: () => Promise<InboxDelivery>
  /** Takes the events that are due, without waiting. */
  takeNow: (limit?: number, maxBytes?: number) => Promise<InboxDelivery[]>
  /** How often the inbox has called `wake`. */
  wakes: () => number
  /** Messages of the alarms raised. */
  alarms: string[]
  detach: () => void
}

/** A test that waits longer than this fails. */
const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 20
export const ALL: readonly Wanted[] = [{ kind: 'order' }, { kind: 'orderDocuments' }, { kind: 'shipment' }]
export const NAME = 'contract'
export const UNKNOWN_ID = '00000000-0000-8000-8000-000000000000'
export const DELIVERED = { result: 'delivered' } as const
export const DEAD = { result: 'dead', outcome: 'rejected', reason: 'not ours' } as const

export class Harness {
  readonly #storage: InboxContractStorage
  readonly #inboxes: Inbox[] = []

  constructor(storage: InboxContractStorage) {
    this.#storage = storage
  }

  async open(): Promise<Inbox> {
    const inbox = await this.#storage.open()
    this.#inboxes.push(inbox)
    await inbox.ready()
    return inbox
  }

  /**
   * Opens an inbox and attaches a process that takes the wanted events. Resolves once the other processes know which
   * events this process wants.
   */
  async join(wanted: readonly Wanted[] = ALL, name = NAME): Promise<AttachedInbox> {
    const inbox = await this.open()
    const member = attach(inbox, wanted, name)
    await inbox.ready()
    return member
  }

  async end(): Promise<void> {
    await Promise.all(this.#inboxes.map((inbox) => inbox.close()))
    await this.#storage.dispose?.()
  }
}

export function attach(inbox: Inbox, wanted: readonly Wanted[] = ALL, name = NAME): AttachedInbox {
  let wakes = 0
  const alarms: string[] = []
  const detach = inbox.attach({
    name,
    wanted,
    maxDelayMs: 900_000,
    wake: () => wakes++,
    leaseLost: () => undefined,
    handlerTimeoutMs: 1,
    alarm: ({ message }) => void alarms.push(message),
  })
  const takeNow = async (limit = 100, maxBytes = Number.MAX_SAFE_INTEGER): Promise<InboxDelivery[]> =>
    (await inbox.take({ limit, maxBytes })).deliveries
  const take = (limit?: number, maxBytes?: number): Promise<InboxDelivery[]> =>
    until(async () => {
      const taken = await takeNow(limit, maxBytes)
      return taken.length > 0 ? taken : undefined
    }, 'something to take')
  const takeOne = async (): Promise<InboxDelivery> => (await take(1))[0] ?? assert.fail('nothing was taken')
  return { inbox, take, takeOne, takeNow, wakes: () => wakes, alarms, detach }
}

/** Polls until `look` returns a value. */
export async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let left = PATIENCE_MS / LOOK_EVERY_MS; left > 0; left--) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  throw new Error(`waited in vain for ${what}`)
}

/**
 * Compares two values as JSON: a strict comparison fails for equal objects if the test runner gives each test file its
 * own `Object` and `Array`, as Jest does.
 */
export function same(actual: unknown, expected: unknown): void {
  assert.equal(JSON.stringify(actual, sortKeys, 1), JSON.stringify(expected, sortKeys, 1))
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export const ORDER_ID = 'cb0cef0b-6538-4828-b45e-5ad8ea69b5cd-PO2189'

/** An order event with its body. The same body gives the same key and ID. */
export function orderEvent(
  body: string | Buffer = randomUUID(),
  more: Partial<StoredEvent> = {},
): [event: StoredEvent, bytes: Buffer] {
  const bytes = Buffer.from(body)
  const digest = sha256(bytes)
  const key = `${more.name ?? NAME}:${more.kind ?? 'order'}:${digest}`
  const event: StoredEvent = {
    format: 1,
    name: NAME,
    id: uuidOf(key),
    key,
    trigger: 'body',
    kind: 'order',
    eventName: 'OrderLinesAcceptedBySupplier',
    entity: { kind: 'order', id: ORDER_ID },
    method: 'POST',
    path: '/order',
    contentType: 'application/json',
    digest,
    requestId: randomUUID(),
    receivedAt: new Date().toISOString(),
    ...more,
  }
  return [event, bytes]
}

export function getTrigger(more: Partial<StoredEvent> = {}): [event: StoredEvent, bytes: Buffer] {
  const [event, bytes] = orderEvent(Buffer.alloc(0), { trigger: 'id', method: 'GET', eventName: undefined, ...more })
  return [{ ...event, id: uuidOf(`${NAME}:get:${event.requestId}`), key: undefined, contentType: undefined }, bytes]
}

/** The field `entity` of an event of the order with this number. */
export function ofOrder(number: string | number): Pick<StoredEvent, 'entity'> {
  return { entity: { kind: 'order', id: `cb0cef0b-6538-4828-b45e-5ad8ea69b5cd-${number}` } }
}

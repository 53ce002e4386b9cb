/** What the tests of the inbox on BullMQ share: events, and a host that does what it is told and keeps a record. */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { bullmqInbox, type BullmqInboxOptions } from '../../lib/bullmq'
import type { TradecloudWebhookError } from '../../lib/errors/errors'
import type { InboxDelivery, InboxHost, ManagedInbox, Settlement, StoredEvent } from '../../lib/inbox/inbox'
import type { RedisServer } from './redis-server'

export const LEASE_MS = 1_500
export const SWEEP_MS = 500

let serial = 0
const inboxes = new Set<ManagedInbox>()

export function openInbox(server: RedisServer, options: Partial<BullmqInboxOptions> = {}): ManagedInbox {
  const connection = { host: server.host, port: server.port }
  const inbox = bullmqInbox({ connection, leaseMs: LEASE_MS, sweepIntervalMs: SWEEP_MS, ...options })
  inboxes.add(inbox)
  return inbox
}

/** For `afterEach`. */
export async function closeInboxes(): Promise<void> {
  const open = [...inboxes]
  inboxes.clear()
  await Promise.all(open.map((inbox) => inbox.close()))
}

/** A queue of its own for each test. */
export function freshName(): string {
  return `test-${++serial}`
}

export function makeEvent(orderId: string | undefined, fields: Partial<StoredEvent> = {}): StoredEvent {
  const id = randomUUID()
  return {
    format: 1,
    id,
    key: `key-${id}`,
    trigger: 'body',
    kind: 'order',
    eventName: 'OrderIssuedByBuyer',
    entity: orderId === undefined ? undefined : { kind: 'order', id: orderId },
    method: 'POST',
    path: '/order',
    contentType: 'application/json',
    digest: createHash('sha256').update(id).digest('hex'),
    requestId: randomUUID(),
    receivedAt: new Date().toISOString(),
    ...fields,
  }
}

export const body = (text = '{"orderId":"1"}'): Buffer => Buffer.from(text)

export const delivered: Settlement = { result: 'delivered' }
export const retry = (delayMs: number): Settlement => ({ result: 'retry', delayMs, reason: 'ERP is down' })
export const dead: Settlement = { result: 'dead', reason: 'given up' }

export type Handler = (delivery: InboxDelivery) => Settlement | Promise<Settlement>

/** Settles what its handler says. Notes each call, and whether two of one entity ever ran at a time. */
export class Host implements InboxHost {
  readonly concurrency: number
  maxBytes = Infinity
  handler: Handler
  readonly alarms: TradecloudWebhookError[] = []
  readonly calls: InboxDelivery[] = []
  readonly noted: boolean[] = []
  overlaps = 0
  running = 0
  mostRunning = 0
  readonly inbox: ManagedInbox
  readonly #entities: Set<string>

  /** `entities`: to be shared by hosts that must not run one at the same time. */
  constructor(inbox: ManagedInbox, handler: Handler = () => delivered, concurrency = 8, entities = new Set<string>()) {
    this.inbox = inbox
    this.handler = handler
    this.concurrency = concurrency
    this.#entities = entities
  }

  async run(delivery: InboxDelivery): Promise<void> {
    this.calls.push(delivery)
    this.mostRunning = Math.max(this.mostRunning, ++this.running)
    const entity = delivery.event.entity?.id ?? delivery.event.id
    if (this.#entities.has(entity)) this.overlaps++
    this.#entities.add(entity)
    const settlement = await this.handler(delivery)
    this.#entities.delete(entity)
    this.noted.push(await this.inbox.settle(delivery, settlement))
    this.running--
  }

  alarm(error: TradecloudWebhookError): void {
    this.alarms.push(error)
  }

  ids(): string[] {
    return this.calls.map(({ event }) => event.id)
  }
}

/** Waits for what must come true; not for how soon. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  for (const end = Date.now() + 20_000; !(await condition()); await sleep(10)) {
    if (Date.now() > end) throw new Error(`${what} did not come true`)
  }
}

export async function listed(inbox: ManagedInbox, ...filter: Parameters<ManagedInbox['list']>): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of inbox.list(...filter)) ids.push(id)
  return ids
}

/** A promise to be resolved from outside. */
export function gate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

/** Milliseconds, and what it rejected with. */
export async function timed(work: () => Promise<unknown>): Promise<{ ms: number; error: unknown; value: unknown }> {
  const from = performance.now()
  try {
    const value = await work()
    return { ms: performance.now() - from, error: undefined, value }
  } catch (error) {
    return { ms: performance.now() - from, error, value: undefined }
  }
}

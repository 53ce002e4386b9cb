/** A deliverer whose callbacks and fetches end when a test decides. The API client is fake; everything else is real. */
import type { TradecloudClient } from '../../../lib/api'
import { Claims } from '../../../lib/deliver/dedupe/claims'
import { Deliverer, type DelivererOptions } from '../../../lib/deliver/deliverer'
import type { AttemptResult } from '../../../lib/deliver/attempt'
import type { Delivery } from '../../../lib/deliver/delivery'
import { createHandlers, type CallbackOptions } from '../../../lib/deliver/handlers'
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import type { ResolveOptions } from '../../../lib/deliver/resolve-event'
import type { Store } from '../../../lib/deliver/dedupe/store'
import { TradecloudWebhookError } from '../../../lib/errors/errors'
import type { WebhookContext } from '../../../lib/deliver/context'
import type { EventKind, WebhookEvent } from '../../../lib/events/events'
import type { BodyTrigger, IdTrigger, Trigger } from '../../../lib/events/trigger'
import { createValidator } from '../../../lib/events/validate'

export const WAIT_MS = 10_000
export const HOUR = 3_600_000
export const MINUTE = 60_000

interface Call {
  event: WebhookEvent
  context: WebhookContext
  finish: () => void
  fail: (cause: unknown) => void
}

interface Fetch {
  kind: string
  id: string
  signal: AbortSignal
  timeoutMs: number
  answer: (entity: object, contentHash?: string, removedKeys?: string[]) => void
  fail: (cause: unknown) => void
}

interface Setup extends Partial<Omit<DelivererOptions, 'resolve' | 'claims'>> {
  callbacks?: CallbackOptions
  resolve?: Partial<ResolveOptions>
  store?: Store | false
}

export function setup({ callbacks, resolve, store = new MemoryStore(), ...more }: Setup = {}) {
  const calls: Call[] = []
  const fetches: Fetch[] = []
  const alarms: Array<[TradecloudWebhookError, Trigger]> = []
  const callback = (event: WebhookEvent, context: WebhookContext) =>
    new Promise<void>((finish, fail) => calls.push({ event, context, finish, fail }))
  const handlers = createHandlers(callbacks ?? { onOrder: callback, onOrderDocuments: callback, onShipment: callback })
  /** Adds the handler to each trigger, as the receiver does. */
  class DelivererWithCallbacks extends Deliverer {
    override submit(trigger: Trigger): Delivery {
      const handler = handlers.find(trigger.kind, trigger.type === 'body' ? trigger.eventName : undefined)
      return super.submit(Object.assign(trigger, { handler }))
    }
  }
  const deliverer = new DelivererWithCallbacks({
    name: 'test',
    claims: store === false ? undefined : new Claims({ store, ttlMs: HOUR, leaseMs: MINUTE, timeoutMs: 2000 }),
    concurrency: 32,
    entityWaitMs: WAIT_MS,
    notFoundGraceMs: HOUR,
    alarm: (error, trigger) => alarms.push([error, trigger]),
    api: undefined,
    ...more,
    resolve: {
      client: undefined,
      mode: 'get',
      fetchTimeoutMs: 1234,
      validator: createValidator('off'),
      strict: false,
      notKnown: () => undefined,
      ...resolve,
    },
  })
  const fetchEntity: TradecloudClient['fetchEntity'] = (kind, id, options) =>
    new Promise((answer, fail) => {
      fetches.push({
        kind,
        id,
        signal: options!.signal!,
        timeoutMs: options!.timeoutMs!,
        fail,
        answer: (entity, contentHash = 'hash', removedKeys = []) =>
          answer({ entity: entity as Record<string, unknown>, contentHash, removedKeys }),
      })
    })
  return { deliverer, calls, fetches, alarms, client: { fetchEntity } as unknown as TradecloudClient }
}

/** Like `setup`, with a client that fetches orders and shipments. */
export function setupWithClient({ resolve, ...more }: Setup = {}) {
  const { client, fetches } = setup()
  return { ...setup({ ...more, resolve: { client, ...resolve } }), fetches }
}

let requests = 0

export function body(
  id: string,
  content = 'x',
  more: Partial<BodyTrigger> = {},
  event: { kind?: EventKind; eventName?: string; [field: string]: unknown } = {},
): BodyTrigger {
  return {
    type: 'body',
    kind: event.kind ?? 'order',
    eventName: event.eventName,
    method: 'POST',
    requestId: `request ${++requests}`,
    receivedAt: new Date(),
    digest: `${id} ${content}`,
    identified: true,
    entity: { kind: 'order', id },
    event: {
      kind: 'order',
      completeness: 'affected-lines',
      lineForm: 'deliverySchedule',
      method: 'POST',
      orderId: id,
      order: { orderId: id, content },
      affectedLines: [{ id: 'L' }],
      issues: [],
      ...event,
    } as WebhookEvent,
    ...more,
  }
}

export function get(id: string, kind: 'order' | 'shipment' = 'order', receivedAt = new Date()): IdTrigger {
  return { type: 'id', method: 'GET', requestId: `request ${++requests}`, receivedAt, kind, id }
}

/** The `content` that a test has passed to `body`, as the callback received it. */
export function contentOf({ event }: Call): string {
  return (event as unknown as { order: { content: string } }).order.content
}

export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

/** Records the outcome and the result of a delivery, which are `undefined` while the delivery runs. */
export function watch(delivery: Delivery): { outcome?: string; result?: AttemptResult } {
  const seen: { outcome?: string; result?: AttemptResult } = {}
  void delivery.result.then((result) => Object.assign(seen, { outcome: result.outcome, result }))
  return seen
}

/**
 * Registers the hooks of a test file: restores the real clock after each test, and fails a test with an unhandled
 * rejection.
 */
export function checkAfterEach(): void {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  beforeEach(() => {
    unhandled.length = 0
    process.on('unhandledRejection', note)
  })
  afterEach(() => {
    process.off('unhandledRejection', note)
    jest.useRealTimers()
    expect(unhandled).toEqual([])
  })
}

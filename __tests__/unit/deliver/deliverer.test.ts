/**
 * The way of a trigger to its result: order, merging, giving up, failing, closing. The client of the API is written by
 * hand; everything else is real.
 */
import type { TradecloudClient } from '../../../lib/api'
import { Claims } from '../../../lib/deliver/dedupe/claims'
import { Deliverer, type DelivererOptions, type DeliveryResult, type Ticket } from '../../../lib/deliver/deliverer'
import { createHandlers, type CallbackOptions } from '../../../lib/deliver/handlers'
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import type { ResolveOptions } from '../../../lib/deliver/resolve-event'
import type { Store } from '../../../lib/deliver/dedupe/store'
import { RejectEvent, TradecloudWebhookError } from '../../../lib/errors/errors'
import type { EventKind, WebhookContext, WebhookEvent } from '../../../lib/events/events'
import { Pieces } from '../../../lib/bytes/pieces'
import type { BodyTrigger, IdTrigger, Trigger } from '../../../lib/events/trigger'
import { createValidator } from '../../../lib/events/validate'

const WAIT_MS = 10_000
const HOUR = 3_600_000
const MINUTE = 60_000

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

interface Setup extends Partial<Omit<DelivererOptions, 'resolve' | 'handlers' | 'claims'>> {
  callbacks?: CallbackOptions
  resolve?: Partial<ResolveOptions>
  store?: Store | false
}

/** A deliverer whose callbacks and fetches end when the test says so. */
function setup({ callbacks, resolve, store = new MemoryStore(), ...more }: Setup = {}) {
  const calls: Call[] = []
  const fetches: Fetch[] = []
  const alarms: Array<[TradecloudWebhookError, Trigger]> = []
  const callback = (event: WebhookEvent, context: WebhookContext) =>
    new Promise<void>((finish, fail) => calls.push({ event, context, finish, fail }))
  const deliverer = new Deliverer({
    name: 'test',
    handlers: createHandlers(callbacks ?? { onOrder: callback, onOrderDocuments: callback, onShipment: callback }),
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

/** The same with a client to fetch from. */
function setupWithClient({ resolve, ...more }: Setup = {}) {
  const { client, fetches } = setup()
  return { ...setup({ ...more, resolve: { client, ...resolve } }), fetches }
}

let requests = 0

function body(
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

function get(id: string, kind: 'order' | 'shipment' = 'order', receivedAt = new Date()): IdTrigger {
  return { type: 'id', method: 'GET', requestId: `request ${++requests}`, receivedAt, kind, id }
}

/** What `body` was told to put into the order. */
function contentOf({ event }: Call): string {
  return (event as unknown as { order: { content: string } }).order.content
}

async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

/** The outcome, or undefined while there is none. */
function watch(ticket: Ticket): { outcome?: string; result?: DeliveryResult } {
  const seen: { outcome?: string; result?: DeliveryResult } = {}
  void ticket.result.then((result) => Object.assign(seen, { outcome: result.outcome, result }))
  return seen
}

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

describe('an event', () => {
  it.each([
    ['an object', (work: Promise<void>) => ({ then: work.then.bind(work) })],
    // As a proxy for remote calls returns it.
    ['a function', (work: Promise<void>) => Object.assign(() => undefined, { then: work.then.bind(work) })],
  ])('is not delivered before the promise of its callback is kept, of any library: %s', async (_what, promise) => {
    let fail: (cause: Error) => void = () => undefined
    const work = new Promise<void>((_resolve, reject) => (fail = reject))
    const { deliverer } = setup({ callbacks: { onOrder: (() => promise(work)) as never } })
    const seen = watch(deliverer.submit(body('1')))
    await settle()
    expect(seen.outcome).toBeUndefined()
    fail(new Error('too late'))
    await settle()
    expect(seen.outcome).toBe('handler_failed')
  })

  it('is delivered with its context', async () => {
    const { deliverer, calls, client } = setup({ api: undefined })
    const trigger = body('1', 'x', { rawBody: Pieces.of(Buffer.from('{}')) })
    const ticket = deliverer.submit(trigger)
    await settle()
    expect(calls).toHaveLength(1)
    const { event, context, finish } = calls[0]!
    expect(event).toBe(trigger.event)
    expect(context.signal).toBeInstanceOf(AbortSignal)
    expect(context.signal).toBe(context.signal)
    expect({ ...context }).toEqual({
      deliveryId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      requestId: trigger.requestId,
      attempt: 1,
      receivedAt: trigger.receivedAt,
      signal: context.signal,
      rawBody: trigger.rawBody?.whole,
      outdated: false,
      replay: false,
      api: undefined,
    })
    expect(context.rawBody).toBe(trigger.rawBody?.whole)
    expect(context.signal.aborted).toBe(false)
    finish()
    expect(await ticket.result).toEqual({ outcome: 'delivered', attempt: 1, deliveryId: context.deliveryId })
    expect(ticket.merged).toBe(false)
    const withApi = setup({ api: client })
    withApi.deliverer.submit(body('1'))
    await settle()
    expect(withApi.calls[0]!.context.api).toBe(client)
  })

  it('goes to the callback of its name', async () => {
    const called: string[] = []
    const callbacks = { onOrder: () => void called.push('kind'), on: { OrderSynced: () => void called.push('name') } }
    const { deliverer } = setup({ callbacks })
    await deliverer.submit(body('1', 'a', {}, { eventName: 'OrderSynced' })).result
    await deliverer.submit(body('1', 'b', {}, { eventName: 'OrderIssuedByBuyer' })).result
    expect(called).toEqual(['name', 'kind'])
  })

  it('without a callback is ignored, also where it came with an ID alone', async () => {
    const { deliverer, fetches } = setupWithClient({ callbacks: { onShipment: () => undefined } })
    expect(await deliverer.submit(body('1')).result).toMatchObject({ outcome: 'ignored' })
    expect(await deliverer.submit(get('1')).result).toMatchObject({ outcome: 'ignored' })
    expect(await deliverer.submit(body('1')).result).toMatchObject({ outcome: 'ignored' })
    expect(fetches).toEqual([])
  })

  it('is known again, by the same delivery ID, once it was delivered', async () => {
    const { deliverer, calls } = setup()
    const first = deliverer.submit(body('1'))
    await settle()
    calls[0]!.finish()
    const { deliveryId } = await first.result
    expect(await deliverer.submit(body('1')).result).toEqual({ outcome: 'duplicate', deliveryId })
    expect(calls).toHaveLength(1)
  })

  it('that is being processed is not processed twice at a time', async () => {
    const { deliverer, calls } = setup()
    const first = deliverer.submit(body('1'))
    await settle()
    expect(await deliverer.submit(body('1')).result).toMatchObject({ outcome: 'in_progress' })
    calls[0]!.finish()
    expect((await first.result).outcome).toBe('delivered')
  })

  it('that may truly come again is delivered again, though not at the same time', async () => {
    const { deliverer, calls } = setup()
    const trigger = () => body('1', 'x', { identified: false })
    const first = deliverer.submit(trigger())
    await settle()
    expect((await deliverer.submit(trigger()).result).outcome).toBe('in_progress')
    calls[0]!.finish()
    await first.result
    deliverer.submit(trigger())
    await settle()
    expect(calls).toHaveLength(2)
  })

  it('is processed each time without dedupe', async () => {
    const { deliverer } = setup({ callbacks: { onOrder: () => undefined }, store: false })
    const results = [await deliverer.submit(body('1')).result, await deliverer.submit(body('1')).result]
    expect(results).toMatchObject([{ outcome: 'delivered' }, { outcome: 'delivered' }])
    expect(results[0]!.deliveryId).toBe(results[1]!.deliveryId)
  })

  it('without an entity waits for nobody', async () => {
    const { deliverer, calls } = setup({ callbacks: undefined })
    const seen = ['a', 'b'].map((content) => watch(deliverer.submit(body('1', content, { entity: undefined }))))
    await settle()
    expect(calls).toHaveLength(2)
    calls.forEach(({ finish }) => finish())
    await settle()
    expect(seen.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered'])
  })

  it('that meets a bug of our own comes again, and holds nobody up', async () => {
    const { deliverer, calls } = setup({ concurrency: 1 })
    const cause = new Error('bug')
    const trigger = body('1')
    Object.defineProperty(trigger, 'eventName', {
      get() {
        throw cause
      },
    })
    const { outcome, ...result } = await deliverer.submit(trigger).result
    expect([outcome, result.cause]).toEqual(['unavailable', cause])
    expect(result.detail).toMatch(/./)
    deliverer.submit(body('1'))
    await settle()
    expect(calls).toHaveLength(1)
  })
})

describe('the store', () => {
  const away = (claim: Store['claim']): Store => ({
    claim,
    renew: () => true,
    complete: () => true,
    release: () => undefined,
  })

  it('that is away makes the event come again, and its callback is not called', async () => {
    const cause = new Error('store is down')
    const { deliverer, calls } = setup({ store: away(() => Promise.reject(cause)) })
    const { outcome, detail, ...rest } = await deliverer.submit(body('1')).result
    expect([outcome, rest.cause]).toEqual(['unavailable', cause])
    expect(detail).toMatch(/store/)
    expect(calls).toHaveLength(0)
  })

  it('that answers nonsense does not make an event run without a claim', async () => {
    const { deliverer, calls } = setup({ store: away(() => ({ status: 'weird' }) as never) })
    const seen = watch(deliverer.submit(body('1')))
    await settle()
    expect(seen.outcome).toBe('unavailable')
    expect(calls).toHaveLength(0)
  })

  it('that hangs holds the next event of the entity up no longer than its time', async () => {
    jest.useFakeTimers()
    const real = new MemoryStore()
    const claim: Store['claim'] = (key) => (key.endsWith(' slow') ? new Promise(() => undefined) : real.claim(key))
    const { deliverer, calls } = setup({ store: away(claim) })
    const slow = watch(deliverer.submit(body('1', 'slow')))
    deliverer.submit(body('1', 'b'))
    await jest.advanceTimersByTimeAsync(1999)
    expect(calls).toHaveLength(0)
    await jest.advanceTimersByTimeAsync(1)
    expect(slow.outcome).toBe('unavailable')
    expect(calls).toHaveLength(1)
  })

  it('that cannot note a completed event does not make it undelivered', async () => {
    const complete = () => Promise.reject(new Error('x'))
    const failing = { ...away(() => ({ status: 'claimed', token: 't' })), complete }
    const { deliverer } = setup({ store: failing, callbacks: { onOrder: () => undefined } })
    expect(await deliverer.submit(body('1')).result).toMatchObject({ outcome: 'delivered' })
  })

  it.each(['complete', 'release'] as const)(
    'that takes its time to %s holds back the answer and the next event',
    async (method) => {
      let noted = (): void => undefined
      const slow = () => new Promise<never>((resolve) => (noted = resolve as () => void))
      const store = { ...away(() => ({ status: 'claimed', token: 't' })), [method]: slow }
      const { deliverer, calls } = setup({ store })
      const first = watch(deliverer.submit(body('1', 'a')))
      deliverer.submit(body('1', 'b'))
      await settle()
      calls[0]![method === 'complete' ? 'finish' : 'fail'](new Error('x'))
      await settle()
      expect([first.outcome, calls.length]).toEqual([undefined, 1])
      noted()
      await settle()
      expect([first.outcome, calls.length]).toEqual([method === 'complete' ? 'delivered' : 'handler_failed', 2])
    },
  )

  it('is told when the event was delivered, released or rejected: once, with the right token', async () => {
    const told: unknown[][] = []
    const store: Store = {
      claim: (key) => ({ status: 'claimed', token: `token of ${key}` }),
      renew: () => true,
      complete: (...args) => told.push(['complete', ...args]) > 0,
      release: (...args) => void told.push(['release', ...args]),
    }
    const outcomes: Array<() => void> = [
      () => undefined,
      () => {
        throw new Error('x')
      },
      () => {
        throw new RejectEvent('x')
      },
    ]
    for (const onOrder of outcomes) await setup({ store, callbacks: { onOrder } }).deliverer.submit(body('1')).result
    const key = 'test:order:1 x'
    expect(told).toEqual([
      ['complete', key, `token of ${key}`, HOUR],
      ['release', key, `token of ${key}`],
      ['release', key, `token of ${key}`],
    ])
  })
})

describe('events of one entity', () => {
  it('run one after the other, in order of arrival, and hold nobody else up', async () => {
    const { deliverer, calls } = setup()
    const trigger = (content: string) => body('1', content)
    for (const content of ['a', 'b', 'c']) deliverer.submit(trigger(content))
    deliverer.submit(body('2', 'other'))
    deliverer.submit(body('3', 'documents', { entity: { kind: 'order', id: '1' } }, { kind: 'orderDocuments' }))
    deliverer.submit(body('4', 'shipment', { entity: { kind: 'shipment', id: '1' } }, { kind: 'shipment' }))
    const begun = () => calls.map(contentOf)
    await settle()
    expect(begun()).toEqual(['a', 'other', 'shipment'])
    calls[0]!.finish()
    await settle()
    expect(begun().slice(3)).toEqual(['b'])
    calls[3]!.fail(new Error('x'))
    await settle()
    expect(begun().slice(4)).toEqual(['c'])
    calls[4]!.finish()
    await settle()
    expect(begun().slice(5)).toEqual(['documents'])
  })

  it('keep their order however long the store takes for each', async () => {
    const real = new MemoryStore()
    const answers: Array<() => void> = []
    const store: Store = {
      claim: (key) => new Promise((resolve) => answers.push(() => resolve(real.claim(key)))),
      renew: () => true,
      complete: (...args) => real.complete(...args),
      release: (...args) => real.release(...args),
    }
    const { deliverer, calls } = setup({ store })
    for (const content of ['a', 'b']) deliverer.submit(body('1', content))
    answers[1]!()
    await settle()
    expect(calls).toHaveLength(0)
    answers[0]!()
    await settle()
    expect(calls.map(contentOf)).toEqual(['a'])
  })

  it('wait up to eight; the next comes again later, and is not taken for a duplicate then', async () => {
    const { deliverer, calls } = setup()
    const seen = Array.from({ length: 10 }, (_, i) => watch(deliverer.submit(body('1', `${i}`))))
    await settle()
    expect(seen.map(({ outcome }) => outcome)).toEqual([...Array<undefined>(9).fill(undefined), 'unavailable'])
    for (let i = 0; i < 9; i++) {
      calls[i]!.finish()
      await settle()
    }
    expect(seen.slice(0, 9).every(({ outcome }) => outcome === 'delivered')).toBe(true)
    deliverer.submit(body('1', '9'))
    await settle()
    expect(calls).toHaveLength(10)
  })

  it('wait for ten seconds; after that they come again later, and the rest goes on', async () => {
    jest.useFakeTimers()
    const { deliverer, calls } = setup()
    deliverer.submit(body('1', 'a'))
    const second = watch(deliverer.submit(body('1', 'b')))
    await jest.advanceTimersByTimeAsync(5000)
    const third = watch(deliverer.submit(body('1', 'c')))
    await jest.advanceTimersByTimeAsync(4999)
    expect(second.outcome).toBeUndefined()
    await jest.advanceTimersByTimeAsync(1)
    expect(second.outcome).toBe('unavailable')
    expect(second.result!.detail).toMatch(/too many/i)
    calls[0]!.finish()
    await settle()
    expect(calls).toHaveLength(2)
    calls[1]!.finish()
    await settle()
    expect(third.outcome).toBe('delivered')
    deliverer.submit(body('1', 'b'))
    await settle()
    expect(calls).toHaveLength(3)
  })
})

describe('callbacks at once', () => {
  it('are bounded, and the rest follows in order of arrival', async () => {
    const { deliverer, calls } = setup({ concurrency: 2 })
    const seen = ['1', '2', '3', '4'].map((id) => watch(deliverer.submit(body(id))))
    await settle()
    expect(calls).toHaveLength(2)
    calls[1]!.finish()
    await settle()
    expect(calls.map(({ event }) => (event as { orderId: string }).orderId)).toEqual(['1', '2', '3'])
    calls[0]!.fail(new Error('x'))
    await settle()
    expect(calls).toHaveLength(4)
    calls[2]!.finish()
    calls[3]!.finish()
    await settle()
    expect(seen.map(({ outcome }) => outcome)).toEqual(['handler_failed', 'delivered', 'delivered', 'delivered'])
  })

  it('do not count fetches', async () => {
    const { deliverer, fetches } = setupWithClient({ concurrency: 1 })
    for (const id of ['1', '2', '3']) deliverer.submit(get(id))
    await settle()
    expect(fetches).toHaveLength(3)
  })
})

describe('a ticket that is left', () => {
  it('in the line gives the event back, and it can come again', async () => {
    const { deliverer, calls } = setup()
    deliverer.submit(body('1', 'a'))
    const second = deliverer.submit(body('1', 'b'))
    const third = deliverer.submit(body('1', 'c'))
    await settle()
    second.leave()
    expect(await second.result).toMatchObject({ outcome: 'unavailable', detail: expect.stringContaining('given back') })
    calls[0]!.finish()
    await settle()
    expect(calls).toHaveLength(2)
    calls[1]!.finish()
    expect((await third.result).outcome).toBe('delivered')
    deliverer.submit(body('1', 'b'))
    await settle()
    expect(calls).toHaveLength(3)
  })

  it('while it waits for a slot gives the event back', async () => {
    const { deliverer, calls } = setup({ concurrency: 1 })
    deliverer.submit(body('1'))
    const second = deliverer.submit(body('2'))
    await settle()
    second.leave()
    expect(await second.result).toMatchObject({ outcome: 'unavailable', detail: expect.stringContaining('given back') })
    calls[0]!.finish()
    await settle()
    deliverer.submit(body('2'))
    await settle()
    expect(calls).toHaveLength(2)
  })

  it('while its claim is being taken gives the event back before it waits', async () => {
    const real = new MemoryStore()
    let thaw = (): void => undefined
    const store: Store = {
      claim: (key) => {
        if (!key.endsWith('b')) return real.claim(key)
        return new Promise((resolve) => (thaw = () => resolve(real.claim(key))))
      },
      renew: () => true,
      complete: (...args) => real.complete(...args),
      release: (...args) => real.release(...args),
    }
    const { deliverer } = setup({ store })
    deliverer.submit(body('1', 'a'))
    const second = deliverer.submit(body('1', 'b'))
    second.leave()
    thaw()
    expect((await second.result).outcome).toBe('unavailable')
    expect(real.claim('test:order:1 b').status).toBe('claimed')
  })

  it('while it is being fetched gives the event back before it waits for a slot', async () => {
    const { deliverer, fetches, calls } = setupWithClient({ concurrency: 1 })
    deliverer.submit(body('2'))
    const fetched = deliverer.submit(get('1'))
    await settle()
    fetched.leave()
    fetches[0]!.answer({ id: '1' })
    expect((await fetched.result).outcome).toBe('unavailable')
    expect(calls).toHaveLength(1)
  })

  it('after its callback has begun changes nothing', async () => {
    const { deliverer, calls } = setup()
    const ticket = deliverer.submit(body('1'))
    await settle()
    ticket.leave()
    ticket.leave()
    await settle()
    expect(calls[0]!.context.signal.aborted).toBe(false)
    expect((await deliverer.submit(body('1')).result).outcome).toBe('in_progress')
    calls[0]!.finish()
    expect((await ticket.result).outcome).toBe('delivered')
    expect((await deliverer.submit(body('1')).result).outcome).toBe('duplicate')
  })
})

describe('GET triggers', () => {
  it('share a delivery until its fetch begins, and all get its result', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    deliverer.submit(body('1'))
    const tickets = [get('1'), get('1'), get('1')].map((trigger) => deliverer.submit(trigger))
    expect(tickets.map(({ merged }) => merged)).toEqual([false, true, true])
    await settle()
    expect(fetches).toHaveLength(0)
    calls[0]!.finish()
    await settle()
    expect(fetches).toHaveLength(1)
    fetches[0]!.answer({ id: '1' })
    await settle()
    expect(calls).toHaveLength(2)
    calls[1]!.finish()
    const results = await Promise.all(tickets.map(({ result }) => result))
    expect(results[0]).toMatchObject({ outcome: 'delivered', attempt: 1, deliveryId: expect.any(String) })
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  it('that come once the fetch has begun are fetched again, after it', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    deliverer.submit(get('1'))
    await settle()
    const second = deliverer.submit(get('1'))
    const third = deliverer.submit(get('1'))
    expect([second.merged, third.merged]).toEqual([false, true])
    fetches[0]!.answer({ id: '1', version: 1 })
    await settle()
    expect(fetches).toHaveLength(1)
    calls[0]!.finish()
    await settle()
    expect(fetches).toHaveLength(2)
  })

  it('share while several events are before them in the line', async () => {
    const { deliverer, calls } = setupWithClient()
    deliverer.submit(body('1', 'a'))
    deliverer.submit(body('1', 'b'))
    deliverer.submit(get('1'))
    await settle()
    calls[0]!.finish()
    await settle()
    expect(calls).toHaveLength(2)
    expect(deliverer.submit(get('1')).merged).toBe(true)
  })

  it('of other entities and kinds do not share', async () => {
    const { deliverer } = setupWithClient()
    deliverer.submit(body('1'))
    deliverer.submit(get('1'))
    expect(deliverer.submit(get('2')).merged).toBe(false)
    expect(deliverer.submit(get('1', 'shipment')).merged).toBe(false)
    expect(deliverer.submit(body('1', 'b')).merged).toBe(false)
  })

  it('without an API share until the callback begins', async () => {
    const { deliverer, calls } = setup({ concurrency: 1 })
    deliverer.submit(body('2'))
    await settle()
    deliverer.submit(get('1'))
    await settle()
    expect(deliverer.submit(get('1')).merged).toBe(true)
    calls[0]!.finish()
    await settle()
    expect(calls).toHaveLength(2)
    expect(deliverer.submit(get('1')).merged).toBe(false)
  })

  it('are given up only when all of them are', async () => {
    const { deliverer, calls } = setup()
    deliverer.submit(body('1'))
    const [first, second] = [deliverer.submit(get('1')), deliverer.submit(get('1'))]
    const seen = watch(first)
    await settle()
    first.leave()
    first.leave()
    await settle()
    expect(seen.outcome).toBeUndefined()
    second.leave()
    await settle()
    expect(seen.outcome).toBe('unavailable')
    const third = deliverer.submit(get('1'))
    expect(third.merged).toBe(false)
    calls[0]!.finish()
    await settle()
    calls[1]!.finish()
    expect((await third.result).outcome).toBe('delivered')
  })

  it('do not join one that failed, waited too long or was sent away', async () => {
    jest.useFakeTimers()
    const { deliverer, calls } = setup()
    deliverer.submit(body('1'))
    const first = watch(deliverer.submit(get('1')))
    await jest.advanceTimersByTimeAsync(WAIT_MS)
    expect(first.outcome).toBe('unavailable')
    const second = deliverer.submit(get('1'))
    expect(second.merged).toBe(false)
    calls[0]!.finish()
    await settle()
    calls[1]!.fail(new Error('x'))
    expect((await second.result).outcome).toBe('handler_failed')
    expect(deliverer.submit(get('1')).merged).toBe(false)
    await settle()
    for (let i = 0; i < 8; i++) deliverer.submit(body('1', `${i}`))
    expect((await deliverer.submit(get('1')).result).outcome).toBe('unavailable')
    expect(deliverer.submit(get('1')).merged).toBe(false)
  })

  it('are never duplicates', async () => {
    const { deliverer } = setup({ callbacks: { onOrder: () => undefined } })
    const first = await deliverer.submit(get('1')).result
    const second = await deliverer.submit(get('1')).result
    expect([first.outcome, second.outcome]).toEqual(['delivered', 'delivered'])
    expect(first.deliveryId).not.toBe(second.deliveryId)
  })
})

describe('fetching', () => {
  it('a GET trigger delivers the whole entity, as it was answered', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    const order = { id: '1', version: 4, lastUpdatedAt: '2025-01-01T00:00:00Z', lines: [{}] }
    const ticket = deliverer.submit(get('1'))
    await settle()
    expect(fetches[0]).toMatchObject({ kind: 'order', id: '1', timeoutMs: 1234 })
    fetches[0]!.answer(order)
    await settle()
    const { event, context, finish } = calls[0]!
    expect(event).toEqual({
      kind: 'order',
      method: 'GET',
      completeness: 'all-lines',
      lineForm: 'deliverySchedule',
      orderId: '1',
      order,
      version: 4,
      lastUpdatedAt: order.lastUpdatedAt,
      issues: [],
    })
    expect((event as { order: unknown }).order).toBe(order)
    expect(context).toMatchObject({ rawBody: undefined, attempt: 1 })
    finish()
    expect((await ticket.result).deliveryId).toBe(context.deliveryId)
  })

  it('the same content has the same delivery ID, other content another', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    for (const hash of ['a', 'a', 'b']) {
      deliverer.submit(get('1'))
      await settle()
      fetches.at(-1)!.answer({ id: '1' }, hash)
      await settle()
      calls.at(-1)!.finish()
      await settle()
    }
    const ids = calls.map(({ context }) => context.deliveryId)
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).not.toBe(ids[0])
  })

  it('a shipment is delivered as a shipment', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    deliverer.submit(get('S', 'shipment'))
    await settle()
    fetches[0]!.answer({ id: 'S', meta: { lastUpdatedAt: '2025-01-01' } })
    await settle()
    expect(calls[0]!.event).toMatchObject({
      kind: 'shipment',
      shipmentId: 'S',
      shipment: { id: 'S' },
      lastUpdatedAt: '2025-01-01',
      completeness: 'all-lines',
    })
  })

  it.each<[string, Partial<ResolveOptions>]>([
    ['without an API', { client: undefined }],
    ["with fetch: 'never'", { mode: 'never' }],
  ])('%s there is only the ID', async (_how, resolve) => {
    const { deliverer, calls, fetches } = setupWithClient({ resolve })
    deliverer.submit(get('1'))
    deliverer.submit(get('S', 'shipment'))
    await settle()
    expect(fetches).toEqual([])
    expect(calls.map(({ event }) => event)).toEqual([
      { kind: 'order', completeness: 'id-only', lineForm: 'deliverySchedule', method: 'GET', orderId: '1', issues: [] },
      { kind: 'shipment', completeness: 'id-only', method: 'GET', shipmentId: 'S', issues: [] },
    ])
  })

  it('a body is not fetched unless always', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    deliverer.submit(body('1'))
    await settle()
    expect([calls.length, fetches.length]).toEqual([1, 0])
  })

  it('always: a body gets the whole order beside its affected lines', async () => {
    const { deliverer, calls, fetches } = setupWithClient({ resolve: { mode: 'always' } })
    const trigger = body('1', 'x', {}, { version: 1, lastUpdatedAt: '2025-01-01T00:00:00Z', meta: { messageId: 'm' } })
    const ticket = deliverer.submit(trigger)
    await settle()
    fetches[0]!.answer({ id: '1', version: 2, lines: [{ id: 'L' }, { id: 'M' }] })
    await settle()
    expect(calls[0]!.event).toMatchObject({
      completeness: 'all-lines',
      orderId: '1',
      order: { lines: [{}, {}] },
      affectedLines: [{ id: 'L' }],
      version: 2,
      lastUpdatedAt: '2025-01-01T00:00:00Z',
      meta: { messageId: 'm' },
      method: 'POST',
    })
    expect(trigger.event).toMatchObject({ completeness: 'affected-lines', version: 1 })
    calls[0]!.finish()
    expect((await ticket.result).outcome).toBe('delivered')
    expect((await deliverer.submit(body('1')).result).outcome).toBe('duplicate')
  })

  it.each(['not_found', 'invalid_id'])('always: a body whose ID is %s is delivered as it came', async (code) => {
    const { deliverer, calls, fetches } = setupWithClient({ resolve: { mode: 'always' } })
    const trigger = body('1')
    deliverer.submit(trigger)
    await settle()
    fetches[0]!.fail(new TradecloudWebhookError(code, 'no'))
    await settle()
    expect(calls[0]!.event).toBe(trigger.event)
  })

  it('always: a body of an unknown kind has nothing to fetch', async () => {
    const onUnknown = jest.fn()
    const { deliverer, fetches } = setupWithClient({ resolve: { mode: 'always' }, callbacks: { onUnknown } })
    await deliverer.submit(body('1', 'x', { entity: undefined }, { kind: 'unknown' })).result
    expect(onUnknown).toHaveBeenCalledTimes(1)
    expect(fetches).toEqual([])
  })

  it('always: a body that could not be fetched may come again', async () => {
    const { deliverer, fetches, calls } = setupWithClient({ resolve: { mode: 'always' } })
    const ticket = deliverer.submit(body('1'))
    await settle()
    fetches[0]!.fail(new TradecloudWebhookError('fetch_failed', 'no'))
    expect((await ticket.result).outcome).toBe('fetch_failed')
    deliverer.submit(body('1'))
    await settle()
    fetches[1]!.answer({ id: '1' })
    await settle()
    expect(calls).toHaveLength(1)
  })

  it.each<[string, unknown, string]>([
    ['fetch_failed', new TradecloudWebhookError('fetch_failed', 'x'), 'fetch_failed'],
    ['fetch_timeout', new TradecloudWebhookError('fetch_timeout', 'x'), 'fetch_timeout'],
    ['unavailable', new TradecloudWebhookError('unavailable', 'x'), 'unavailable'],
    ['invalid_id', new TradecloudWebhookError('invalid_id', 'x'), 'invalid_id'],
    ['an error of another code', new TradecloudWebhookError('handler_stuck', 'x'), 'fetch_failed'],
    ['any error', new Error('x'), 'fetch_failed'],
    ['null', null, 'fetch_failed'],
    ['a foreign error with a code', Object.assign(new Error('x'), { code: 'not_found' }), 'fetch_failed'],
  ])('that fails with %s', async (_what, cause, outcome) => {
    const { deliverer, fetches } = setupWithClient()
    const ticket = deliverer.submit(get('1'))
    await settle()
    fetches[0]!.fail(cause)
    const result = await ticket.result
    expect(result).toMatchObject({ outcome, cause })
    expect([result.retry, result.deliveryId, result.attempt]).toEqual([undefined, undefined, undefined])
  })

  it('an ID that is not known may still appear for its time of grace', async () => {
    const { deliverer, fetches } = setupWithClient()
    const ask = async (minutes: number, id = '1') => {
      const ticket = deliverer.submit(get(id, 'order', new Date(minutes * MINUTE)))
      await settle()
      fetches.at(-1)!.fail(new TradecloudWebhookError('not_found', 'x'))
      const { outcome, retry } = await ticket.result
      return [outcome, retry]
    }
    expect(await ask(0)).toEqual(['not_found', true])
    expect(await ask(59)).toEqual(['not_found', true])
    expect(await ask(60, '2')).toEqual(['not_found', true])
    expect(await ask(60)).toEqual(['not_found', false])
  })

  it('an ID that was found meanwhile has its time of grace anew', async () => {
    const { deliverer, fetches } = setupWithClient({ callbacks: { onOrder: () => undefined } })
    const ask = async (minutes: number, found: boolean) => {
      const ticket = deliverer.submit(get('1', 'order', new Date(minutes * MINUTE)))
      await settle()
      if (found) fetches.at(-1)!.answer({ id: '1' })
      else fetches.at(-1)!.fail(new TradecloudWebhookError('not_found', 'x'))
      return (await ticket.result).retry
    }
    await ask(0, false)
    await ask(1, true)
    expect(await ask(61, false)).toBe(true)
  })

  it("an entity that the user's schema refuses comes again, with the reason", async () => {
    const validator = createValidator('off', { order: { required: ['version'] } })
    const { deliverer, fetches, calls } = setupWithClient({ resolve: { validator } })
    const ticket = deliverer.submit(get('1'))
    await settle()
    fetches[0]!.answer({ id: '1' })
    expect(await ticket.result).toMatchObject({ outcome: 'fetch_failed', issues: [{ pointer: '' }] })
    expect(calls).toHaveLength(0)
  })

  it.each([true, false])('an entity that deviates from its schema: strict is %p', async (strict) => {
    const validator = createValidator(strict ? 'strict' : 'tolerant')
    const { deliverer, fetches, calls } = setupWithClient({ resolve: { validator, strict } })
    const seen = watch(deliverer.submit(get('1')))
    await settle()
    fetches[0]!.answer({ id: '1', version: 'new' }, 'hash', ['/__proto__'])
    await settle()
    if (strict) {
      expect(seen.result).toMatchObject({ outcome: 'fetch_failed', issues: [{ pointer: '/version' }] })
      expect(calls).toHaveLength(0)
    } else expect(calls[0]!.event.issues.map(({ pointer }) => pointer)).toEqual(['/__proto__', '/version'])
  })

  it('an entity with another ID is delivered under the one that was asked for, and that is noted', async () => {
    const { deliverer, fetches, calls } = setupWithClient()
    deliverer.submit(get('1'))
    await settle()
    fetches[0]!.answer({ id: '2' })
    await settle()
    expect(calls[0]!.event).toMatchObject({ orderId: '1', issues: [{ pointer: '/id' }] })
  })
})

describe('what a callback throws', () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('hands off')
      },
      getPrototypeOf() {
        throw new Error('hands off')
      },
    },
  )
  const brand = Symbol.for('tradecloud-webhook.reject-event')
  const throwingStatus = Object.defineProperty({ [brand]: true }, 'status', {
    get() {
      throw new Error('no status')
    },
  })

  async function outcomeOf(thrown: unknown, how: 'throw' | 'reject' = 'reject') {
    let times = 0
    const callbacks: CallbackOptions = {
      onOrder: () => {
        if (++times > 1) return
        if (how === 'throw') throw thrown
        return (async () => {
          throw thrown
        })()
      },
    }
    const { deliverer } = setup({ callbacks, concurrency: 1 })
    const result = await deliverer.submit(body('1')).result
    // Whatever it was: claim, turn and slot are free again.
    expect((await deliverer.submit(body('1')).result).outcome).toBe('delivered')
    expect(times).toBe(2)
    return result
  }

  it.each<[string, unknown]>([
    ['an error', new Error('ERP is down')],
    ['undefined', undefined],
    ['null', null],
    ['a text', 'no'],
    ['a number', 422],
    ['an object with a status', { status: 422, name: 'RejectEvent' }],
    ['an error of this package', new TradecloudWebhookError('rejected', 'x', { status: 400 })],
    ['a frozen object', Object.freeze({})],
  ])('%s makes the event come again', async (_what, thrown) => {
    for (const how of ['throw', 'reject'] as const) {
      const result = await outcomeOf(thrown, how)
      expect(result).toMatchObject({ outcome: 'handler_failed', attempt: 1 })
      expect(result.cause).toBe(thrown)
      expect(result.status).toBeUndefined()
    }
  })

  it('a proxy that throws makes the event come again', async () => {
    expect((await outcomeOf(hostile, 'throw')).outcome).toBe('handler_failed')
    expect((await outcomeOf(hostile, 'reject')).outcome).toBe('handler_failed')
  })

  it('a rejection whose status cannot be read makes the event come again', async () => {
    expect(['handler_failed', 'unavailable']).toContain((await outcomeOf(throwingStatus)).outcome)
  })

  it('RejectEvent refuses it for good', async () => {
    const thrown = new RejectEvent('not our order', { status: 409 })
    expect(await outcomeOf(thrown)).toMatchObject({
      outcome: 'rejected',
      status: 409,
      detail: 'not our order',
      cause: thrown,
      attempt: 1,
    })
    expect(await outcomeOf(new RejectEvent('x'))).toMatchObject({ outcome: 'rejected', status: 422 })
  })

  it('RejectEvent of another copy of the package refuses it too', async () => {
    const other = Object.assign(new Error('no'), { status: 410, [brand]: true })
    expect(await outcomeOf(other)).toMatchObject({ outcome: 'rejected', status: 410, detail: 'no' })
  })

  it.each<[unknown, string | undefined]>([
    ['', undefined],
    [5, undefined],
    [undefined, undefined],
    ['x'.repeat(10_000), 'x'.repeat(500)],
  ])('a message %p gives the answer no words, or not too many', async (message, detail) => {
    const result = await outcomeOf(Object.assign(new RejectEvent('m'), { message }))
    expect(result).toMatchObject({ outcome: 'rejected', status: 422 })
    expect(result.detail).toBe(detail)
  })

  it.each([400, 499])('status %i is one', async (status) => {
    expect(await outcomeOf(new RejectEvent('x', { status }))).toMatchObject({ outcome: 'rejected', status })
  })

  it.each([0, 200, 302, 399, 500, 503, 422.5, NaN, Infinity, '422', null, -422, 422n, {}])(
    'status %p is none: the event comes again',
    async (status) => {
      const thrown = Object.assign(new RejectEvent('x'), { status })
      const result = await outcomeOf(thrown)
      expect(result).toMatchObject({ outcome: 'handler_failed', cause: thrown })
      expect(result.detail).toContain('400 to 499')
      expect(result.status).toBeUndefined()
    },
  )

  it.each<[string, () => unknown]>([
    ['a proxy', () => hostile],
    [
      'a promise of a library that throws',
      () => ({
        then() {
          throw new Error('x')
        },
      }),
    ],
    [
      'a promise of a library that rejects',
      () => ({
        then: (_: unknown, reject: (cause: unknown) => void) => reject(new Error('x')),
      }),
    ],
  ])('%s that it returns fails it', async (_what, onOrder) => {
    const { deliverer } = setup({ callbacks: { onOrder: onOrder as never } })
    expect((await deliverer.submit(body('1')).result).outcome).toBe('handler_failed')
  })

  it.each([undefined, null, 0, 'done', { then: 5 }])('%p that it returns does not', async (value) => {
    const { deliverer } = setup({ callbacks: { onOrder: (() => value) as never } })
    expect((await deliverer.submit(body('1')).result).outcome).toBe('delivered')
  })
})

describe('attempts', () => {
  it('of a body are counted until it is delivered', async () => {
    const { deliverer, calls } = setup({ store: false })
    for (const succeeds of [false, false, true, true]) {
      deliverer.submit(body('1'))
      await settle()
      const call = calls.at(-1)!
      if (succeeds) call.finish()
      else call.fail(new Error('x'))
      await settle()
    }
    expect(calls.map(({ context }) => context.attempt)).toEqual([1, 2, 3, 1])
    expect(new Set(calls.map(({ context }) => context.deliveryId)).size).toBe(1)
  })

  it('of one body do not count for another of the same order', async () => {
    const { deliverer, calls } = setup()
    for (const content of ['a', 'b']) {
      deliverer.submit(body('1', content))
      await settle()
      calls.at(-1)!.fail(new Error('x'))
      await settle()
    }
    expect(calls.map(({ context }) => context.attempt)).toEqual([1, 1])
  })

  it('of GET triggers are counted by their ID', async () => {
    const { deliverer, calls } = setup()
    for (const id of ['1', '1', '2']) {
      deliverer.submit(get(id))
      await settle()
      calls.at(-1)!.fail(new Error('x'))
      await settle()
    }
    expect(calls.map(({ context }) => context.attempt)).toEqual([1, 2, 1])
  })

  it('are told with the result', async () => {
    const { deliverer } = setup({ callbacks: { onOrder: () => Promise.reject(new Error('x')) } })
    expect((await deliverer.submit(body('1')).result).attempt).toBe(1)
    expect((await deliverer.submit(body('1')).result).attempt).toBe(2)
  })
})

describe('outdated', () => {
  it('is an event that comes after a newer one was delivered, and it is delivered all the same', async () => {
    const { deliverer, calls } = setup()
    const results: boolean[] = []
    const deliver = async (id: string, version: number, succeeds = true) => {
      deliverer.submit(body(id, `${version} ${results.length}`, {}, { version }))
      await settle()
      const { context, finish, fail } = calls.at(-1)!
      results.push(context.outdated)
      if (succeeds) finish()
      else fail(new Error('x'))
      await settle()
    }
    await deliver('1', 5, false)
    await deliver('1', 3)
    await deliver('1', 2)
    await deliver('2', 1)
    await deliver('1', 3)
    await deliver('1', 4)
    expect(results).toEqual([false, false, true, false, false, false])
    expect(calls).toHaveLength(6)
  })
})

describe('closing', () => {
  it('gives back what waits, tells what runs, and takes nothing new', async () => {
    const { deliverer, calls, fetches } = setupWithClient({ concurrency: 1 })
    const running = watch(deliverer.submit(body('1', 'a')))
    const inLine = watch(deliverer.submit(body('1', 'b')))
    const forSlot = watch(deliverer.submit(body('2')))
    const fetching = watch(deliverer.submit(get('3')))
    await settle()
    let idle = false
    void deliverer.idle().then(() => (idle = true))
    deliverer.abort()
    await settle()
    expect([inLine.outcome, forSlot.outcome]).toEqual(['unavailable', 'unavailable'])
    const { signal } = calls[0]!.context
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'unavailable', message: expect.stringContaining('closing') })
    expect(fetches[0]!.signal.aborted).toBe(true)
    expect(running.outcome).toBeUndefined()
    expect(idle).toBe(false)
    fetches[0]!.answer({ id: '3' })
    await settle()
    expect(fetching.outcome).toBe('unavailable')
    calls[0]!.finish()
    await settle()
    expect(running.outcome).toBe('delivered')
    expect(idle).toBe(true)
    for (const trigger of [body('9'), get('9')]) {
      expect((await deliverer.submit(trigger).result).outcome).toBe('unavailable')
    }
    expect(calls).toHaveLength(1)
    expect(fetches).toHaveLength(1)
  })

  it('releases the claims of what it gave back', async () => {
    const store = new MemoryStore()
    const { deliverer } = setup({ store })
    deliverer.submit(body('1', 'a'))
    deliverer.submit(body('1', 'b'))
    await settle()
    deliverer.abort()
    await settle()
    expect(store.claim('test:order:1 b').status).toBe('claimed')
    expect(store.claim('test:order:1 a').status).toBe('in_progress')
  })

  it('a delivery that begins meanwhile is not called', async () => {
    let thaw = (): void => undefined
    const store: Store = {
      claim: () => new Promise((resolve) => (thaw = () => resolve({ status: 'claimed', token: 't' }))),
      renew: () => true,
      complete: () => true,
      release: () => undefined,
    }
    const { deliverer, calls } = setup({ store })
    const ticket = deliverer.submit(body('1'))
    deliverer.abort()
    thaw()
    expect((await ticket.result).outcome).toBe('unavailable')
    expect(calls).toHaveLength(0)
  })

  it('a fetch that ends meanwhile is not followed by a call, though there are slots', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    const ticket = deliverer.submit(get('1'))
    await settle()
    deliverer.abort()
    fetches[0]!.answer({ id: '1' })
    expect((await ticket.result).outcome).toBe('unavailable')
    expect(calls).toHaveLength(0)
  })

  it('is idle when nothing runs, and lets others work while it waits', async () => {
    const callbacks = { onOrder: () => new Promise<void>((resolve) => setTimeout(resolve, 10)) }
    const { deliverer } = setup({ callbacks })
    await deliverer.idle()
    const seen = watch(deliverer.submit(body('1')))
    await deliverer.idle()
    expect(seen.outcome).toBe('delivered')
  })

  it('waits for what comes while it waits', async () => {
    const { deliverer, calls } = setup()
    deliverer.submit(body('1', 'a'))
    let idle = false
    void deliverer.idle().then(() => (idle = true))
    deliverer.submit(body('1', 'b'))
    await settle()
    calls[0]!.finish()
    await settle()
    expect(idle).toBe(false)
    calls[1]!.finish()
    await settle()
    expect(idle).toBe(true)
  })
})

describe('a callback that runs for long', () => {
  beforeEach(() => jest.useFakeTimers())

  it('is reported once, after ten minutes, while it still runs', async () => {
    const { deliverer, calls, alarms } = setup()
    const trigger = body('1')
    const seen = watch(deliverer.submit(trigger))
    await jest.advanceTimersByTimeAsync(10 * MINUTE - 1000)
    expect(alarms).toEqual([])
    await jest.advanceTimersByTimeAsync(MINUTE)
    expect(alarms).toHaveLength(1)
    expect(alarms[0]![0]).toMatchObject({ code: 'handler_stuck' })
    expect(alarms[0]![1]).toBe(trigger)
    await jest.advanceTimersByTimeAsync(30 * MINUTE)
    expect(alarms).toHaveLength(1)
    expect(calls[0]!.context.signal.aborted).toBe(false)
    calls[0]!.finish()
    await settle()
    expect(seen.outcome).toBe('delivered')
  })

  it('is reported with the kind of its event, whatever it did to that', async () => {
    const { deliverer, calls, alarms } = setup()
    deliverer.submit(body('1'))
    await settle()
    const get = () => {
      throw new Error('hands off')
    }
    Object.defineProperty(calls[0]!.event, 'kind', { get })
    await jest.advanceTimersByTimeAsync(11 * MINUTE)
    expect(alarms.map(([, { kind }]) => kind)).toEqual(['order'])
  })

  it('is not reported when it ended in time, and no timer stays', async () => {
    const { deliverer, calls, alarms } = setup()
    deliverer.submit(body('1'))
    await jest.advanceTimersByTimeAsync(9 * MINUTE)
    calls[0]!.finish()
    await jest.advanceTimersByTimeAsync(30 * MINUTE)
    expect(alarms).toEqual([])
    expect(jest.getTimerCount()).toBe(0)
  })

  it('is watched after a pause too', async () => {
    const { deliverer, calls, alarms } = setup()
    deliverer.submit(body('1'))
    await settle()
    calls[0]!.finish()
    await jest.advanceTimersByTimeAsync(5 * MINUTE)
    deliverer.submit(body('2'))
    await jest.advanceTimersByTimeAsync(11 * MINUTE)
    expect(alarms).toHaveLength(1)
  })

  it('is reported without dedupe as well', async () => {
    const { deliverer, alarms } = setup({ store: false })
    deliverer.submit(body('1'))
    deliverer.submit(get('2'))
    await jest.advanceTimersByTimeAsync(11 * MINUTE)
    expect(alarms).toHaveLength(2)
  })

  /** A store whose leases run out when they are not renewed. */
  function leasing(renew: () => boolean | Promise<boolean>) {
    const renewed: unknown[][] = []
    const store: Store = {
      claim: () => ({ status: 'claimed', token: 't' }),
      renew: (...args) => {
        renewed.push(args)
        return renew()
      },
      complete: () => false,
      release: () => undefined,
    }
    return { store, renewed }
  }

  it('keeps its lease', async () => {
    const { store, renewed } = leasing(() => true)
    const { deliverer, calls, alarms } = setup({ store })
    deliverer.submit(body('1'))
    await jest.advanceTimersByTimeAsync(MINUTE - 1)
    expect(renewed.length).toBeGreaterThanOrEqual(2)
    expect(renewed[0]).toEqual(['test:order:1 x', 't', MINUTE])
    await jest.advanceTimersByTimeAsync(4 * MINUTE)
    expect(renewed.length).toBeGreaterThanOrEqual(10)
    expect(calls[0]!.context.signal.aborted).toBe(false)
    calls[0]!.finish()
    await settle()
    const before = renewed.length
    await jest.advanceTimersByTimeAsync(5 * MINUTE)
    expect(renewed).toHaveLength(before)
    expect(alarms).toEqual([])
  })

  it('that lost its lease is told, once, and still counts as delivered when it ends well', async () => {
    const { store } = leasing(() => Promise.resolve(false))
    const { deliverer, calls, alarms } = setup({ store })
    const trigger = body('1')
    const seen = watch(deliverer.submit(trigger))
    await jest.advanceTimersByTimeAsync(MINUTE)
    const { signal } = calls[0]!.context
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'lease_lost' })
    await jest.advanceTimersByTimeAsync(5 * MINUTE)
    expect(alarms).toHaveLength(1)
    expect(alarms[0]![0]).toMatchObject({ code: 'lease_lost' })
    expect(alarms[0]![1]).toBe(trigger)
    calls[0]!.finish()
    await settle()
    expect(seen.outcome).toBe('delivered')
  })

  it.each<[string, () => Promise<boolean>]>([
    ['is down', () => Promise.reject(new Error('x'))],
    ['hangs', () => new Promise(() => undefined)],
  ])('is not told so by a store that %s', async (_how, renew) => {
    const { store } = leasing(renew)
    const { deliverer, calls, alarms } = setup({ store })
    deliverer.submit(body('1'))
    await jest.advanceTimersByTimeAsync(5 * MINUTE)
    expect(calls[0]!.context.signal.aborted).toBe(false)
    expect(alarms).toEqual([])
  })

  it('that ended while its lease was being renewed is not reported', async () => {
    const { store } = leasing(() => new Promise((resolve) => setTimeout(() => resolve(false), 500)))
    const { deliverer, calls, alarms } = setup({ store })
    deliverer.submit(body('1'))
    await jest.advanceTimersByTimeAsync(20_000)
    calls[0]!.finish()
    await jest.advanceTimersByTimeAsync(MINUTE)
    expect(alarms).toEqual([])
  })

  it('does not keep timers after closing', async () => {
    const { deliverer, calls } = setup()
    deliverer.submit(body('1', 'a'))
    deliverer.submit(body('1', 'b'))
    await settle()
    deliverer.abort()
    calls[0]!.finish()
    await deliverer.idle()
    expect(jest.getTimerCount()).toBe(0)
  })
})

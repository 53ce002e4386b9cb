/** From a trigger to its result: context, duplicates, attempts, and outdated events. */
import { Pieces } from '../../../lib/bytes/pieces'
import { body, get, settle, setup, setupWithClient, watch, checkAfterEach } from './deliverer-rig'

checkAfterEach()

describe('an event', () => {
  it.each([
    ['an object', (work: Promise<void>) => ({ then: work.then.bind(work) })],
    // A proxy for remote calls may return a function with a `then` method.
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
    const delivery = deliverer.submit(trigger)
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
      source: 'webhook',
      outdated: false,
      replay: false,
      api: undefined,
    })
    expect(context.rawBody).toBe(trigger.rawBody?.whole)
    expect(context.signal.aborted).toBe(false)
    finish()
    expect(await delivery.result).toEqual({ outcome: 'delivered', attempt: 1, deliveryId: context.deliveryId })
    expect(delivery.trigger).toBe(trigger)
    const withApi = setup({ api: client })
    withApi.deliverer.submit(body('1'))
    await settle()
    expect(withApi.calls[0]!.context.api).toBe(client)
  })

  // If each context had a getter in its object literal, V8 would keep the getter in memory until the next full garbage
  // collection, and the body with it.
  it('has no getter of its own, which would keep its body in memory', async () => {
    const { deliverer, calls } = setup()
    const sent = [1, 2].map(() => {
      const pieces = new Pieces()
      for (const letter of 'ab') pieces.add(Buffer.alloc(2_000, letter))
      return pieces
    })
    sent.forEach((rawBody, i) => deliverer.submit(body(String(i), String(i), { rawBody })))
    deliverer.submit(body('whole', 'x', { rawBody: Pieces.of(Buffer.from('{}')) }))
    await settle()
    const [one, other, whole] = calls.map(({ context }) => Object.getOwnPropertyDescriptor(context, 'rawBody'))
    expect(one).toMatchObject({ get: expect.any(Function) })
    expect(other).toEqual(one)
    expect(whole).toMatchObject({ value: Buffer.from('{}') })
    expect(sent.map(({ all }) => all.length)).toEqual([2, 2])
    const joined = Buffer.from('a'.repeat(2_000) + 'b'.repeat(2_000))
    expect({ ...calls[0]!.context }.rawBody).toEqual(joined)
    expect((Object.create(calls[1]!.context) as { rawBody?: Buffer }).rawBody).toEqual(joined)
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

  it('without an entity does not wait', async () => {
    const { deliverer, calls } = setup({ callbacks: undefined })
    const seen = ['a', 'b'].map((content) => watch(deliverer.submit(body('1', content, { entity: undefined }))))
    await settle()
    expect(calls).toHaveLength(2)
    calls.forEach(({ finish }) => finish())
    await settle()
    expect(seen.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered'])
  })

  it('that meets an internal error is retried, and blocks no other event', async () => {
    const { deliverer, calls } = setup({ concurrency: 1 })
    const cause = new Error('bug')
    const trigger = body('1')
    Object.defineProperty(trigger, 'event', {
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

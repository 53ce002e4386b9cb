/**
 * Events of one entity wait for each other, callbacks wait for a slot, and a delivery may be abandoned while it waits.
 */
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import type { Store } from '../../../lib/deliver/dedupe/store'
import { body, contentOf, get, settle, setup, setupWithClient, watch, checkAfterEach } from './deliverer-rig'

checkAfterEach()

describe('events of one entity', () => {
  it('run one after the other, in order of arrival, and block no other entity', async () => {
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

describe('a delivery that is left', () => {
  it('in the line gives the event back, and it can come again', async () => {
    const { deliverer, calls } = setup()
    deliverer.submit(body('1', 'a'))
    const second = deliverer.submit(body('1', 'b'))
    const third = deliverer.submit(body('1', 'c'))
    await settle()
    deliverer.leave(second)
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
    deliverer.leave(second)
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
    deliverer.leave(second)
    thaw()
    expect((await second.result).outcome).toBe('unavailable')
    expect(real.claim('test:order:1 b').status).toBe('claimed')
  })

  it('while it is being fetched gives the event back before it waits for a slot', async () => {
    const { deliverer, fetches, calls } = setupWithClient({ concurrency: 1 })
    deliverer.submit(body('2'))
    const fetched = deliverer.submit(get('1'))
    await settle()
    deliverer.leave(fetched)
    fetches[0]!.answer({ id: '1' })
    expect((await fetched.result).outcome).toBe('unavailable')
    expect(calls).toHaveLength(1)
  })

  it('after its callback has begun changes nothing', async () => {
    const { deliverer, calls } = setup()
    const delivery = deliverer.submit(body('1'))
    await settle()
    deliverer.leave(delivery)
    await settle()
    expect(calls[0]!.context.signal.aborted).toBe(false)
    expect((await deliverer.submit(body('1')).result).outcome).toBe('in_progress')
    calls[0]!.finish()
    expect((await delivery.result).outcome).toBe('delivered')
    expect((await deliverer.submit(body('1')).result).outcome).toBe('duplicate')
  })
})

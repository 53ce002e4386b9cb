/** Closing: waiting events end with `unavailable`, and running callbacks may finish. */
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import type { Store } from '../../../lib/deliver/dedupe/store'
import { body, get, settle, setup, setupWithClient, watch, checkAfterEach } from './deliverer-rig'

checkAfterEach()

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
    const delivery = deliverer.submit(body('1'))
    deliverer.abort()
    thaw()
    expect((await delivery.result).outcome).toBe('unavailable')
    expect(calls).toHaveLength(0)
  })

  it('a fetch that ends meanwhile is not followed by a call, though there are slots', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    const delivery = deliverer.submit(get('1'))
    await settle()
    deliverer.abort()
    fetches[0]!.answer({ id: '1' })
    expect((await delivery.result).outcome).toBe('unavailable')
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

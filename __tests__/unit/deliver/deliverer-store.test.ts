/** A store that fails, hangs or is slow, and how often it is called for each event. */
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import type { Store } from '../../../lib/deliver/dedupe/store'
import { RejectEvent } from '../../../lib/errors/errors'
import { body, HOUR, settle, setup, watch, checkAfterEach } from './deliverer-rig'

checkAfterEach()

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

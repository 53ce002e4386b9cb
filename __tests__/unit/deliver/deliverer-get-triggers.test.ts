/** GET triggers: which of them share one delivery. */
import type { Deliverer } from '../../../lib/deliver/deliverer'
import type { Trigger } from '../../../lib/events/trigger'
import { body, get, settle, setup, setupWithClient, WAIT_MS, watch, checkAfterEach } from './deliverer-rig'

checkAfterEach()

/** True if the trigger joins a delivery that another trigger has started. */
function joins(deliverer: Deliverer, trigger: Trigger): boolean {
  return deliverer.submit(trigger).trigger !== trigger
}

describe('GET triggers', () => {
  it('share a delivery until its fetch begins, and all get its result', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    deliverer.submit(body('1'))
    const deliveries = [get('1'), get('1'), get('1')].map((trigger) => deliverer.submit(trigger))
    expect(new Set(deliveries).size).toBe(1)
    await settle()
    expect(fetches).toHaveLength(0)
    calls[0]!.finish()
    await settle()
    expect(fetches).toHaveLength(1)
    fetches[0]!.answer({ id: '1' })
    await settle()
    expect(calls).toHaveLength(2)
    calls[1]!.finish()
    const results = await Promise.all(deliveries.map(({ result }) => result))
    expect(results[0]).toMatchObject({ outcome: 'delivered', attempt: 1, deliveryId: expect.any(String) })
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  it('that come once the fetch has begun are fetched again, after it', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    const first = deliverer.submit(get('1'))
    await settle()
    const second = deliverer.submit(get('1'))
    const third = deliverer.submit(get('1'))
    expect(second).not.toBe(first)
    expect(third).toBe(second)
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
    expect(joins(deliverer, get('1'))).toBe(true)
  })

  it('of other entities and kinds do not share', async () => {
    const { deliverer } = setupWithClient()
    deliverer.submit(body('1'))
    deliverer.submit(get('1'))
    expect(joins(deliverer, get('2'))).toBe(false)
    expect(joins(deliverer, get('1', 'shipment'))).toBe(false)
    expect(joins(deliverer, body('1', 'b'))).toBe(false)
  })

  it('without an API share until the callback begins', async () => {
    const { deliverer, calls } = setup({ concurrency: 1 })
    deliverer.submit(body('2'))
    await settle()
    deliverer.submit(get('1'))
    await settle()
    expect(joins(deliverer, get('1'))).toBe(true)
    calls[0]!.finish()
    await settle()
    expect(calls).toHaveLength(2)
    expect(joins(deliverer, get('1'))).toBe(false)
  })

  it('are given up only when all of them are', async () => {
    const { deliverer, calls } = setup()
    deliverer.submit(body('1'))
    const [first, second] = [deliverer.submit(get('1')), deliverer.submit(get('1'))]
    const seen = watch(first)
    await settle()
    deliverer.leave(first)
    await settle()
    expect(seen.outcome).toBeUndefined()
    deliverer.leave(second)
    await settle()
    expect(seen.outcome).toBe('unavailable')
    const third = deliverer.submit(get('1'))
    expect(third).not.toBe(second)
    calls[0]!.finish()
    await settle()
    calls[1]!.finish()
    expect((await third.result).outcome).toBe('delivered')
  })

  it('do not join one that failed, waited too long or was sent away', async () => {
    jest.useFakeTimers()
    const { deliverer, calls } = setup()
    deliverer.submit(body('1'))
    const first = deliverer.submit(get('1'))
    const seen = watch(first)
    await jest.advanceTimersByTimeAsync(WAIT_MS)
    expect(seen.outcome).toBe('unavailable')
    const second = deliverer.submit(get('1'))
    expect(second).not.toBe(first)
    calls[0]!.finish()
    await settle()
    calls[1]!.fail(new Error('x'))
    expect((await second.result).outcome).toBe('handler_failed')
    expect(joins(deliverer, get('1'))).toBe(false)
    await settle()
    for (let i = 0; i < 8; i++) deliverer.submit(body('1', `${i}`))
    expect((await deliverer.submit(get('1')).result).outcome).toBe('unavailable')
    expect(joins(deliverer, get('1'))).toBe(false)
  })

  it('are never duplicates', async () => {
    const { deliverer } = setup({ callbacks: { onOrder: () => undefined } })
    const first = await deliverer.submit(get('1')).result
    const second = await deliverer.submit(get('1')).result
    expect([first.outcome, second.outcome]).toEqual(['delivered', 'delivered'])
    expect(first.deliveryId).not.toBe(second.deliveryId)
  })
})

/** A long-running callback: alarms, and the lease of its claim. */
import type { Store } from '../../../lib/deliver/dedupe/store'
import { body, get, MINUTE, settle, setup, watch, checkAfterEach } from './deliverer-rig'

checkAfterEach()

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

  it('is not reported because the clock was set ahead, and is reported although it was set back', async () => {
    const { deliverer, calls, alarms } = setup()
    deliverer.submit(body('1'))
    await settle()
    jest.setSystemTime(Date.now() + 60 * 24 * 60 * MINUTE)
    await jest.advanceTimersByTimeAsync(2 * MINUTE)
    expect(alarms).toEqual([])
    jest.setSystemTime(Date.now() - 120 * 24 * 60 * MINUTE)
    await jest.advanceTimersByTimeAsync(9 * MINUTE)
    expect(alarms).toHaveLength(1)
    calls[0]!.finish()
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

  /** Creates a store that records each renewal of a lease, and responds to it with the result of `renew`. */
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

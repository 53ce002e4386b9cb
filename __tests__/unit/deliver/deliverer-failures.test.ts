/** The outcome after anything that a callback may throw, reject with or return. */
import { type CallbackOptions } from '../../../lib/deliver/handlers'
import { RejectEvent, TradecloudWebhookError } from '../../../lib/errors/errors'
import { body, setup, checkAfterEach } from './deliverer-rig'

checkAfterEach()

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
    // The claim, the turn and the slot are free again after any failure.
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

/** What is fetched from the API for a trigger, and the outcome if that fails. */
import type { ResolveOptions } from '../../../lib/deliver/resolve-event'
import { TradecloudWebhookError } from '../../../lib/errors/errors'
import { createValidator } from '../../../lib/events/validate'
import { body, get, MINUTE, settle, setupWithClient, watch, checkAfterEach } from './deliverer-rig'

checkAfterEach()

describe('fetching', () => {
  it('a GET trigger delivers the whole entity, as it was answered', async () => {
    const { deliverer, calls, fetches } = setupWithClient()
    const order = { id: '1', version: 4, lastUpdatedAt: '2025-01-01T00:00:00Z', lines: [{}] }
    const delivery = deliverer.submit(get('1'))
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
    expect((await delivery.result).deliveryId).toBe(context.deliveryId)
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
    const delivery = deliverer.submit(trigger)
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
    expect((await delivery.result).outcome).toBe('delivered')
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
    const delivery = deliverer.submit(body('1'))
    await settle()
    fetches[0]!.fail(new TradecloudWebhookError('fetch_failed', 'no'))
    expect((await delivery.result).outcome).toBe('fetch_failed')
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
    const delivery = deliverer.submit(get('1'))
    await settle()
    fetches[0]!.fail(cause)
    const result = await delivery.result
    expect(result).toMatchObject({ outcome, cause })
    expect([result.retry, result.deliveryId, result.attempt]).toEqual([undefined, undefined, undefined])
  })

  it('an ID that is not known may still appear for its time of grace', async () => {
    const { deliverer, fetches } = setupWithClient()
    const ask = async (minutes: number, id = '1') => {
      const delivery = deliverer.submit(get(id, 'order', new Date(minutes * MINUTE)))
      await settle()
      fetches.at(-1)!.fail(new TradecloudWebhookError('not_found', 'x'))
      const { outcome, retry } = await delivery.result
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
      const delivery = deliverer.submit(get('1', 'order', new Date(minutes * MINUTE)))
      await settle()
      if (found) fetches.at(-1)!.answer({ id: '1' })
      else fetches.at(-1)!.fail(new TradecloudWebhookError('not_found', 'x'))
      return (await delivery.result).retry
    }
    await ask(0, false)
    await ask(1, true)
    expect(await ask(61, false)).toBe(true)
  })

  it("an entity that the user's schema refuses comes again, with the reason", async () => {
    const validator = createValidator('off', { order: { required: ['version'] } })
    const { deliverer, fetches, calls } = setupWithClient({ resolve: { validator } })
    const delivery = deliverer.submit(get('1'))
    await settle()
    fetches[0]!.answer({ id: '1' })
    expect(await delivery.result).toMatchObject({ outcome: 'fetch_failed', issues: [{ pointer: '' }] })
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

/** Whatever a callback throws, rejects with or returns, the response has a documented status and outcome. */
import { RejectEvent } from 'tradecloud-webhook'
import { closeAll, orderEvent, pause, startRig } from './harness'

afterEach(closeAll)

describe('what a callback throws', () => {
  const hostile = new Proxy(
    {},
    new Proxy(
      {},
      {
        get: () => () => {
          throw new Error('a trap')
        },
      },
    ),
  )
  const unreadable = new Error()
  Object.defineProperty(unreadable, 'message', {
    get: () => {
      throw new Error('no message')
    },
  })
  const handled = Promise.reject(new Error('a promise, thrown'))
  handled.catch(() => undefined)
  const withGetter = (name: string): RejectEvent => {
    const event = new RejectEvent('x', { status: 410 })
    return Object.defineProperty(event, name, {
      get: () => {
        throw new Error(`no ${name}`)
      },
    })
  }

  const thrown: Array<[string, unknown]> = [
    ['an error', new Error('x')],
    ['null', null],
    ['undefined', undefined],
    ['a string', 'text'],
    ['an empty string', ''],
    ['a number', 0],
    ['a symbol', Symbol('s')],
    ['a BigInt', 10n],
    ['a function', () => undefined],
    ['false', false],
    ['an object without prototype', Object.create(null)],
    ['a Proxy whose every trap throws', hostile],
    ['an error whose message getter throws', unreadable],
    ['an error whose message is a symbol', Object.assign(new Error(), { message: Symbol('m') })],
    [
      'an error that holds itself',
      (() => {
        const error = new Error('x')
        error.cause = error
        return error
      })(),
    ],
    ['an AggregateError', new AggregateError([new Error('a')])],
    ['an object that looks like an answer', { status: 500, statusCode: 500, headers: { 'X-Evil': '1' }, expose: true }],
    ['an error with a 4xx status', Object.assign(new Error('x'), { status: 404, statusCode: 404 })],
    ['an error named RejectEvent', Object.assign(new Error('x'), { name: 'RejectEvent', status: 422 })],
    ['a thenable', { then: () => undefined }],
    ['a promise that is rejected', handled],
    ['a RejectEvent whose status getter throws', withGetter('status')],
    ...[0, 1, 100, 200, 204, 301, 399, 500, 501, 503, 600, 1000, -422, 422.5, NaN, Infinity].map(
      (status): [string, unknown] => [`RejectEvent ${status}`, new RejectEvent('x', { status })],
    ),
    ...['422', {}, [422], true, 422n].map((status): [string, unknown] => [
      `RejectEvent with a ${typeof status} for a status`,
      new RejectEvent('x', { status: status as number }),
    ]),
  ]

  describe.each([
    [
      'thrown',
      (value: unknown) => () => {
        throw value
      },
    ],
    [
      'rejected with',
      (value: unknown) => async () => {
        throw value
      },
    ],
    [
      'rejected with later',
      (value: unknown) => async () => {
        await pause(1)
        throw value
      },
    ],
  ])('%s', (_how, make) => {
    test.each(thrown)('%s', async (_what, value) => {
      const rig = await startRig({ validation: 'off', onOrder: make(value) })
      const event = orderEvent()
      for (const attempt of [1, 2]) {
        const answer = await rig.post(event)
        expect(answer).toMatchObject({
          status: 503,
          json: { code: 'handler_failed' },
          headers: { 'retry-after': '10' },
        })
        expect(rig.records.at(-1)).toMatchObject({ outcome: 'handler_failed', attempt, givenUp: false })
        expect(Object.is(rig.errors.at(-1)?.error.cause, value)).toBe(true)
      }
      expect(rig.log.filter(({ level }) => level === 'error')).toEqual([])
    })

    test.each([400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 418, 422, 429, 431, 444, 451, 499])(
      'RejectEvent %d',
      async (status) => {
        const rig = await startRig({ validation: 'off', onOrder: make(new RejectEvent('because', { status })) })
        const answer = await rig.post(orderEvent())
        expect(answer).toMatchObject({ status, json: { code: 'rejected', status, detail: 'because' } })
        expect(rig.records).toMatchObject([{ outcome: 'rejected', givenUp: true, attempt: 1 }])
      },
    )

    test('RejectEvent without a status, a message, or either', async () => {
      const rig = await startRig({ validation: 'off', onOrder: make(new RejectEvent('')) })
      expect(await rig.post(orderEvent())).toMatchObject({ status: 422, json: { detail: 'The event was rejected.' } })
    })

    test('a RejectEvent whose message getter throws', async () => {
      const rig = await startRig({ validation: 'off', onOrder: make(withGetter('message')) })
      const answer = await rig.post(orderEvent())
      // Final or retried: both are correct, because the callback has failed in either case.
      expect([
        ['rejected', 410],
        ['handler_failed', 503],
      ]).toContainEqual([answer.json.code, answer.status])
    })

    test('a RejectEvent of another copy of the package', async () => {
      const foreign = Object.assign(new Error('theirs'), {
        status: 406,
        [Symbol.for('tradecloud-webhook.reject-event')]: true,
      })
      const rig = await startRig({ validation: 'off', onOrder: make(foreign) })
      expect(await rig.post(orderEvent())).toMatchObject({ status: 406, json: { code: 'rejected', detail: 'theirs' } })
    })
  })

  test('a callback that throws undefined is not passed over in silence', async () => {
    const rig = await startRig({
      validation: 'off',
      onOrder: () => {
        throw undefined
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503 })
    expect(rig.log).toMatchObject([{ level: 'warn', line: expect.stringContaining('handler_failed') }])
  })

  test('a very long message is cut, and odd characters do no harm', async () => {
    const rig = await startRig({
      validation: 'off',
      onOrder: () => {
        throw new RejectEvent(`${'ø'.repeat(499)}🚢${'x'.repeat(1e6)}`)
      },
    })
    const answer = await rig.post(orderEvent())
    expect(answer.status).toBe(422)
    expect(answer.text.length).toBeLessThan(2000)
    expect(rig.log[0]?.line.length).toBeLessThan(2000)
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a value', 5],
    ['a thenable that resolves', { then: (resolve: () => void) => void setTimeout(resolve, 1) }],
    ['a RejectEvent, not thrown', new RejectEvent('x')],
  ])('a callback that returns %s has delivered', async (_what, value) => {
    const rig = await startRig({ validation: 'off', onOrder: () => value as undefined })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
  })
})

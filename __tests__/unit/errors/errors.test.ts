/**
 * The errors of the package are recognised even if another copy of the package has created them, and the type guards
 * accept anything that can be thrown.
 */
import * as errors from '../../../lib/errors/errors'

function otherCopy(): typeof errors {
  let copy: typeof errors | undefined
  jest.isolateModules(() => {
    copy = jest.requireActual<typeof errors>('../../../lib/errors/errors')
  })
  return copy!
}

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

const throwingGetter = Object.defineProperty({}, Symbol.for('tradecloud-webhook.reject-event'), {
  get() {
    throw new Error('hands off')
  },
})

it('errors carry code, status, headers and cause', () => {
  const cause = new Error('deeper')
  const error = new errors.TradecloudWebhookError('fetch_failed', 'no', { status: 502, headers: { a: 'b' }, cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ code: 'fetch_failed', message: 'no', status: 502, headers: { a: 'b' }, cause })
  expect(error.name).toBe('TradecloudWebhookError')
  expect(Object.keys(error).sort()).toEqual(['code', 'headers', 'status'])
})

it('errors without a cause have none at all, and a cause may be undefined', () => {
  expect(Object.hasOwn(new errors.TradecloudWebhookError('x', 'y'), 'cause')).toBe(false)
  expect(Object.hasOwn(new errors.RejectEvent('y'), 'cause')).toBe(false)
  expect(Object.hasOwn(new errors.TradecloudWebhookError('x', 'y', { cause: undefined }), 'cause')).toBe(true)
  expect(new errors.RejectEvent('y', { cause: 5 }).cause).toBe(5)
})

it('RejectEvent has status 422 unless told otherwise', () => {
  expect(new errors.RejectEvent('no')).toMatchObject({ status: 422, message: 'no', name: 'RejectEvent' })
  expect(new errors.RejectEvent('no', { status: undefined }).status).toBe(422)
  expect(new errors.RejectEvent('no', { status: 409 }).status).toBe(409)
})

it('are known across copies of the package', () => {
  const copy = otherCopy()
  expect(copy.RejectEvent).not.toBe(errors.RejectEvent)
  expect(errors.isRejectEvent(new copy.RejectEvent('no'))).toBe(true)
  expect(errors.isTradecloudWebhookError(new copy.TradecloudWebhookError('x', 'y'))).toBe(true)
})

it('are known in a subclass', () => {
  class Mine extends errors.RejectEvent {}
  expect(errors.isRejectEvent(new Mine('no'))).toBe(true)
})

it.each([
  ['undefined', undefined],
  ['null', null],
  ['a text', 'RejectEvent'],
  ['a number', 422],
  ['another error', new Error('no')],
  ['an object of the same shape', { name: 'RejectEvent', status: 422, code: 'x' }],
  ['a proxy that throws', hostile],
  ['a getter that throws', throwingGetter],
])('%s is none of them', (_what, value) => {
  expect(errors.isRejectEvent(value)).toBe(false)
  expect(errors.isTradecloudWebhookError(value)).toBe(false)
})

it('are told apart', () => {
  expect(errors.isRejectEvent(new errors.TradecloudWebhookError('x', 'y'))).toBe(false)
  expect(errors.isTradecloudWebhookError(new errors.RejectEvent('x'))).toBe(false)
})

it('invalidOption names the option', () => {
  expect(errors.invalidOption('auth', 'is required')).toMatchObject({
    code: 'invalid_option',
    message: 'Option `auth` is required.',
  })
})

/** The options of an inbox and of a worker. */
import { resolveWorkerOptions } from '../../../lib/options/resolve'
import { API, inertInbox, logger, onOrder, refusal, REQUIRED, resolve } from './set-up'

describe('with an inbox', () => {
  const inbox = inertInbox
  const RETRY = { forMs: 604_800_000, minDelayMs: 1_000, maxDelayMs: 900_000 }

  it('the defaults are those of the documentation', () => {
    expect(resolve({ inbox })).toMatchObject({
      inbox,
      dedupe: false,
      deliver: true,
      delivery: { quarantine: true, retry: RETRY, handlerTimeoutMs: 300_000, transaction: false },
    })
    expect(resolve({ inbox, auth: 'none' }).delivery.quarantine).toBe(false)
    const retry = { forMs: 5, minDelayMs: undefined }
    expect(resolve({ inbox, delivery: { retry } }).delivery.retry).toEqual({ ...RETRY, forMs: 5 })
    expect(resolve({ inbox, delivery: { quarantine: false, handlerTimeoutMs: 7 } }).delivery).toMatchObject({
      quarantine: false,
      handlerTimeoutMs: 7,
    })
    expect(resolve({ inbox, deliver: false, onOrder: undefined }).deliver).toBe(false)
  })

  it.each<[string, object, string]>([
    ['one that is none', { inbox: 'folder' }, '`inbox` has no method ready'],
    ['null', { inbox: null }, '`inbox` has no method ready'],
    ['one without ready', { inbox: { ...inbox, ready: undefined } }, '`inbox` has no method ready'],
    ['one without settle', { inbox: { ...inbox, settle: undefined } }, '`inbox` has no method settle'],
    ['dedupe beside it', { inbox, dedupe: {} }, '`dedupe` cannot be combined with `inbox`'],
    ['dedupe: false beside it', { inbox, dedupe: false }, '`dedupe` cannot be combined with `inbox`'],
    ['a wrong inbox that is likely', { inbox: { file: 'x.db' } }, 'sqliteInbox({ file })'],
    ['delivery that is no object', { inbox, delivery: 5 }, '`delivery` must be'],
    ['an unknown key of delivery', { inbox, delivery: { retries: {} } }, '`delivery` has the unknown key "retries"'],
    ['quarantine that is no boolean', { inbox, delivery: { quarantine: 'no' } }, '`delivery.quarantine` is "no"'],
    ["quarantine with auth: 'none'", { inbox, auth: 'none', delivery: { quarantine: true } }, "auth: 'none'"],
    ['retry that is no object', { inbox, delivery: { retry: 5 } }, '`delivery.retry` must be'],
    [
      'an unknown key of retry',
      { inbox, delivery: { retry: { times: 5 } } },
      '`delivery.retry` has the unknown key "times"; expected one of forMs',
    ],
    ['retry.forMs', { inbox, delivery: { retry: { forMs: -1 } } }, '`delivery.retry.forMs` is -1'],
    ['retry.minDelayMs', { inbox, delivery: { retry: { minDelayMs: 0 } } }, '`delivery.retry.minDelayMs` is 0'],
    [
      'retry.maxDelayMs below the smallest',
      { inbox, delivery: { retry: { minDelayMs: 9, maxDelayMs: 8 } } },
      '`delivery.retry.maxDelayMs` is 8',
    ],
    ['onSettled', { inbox, delivery: { onSettled: 'log' } }, '`delivery.onSettled` is of type string, not a function'],
    ['handlerTimeoutMs', { inbox, delivery: { handlerTimeoutMs: 0 } }, '`delivery.handlerTimeoutMs` is 0'],
    ['transaction that is no boolean', { inbox, delivery: { transaction: 1 } }, '`delivery.transaction` is 1'],
    ['transaction without transactions', { inbox, delivery: { transaction: true } }, 'such as postgresInbox'],
    ['deliver that is no boolean', { inbox, deliver: 'no' }, '`deliver` is "no"; allowed: true, false'],
    ['a callback with deliver: false', { inbox, deliver: false }, '`onOrder` has no effect with `deliver: false`'],
    [
      'retry with deliver: false',
      { inbox, deliver: false, onOrder: undefined, delivery: { retry: {} } },
      '`delivery.retry` has no effect',
    ],
  ])('%s throws', (_what, options, message) => {
    expect(refusal({ ...REQUIRED, logger, ...options })).toContain(message)
  })

  it.each([
    ['api', API],
    ['fetchTimeoutMs', 1],
    ['fetch', 'get'],
    ['concurrency', 1],
    ['notFoundGraceMs', 1],
  ])('%s with deliver: false throws', (name, value) => {
    const options = { ...REQUIRED, logger, inbox, deliver: false, onOrder: undefined, [name]: value }
    expect(refusal(options)).toContain(`\`${name}\` has no effect with \`deliver: false\``)
  })

  it.each([
    ['delivery', {}],
    ['deliver', false],
  ])('%s without an inbox throws', (name, value) => {
    expect(refusal({ ...REQUIRED, logger, [name]: value })).toContain(`\`${name}\` is set without an \`inbox\``)
  })
})

describe('a worker', () => {
  const inbox = inertInbox
  const refusalOf = (options: object) => {
    try {
      resolveWorkerOptions(options as never)
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('was accepted')
  }

  it('has the defaults of the documentation', () => {
    expect(resolveWorkerOptions({ inbox, onOrder } as never)).toMatchObject({
      concurrency: 32,
      maxBytesInFlight: 268_435_456,
      name: 'tradecloud',
      delivery: { quarantine: true, handlerTimeoutMs: 300_000 },
    })
  })

  it.each<[string, object, string]>([
    ['no inbox', { onOrder }, '`inbox` is missing'],
    ['credentials', { inbox, onOrder, auth: 'none' }, '`auth` is not known'],
    ['a limit of uploads', { inbox, onOrder, limits: { uploadIdleTimeoutMs: 5 } }, '`limits` has the unknown key'],
    ['an option of an earlier version', { inbox, onOrder, retry: {} }, 'is now `delivery.retry`'],
    ['quarantine', { inbox, onOrder, delivery: { quarantine: false } }, '`delivery.quarantine` has no effect'],
    ['a name that is too long', { inbox, onOrder, name: 'n'.repeat(257) }, '`name` must have at most 256 characters'],
    ['a name with a control character', { inbox, onOrder, name: 'a\0' }, 'no control characters'],
    ['a name that is not well-formed', { inbox, onOrder, name: 'a\ud800' }, '`name` must have'],
  ])('%s throws', (_what, options, message) => expect(refusalOf(options)).toContain(message))
})

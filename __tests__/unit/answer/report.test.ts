/** Reports to users: records, errors and log lines. None can affect a delivery or reveal a secret. */
import { TradecloudWebhookError } from '../../../lib/errors/errors'
import { Log } from '../../../lib/log/log'
import type { Logger } from '../../../lib/log/logger'
import { Pieces } from '../../../lib/bytes/pieces'
import {
  Reporter,
  type DeliveryRecord,
  type ErrorContext,
  type ReporterOptions,
  type SettledRecord,
} from '../../../lib/answer/report'
import { answerFor, type Result } from '../../../lib/answer/respond'

type Line = ['warn' | 'error', string]

function setup({ logger: own, ...options }: Partial<ReporterOptions> & { logger?: Logger } = {}) {
  const lines: Line[] = []
  const logger = own ?? {
    warn: (text: string) => void lines.push(['warn', text]),
    error: (text: string) => void lines.push(['error', text]),
  }
  const log = new Log(logger)
  const reporter = new Reporter({ log, ...options })
  const report = (result: Result, more: Partial<DeliveryRecord> = {}, rawBody?: Buffer) => {
    const body = rawBody && Pieces.of(rawBody)
    const answer = answerFor(result, 'r-1', 'final')
    reporter.request({ ...recordOf(result, answer.status, answer.givenUp), ...more }, result, answer, body)
  }
  return { lines, reporter, report }
}

function recordOf({ outcome }: Result, status: number, givenUp: boolean): DeliveryRecord {
  return {
    outcome,
    status,
    givenUp,
    answered: true,
    method: 'POST',
    requestId: 'r-1',
    merged: false,
    issues: 0,
    bodyBytes: 2,
    receivedAt: new Date(0),
    durationMs: 1,
  }
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

beforeEach(() => jest.useFakeTimers({ now: 1_000_000 }))
afterEach(() => jest.useRealTimers())

describe('log lines', () => {
  it.each([
    'malformed_body',
    'invalid_body',
    'invalid_id',
    'rejected',
    'unauthorized',
    'not_found',
    'body_too_large',
    'unsupported_media_type',
    'method_not_allowed',
  ] as const)('%s is a loss: error level', (outcome) => {
    const { lines, report } = setup()
    report({ outcome }, { kind: 'order', eventName: 'OrderIssuedByBuyer', entityId: 'O-1' })
    expect(lines).toHaveLength(1)
    const [level, text] = lines[0]!
    expect(level).toBe('error')
    const subject = ['"OrderIssuedByBuyer"', '"O-1"', 'request r-1']
    const parts = ['tradecloud-webhook: ', outcome, 'will not send it again', ...subject]
    for (const part of parts) expect(text).toContain(part)
  })

  const passing = ['handler_failed', 'unavailable', 'fetch_failed', 'fetch_timeout'] as const
  it.each(passing)('%s with a cause is a warning', (outcome) => {
    const { lines, report } = setup()
    report({ outcome, cause: new RangeError('ERP is down') })
    expect(lines).toEqual([['warn', expect.stringContaining('RangeError: ERP is down')]])
    expect(lines[0]![1]).toContain('will send it again')
  })

  it.each(['delivered', 'duplicate', 'in_progress', 'answer_timeout'] as const)('%s is none', (outcome) => {
    const { lines, report } = setup()
    report({ outcome })
    expect(lines).toEqual([])
  })

  it('an ignored event is a warning, once for each kind and name', () => {
    const { lines, report } = setup()
    for (let i = 0; i < 3; i++) {
      report({ outcome: 'ignored' }, { kind: 'order', eventName: 'OrderSynced', entityId: `O-${i}` })
      report({ outcome: 'ignored' }, { kind: 'shipment', eventName: 'OrderSynced' })
      report({ outcome: 'ignored' }, { kind: 'unknown', eventName: 'InvoiceSent\n' })
      report({ outcome: 'ignored' }, { kind: 'order', method: 'GET', entityId: 'O-1' })
    }
    expect(lines.map(([level]) => level)).toEqual(['warn', 'warn', 'warn', 'warn'])
    const [order, shipment, unknown, get] = lines.map(([, text]) => text)
    for (const part of ['ignored', '"OrderSynced"', 'onOrder', 'on.OrderSynced', '"O-0"', 'request r-1'])
      expect(order).toContain(part)
    expect(shipment).toContain('onShipment')
    expect(unknown).toContain('onUnknown')
    expect(unknown).toContain('"InvoiceSent\\n"')
    expect(get).toContain('GET')
    expect(get).toContain('onOrder')
  })

  it('ignored names are written within one minute, as many as are remembered, and no more', () => {
    const { lines, report } = setup()
    for (let i = 0; i < 1_000; i++)
      report({ outcome: 'ignored' }, { kind: 'order', eventName: `${'x'.repeat(200)}${i}` })
    for (let i = 0; i < 1_000; i++) report({ outcome: 'ignored' }, { kind: 'order', eventName: `Name${i}` })
    expect(lines.length).toBeLessThanOrEqual(101)
    expect(lines.filter(([, text]) => text.includes('Name')).length).toBeGreaterThan(50)
    expect(lines.at(-1)![1]).toContain('further ignored names are not reported')
    for (const [, text] of lines) expect(text.length).toBeLessThan(700)
  })

  it('says what the sender is told', () => {
    const { lines, report } = setup()
    report({ outcome: 'malformed_body', detail: 'At position 7.' })
    expect(lines[0]![1]).toContain('At position 7.')
  })

  it('is one line whatever the values hold', () => {
    const { lines, report } = setup()
    report(
      { outcome: 'rejected', cause: new Error('a\nb\u001b[31m\u2028c') },
      { eventName: 'X\r\nfake line', entityId: 'O\n1\u009b' },
    )
    expect(lines[0]![1]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  })

  it('is cut', () => {
    const { lines, report } = setup()
    report({ outcome: 'rejected', cause: new Error('x'.repeat(10_000)) }, { entityId: 'y'.repeat(10_000) })
    expect(lines[0]![1].length).toBeLessThan(1000)
  })

  it('shows nothing of a cause but name and message', () => {
    const secret = 'hunter2'
    const cause = Object.assign(new Error('Request failed'), {
      config: { headers: { Authorization: secret } },
      stack: secret,
      response: secret,
      toString: () => secret,
    })
    const { lines, report } = setup()
    report({ outcome: 'fetch_failed', cause })
    report({ outcome: 'handler_failed', cause: { password: secret } })
    report({ outcome: 'rejected', cause: secret })
    expect(lines).toHaveLength(3)
    expect(JSON.stringify(lines)).not.toContain(secret)
  })

  it('never shows the body', () => {
    const { lines, report } = setup()
    report({ outcome: 'malformed_body' }, {}, Buffer.from('hunter2'))
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a text', 'text'],
    ['a symbol', Symbol('x')],
    ['a proxy that throws', hostile],
    ['an error without a prototype', Object.setPrototypeOf(new Error('x'), null)],
    [
      'an error whose message throws',
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('no')
        },
      }),
    ],
    ['an error whose name is a symbol', Object.assign(new Error('x'), { name: Symbol('x') })],
  ])('is written for %s too', (_what, cause) => {
    const { lines, report } = setup()
    report({ outcome: 'handler_failed', cause })
    expect(lines).toHaveLength(1)
  })
})

describe('an alarm', () => {
  it('is an error line with its subject', () => {
    const { lines, reporter } = setup()
    const error = new TradecloudWebhookError('handler_stuck', 'A callback hangs.')
    reporter.alarm(error, { kind: 'order', requestId: 'r-9' })
    expect(lines).toEqual([['error', 'tradecloud-webhook: handler_stuck: A callback hangs. (order request r-9)']])
  })
})

describe('an event out of the inbox', () => {
  const settled = {
    result: 'delivered',
    outcome: 'delivered',
    inboxId: 'i-1',
    kind: 'order',
    entityId: 'PO-1',
    requestId: 'r-1',
    receivedAt: new Date(0),
    attempt: 3,
    replay: false,
    durationMs: 5,
    noted: true,
  } as const

  it('gives a record, and no line when it was delivered', () => {
    const records: SettledRecord[] = []
    const { lines, reporter } = setup({ onSettled: (record) => records.push(record) })
    reporter.settled(settled)
    expect(records).toEqual([settled])
    expect(lines).toEqual([])
  })

  it('that failed is a warning with the time of the next attempt, and an error once it is given up', () => {
    const { lines, reporter } = setup()
    const error = new TradecloudWebhookError('handler_failed', 'The event was not delivered.', {
      cause: new Error('down\nforged line'),
    })
    const failed = { ...settled, outcome: 'handler_failed', error } as const
    reporter.settled({ ...failed, result: 'retry', nextAttemptAt: new Date(1000) })
    reporter.settled({ ...failed, result: 'dead' })
    const why = 'handler_failed on attempt 3: The event was not delivered. "Error: down\\nforged line" at '
    expect(lines).toEqual([
      ['warn', expect.stringContaining(`Will be delivered again at 1970-01-01T00:00:01.000Z, ${why}`)],
      ['error', expect.stringContaining(`tradecloud-webhook: Given up i-1, ${why}`)],
    ])
    for (const [, text] of lines) expect(text).toMatch(/report\.test\.ts:\d+:\d+\) \(order "PO-1" request r-1\)$/)
  })

  it('that was rejected does not put the words of the callback on the line twice', () => {
    const { lines, reporter } = setup()
    const cause = new Error('secret words')
    const error = new TradecloudWebhookError('rejected', 'secret words', { cause })
    reporter.settled({ ...settled, result: 'dead', outcome: 'rejected', error })
    expect(lines[0]?.[1].split('secret words')).toHaveLength(2)
  })

  it('does not suffer from a failing onSettled, which is written down', async () => {
    const { lines, reporter } = setup({ onSettled: () => Promise.reject(new Error('metrics are down')) })
    reporter.settled(settled)
    await Promise.resolve()
    expect(lines).toEqual([
      ['warn', expect.stringMatching(/: onSettled failed: "Error: metrics are down" at onSettled \(.*\.ts:\d+:\d+\)$/)],
    ])
  })
})

describe('onDelivery and onError', () => {
  it('onDelivery gets one record for every request', () => {
    const records: DeliveryRecord[] = []
    const { report } = setup({ onDelivery: (record) => records.push(record) })
    report({ outcome: 'delivered' }, { durationMs: 5 })
    report({ outcome: 'unauthorized' })
    expect(records).toMatchObject([
      { outcome: 'delivered', status: 200, givenUp: false, durationMs: 5 },
      { outcome: 'unauthorized', status: 401, givenUp: true },
    ])
  })

  it('onError gets the outcome as code, the answer, the cause and the body', () => {
    const calls: Array<[TradecloudWebhookError, ErrorContext]> = []
    const { report } = setup({ onError: (error, context) => calls.push([error, context]) })
    const cause = new Error('ERP')
    const rawBody = Buffer.from('{}')
    report({ outcome: 'delivered' })
    expect(calls).toEqual([])
    report({ outcome: 'handler_failed', cause }, { entityId: 'O-1' }, rawBody)
    const [error, context] = calls[0]!
    expect(error).toMatchObject({ code: 'handler_failed', status: 503, cause, headers: { 'Retry-After': '10' } })
    expect(error.message).toBe('The event could not be processed now.')
    expect(context).toMatchObject({ outcome: 'handler_failed', entityId: 'O-1', requestId: 'r-1', rawBody })
    report({ outcome: 'unavailable' })
    expect(Object.hasOwn(calls[1]![0], 'cause')).toBe(false)
  })

  it('onDelivery is told of no body', () => {
    const records: object[] = []
    const { report } = setup({ onDelivery: (record) => records.push(record) })
    report({ outcome: 'invalid_body' }, {}, Buffer.from('{}'))
    expect(records[0]).not.toHaveProperty('rawBody')
  })

  it.each(['onDelivery', 'onError'] as const)('%s may fail in any way, and a line says so', async (name) => {
    const failures: Array<() => unknown> = [
      () => {
        throw new Error('broken pipe')
      },
      () => Promise.reject(new Error('broken pipe')),
      () => {
        throw hostile
      },
      () => hostile,
      async () => {
        throw hostile
      },
      () => {
        throw null
      },
    ]
    for (const fail of failures) {
      const { lines, report } = setup({ [name]: fail })
      expect(() => report({ outcome: 'unavailable' })).not.toThrow()
      await Promise.resolve()
      await Promise.resolve()
      expect(lines).toEqual([['warn', expect.stringContaining(`${name} failed: `)]])
    }
  })

  it('one that fails does not keep the other from being called', () => {
    const called: string[] = []
    const { report } = setup({
      onDelivery: () => {
        throw new Error('x')
      },
      onError: () => called.push('onError'),
    })
    report({ outcome: 'unavailable' })
    expect(called).toEqual(['onError'])
  })

  it('cannot fail a report by changing its record', () => {
    const { report, lines } = setup({
      onDelivery: (record) => {
        for (const key of Object.keys(record)) Reflect.set(record, key, Symbol('changed'))
      },
    })
    expect(() => report({ outcome: 'unauthorized' })).not.toThrow()
    expect(lines).toHaveLength(1)
  })
})

describe('a logger that fails', () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  beforeEach(() => {
    jest.useRealTimers()
    unhandled.length = 0
    process.on('unhandledRejection', note)
  })
  afterEach(() => void process.off('unhandledRejection', note))

  it.each([
    [
      'throws',
      () => {
        throw new Error('disk full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('because it %s changes nothing', async (_how, write) => {
    const called: string[] = []
    const logger = { warn: write, error: write }
    const { report } = setup({ logger, onError: () => called.push('onError') })
    expect(() => report({ outcome: 'unauthorized' })).not.toThrow()
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(called).toEqual(['onError'])
    expect(unhandled).toEqual([])
  })

  it('keeps its `this`', () => {
    class Own {
      lines: string[] = []
      warn(text: string) {
        this.lines.push(text)
      }
      error(text: string) {
        this.lines.push(text)
      }
    }
    const logger = new Own()
    setup({ logger }).report({ outcome: 'unauthorized' })
    expect(logger.lines).toHaveLength(1)
  })
})

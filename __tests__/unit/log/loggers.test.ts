/**
 * Real loggers receive the text for any ID, and they never receive a secret. Loggers other than the console also
 * receive the fields.
 */
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import pino from 'pino'
import winston from 'winston'
import { Log } from '../../../lib/log/log'
import type { Logger } from '../../../lib/log/logger'

const SECRET = 'hunter2-secret'

function collector() {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, output: () => chunks.join('') }
}

function failing(): Error {
  const request = { headers: { Authorization: SECRET } }
  const inner = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', config: request })
  return Object.assign(new TypeError('no such field', { cause: inner }), { config: request, response: { request } })
}

function fail(logger: Logger): void {
  const about = { code: 'handler_failed', kind: 'order', entityId: '100%o/%s%%', requestId: 'r-1', cause: failing() }
  new Log(logger).line('error', 'handler_failed', 'Order "100%o/%s%%" failed.', about)
}

const FIELDS = { code: 'handler_failed', kind: 'order', entityId: '100%o/%s%%', requestId: 'r-1' }

describe('pino', () => {
  it.each<[string, (stream: Writable) => pino.Logger]>([
    ['a logger', (stream) => pino(stream)],
    ['a child logger', (stream) => pino(stream).child({ module: 'webhook' })],
  ])('%s receives the fields first', async (_what, create) => {
    const { stream, output } = collector()
    fail(create(stream))
    const line = JSON.parse(output())
    expect(line).toMatchObject({ level: 50, msg: 'tradecloud-webhook: Order "100%o/%s%%" failed.', ...FIELDS })
    expect(line.err).toMatchObject({ type: 'TypeError', message: expect.stringContaining('no such field') })
    expect(line.err.stack).toMatch(/^TypeError: no such field\n {4}at failing \(.*loggers\.test\.ts:/)
    expect(line.err.stack).toContain('connect ECONNREFUSED')
    expect(output()).not.toContain(SECRET)
  })
})

describe('winston', () => {
  it.each([
    ['json', winston.format.json()],
    ['splat and json', winston.format.combine(winston.format.splat(), winston.format.json())],
  ])('with the format %s receives the text and the fields', async (_what, format) => {
    const { stream, output } = collector()
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- as winston declares it
    const transport: winston.transport = new winston.transports.Stream({ stream })
    fail(winston.createLogger({ format, transports: transport }))
    const line = JSON.parse(output())
    expect(line).toMatchObject({ level: 'error', ...FIELDS })
    expect(line.message).toBe('tradecloud-webhook: Order "100\\u0025o/\\u0025s\\u0025%" failed.')
    expect(line.err).toMatchObject({
      name: 'TypeError',
      message: 'no such field',
      stack: expect.stringContaining('loggers.test.ts'),
      cause: { name: 'Error', message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
    })
    expect(output()).not.toContain(SECRET)
  })
})

describe('console', () => {
  it('receives the text alone, so that a loss stays one line', () => {
    const { stream, output } = collector()
    fail(new Console(stream))
    expect(output()).toBe('tradecloud-webhook: Order "100%o/%s%%" failed.\n')
  })

  it('may be the global one', () => {
    const spy = jest.spyOn(console, 'error').mockImplementation(() => undefined)
    fail(console)
    expect(spy.mock.calls).toEqual([['tradecloud-webhook: Order "100%o/%s%%" failed.']])
    spy.mockRestore()
  })
})

describe('an own logger', () => {
  it('that takes the fields first is passed in with two lines', () => {
    const { stream, output } = collector()
    const hidden = pino(stream)
    const log = {
      warn: (fields: object, text: string) => hidden.warn(fields, text),
      error: (fields: object, text: string) => hidden.error(fields, text),
    }
    fail({ warn: (text, fields) => log.warn(fields, text), error: (text, fields) => log.error(fields, text) })
    expect(JSON.parse(output())).toMatchObject(FIELDS)
  })
})

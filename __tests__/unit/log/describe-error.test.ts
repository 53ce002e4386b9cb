/** How an error is shown: the place in the user's code, the chain of causes, and never a secret. */
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe as describeError, explain as linesOf, locationOf, safeCopy } from '../../../lib/log/describe-error'

const SECRET = 'hunter2-secret'

const explain = (cause: unknown): string => linesOf(cause).join('\n')

function withStack(stack: unknown, message = 'x'): Error {
  return Object.defineProperty(new Error(message), 'stack', { value: stack })
}

const trace = (...frames: string[]) => withStack(['Error: x', ...frames.map((frame) => `    at ${frame}`)].join('\n'))

const OURS = join(__dirname, '../../../lib/deliver/caller.ts')

describe('the location', () => {
  it('is where the callback failed', () => {
    function saveOrder(): never {
      return (undefined as unknown as { lines: never }).lines
    }
    let error: unknown
    try {
      saveOrder()
    } catch (thrown) {
      error = thrown
    }
    expect(locationOf(error)).toMatch(/^ at saveOrder \(.*describe-error\.test\.ts:\d+:\d+\)$/)
  })

  it('is that of an error of Node, below Node itself', async () => {
    const parsed = (): void => void JSON.parse('{')
    let error: unknown
    try {
      parsed()
    } catch (thrown) {
      error = thrown
    }
    expect(locationOf(error)).toMatch(/^ at parsed \(/)
  })

  it.each<[string, string[], string]>([
    ['no frames', [], ''],
    ["Node's own frames alone", ['TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)'], ''],
    [
      'built-in functions',
      ['JSON.parse (<anonymous>)', 'Promise.all (index 0)', 'save (/app/erp.js:3:9)'],
      'save (/app/erp.js:3:9)',
    ],
    [
      'packages',
      ['Query.run (/app/node_modules/pg/lib/query.js:1:1)', 'async save (file:///app/erp.mjs:3:9)'],
      'async save (file:///app/erp.mjs:3:9)',
    ],
    [
      'packages on Windows',
      ['run (C:\\app\\node_modules\\pg\\query.js:1:1)', 'save (C:\\app\\erp.js:3:9)'],
      'save (C:\\app\\erp.js:3:9)',
    ],
    ['our own frames', [`Caller.call (${OURS}:1:1)`, 'new Order (/app/erp.js:3:9)'], 'new Order (/app/erp.js:3:9)'],
    ['our own frames alone', [`Caller.call (${OURS}:1:1)`, 'node:internal/timers:1:1'], ''],
    ['frames without a function', ['async node:internal/x:1:1', '/app/erp.js:3:9'], '/app/erp.js:3:9'],
    // The stack of an app that is itself installed as a package.
    [
      'packages alone',
      [`call (${OURS}:1:1)`, 'save (/usr/lib/node_modules/app/erp.js:3:9)'],
      'save (/usr/lib/node_modules/app/erp.js:3:9)',
    ],
  ])('with %s', (_what, frames, expected) => {
    expect(locationOf(trace(...frames))).toBe(expected === '' ? '' : ` at ${expected}`)
  })

  it('is not a line of the message', () => {
    const message = 'the ERP said:\n    at Fake (/etc/passwd:1:1)'
    expect(locationOf(withStack(`Error: ${message}\n    at save (/app/erp.js:3:9)`, message))).toBe(
      ' at save (/app/erp.js:3:9)',
    )
  })

  it.each<[string, unknown]>([
    ['a text', 'x'],
    ['null', null],
    ['an error without a stack', withStack(undefined)],
    ['a stack that is a list', withStack([{}])],
    ['an object with a stack', { stack: 'Error\n    at save (/app/erp.js:3:9)' }],
  ])('is empty for %s', (_what, cause) => expect(locationOf(cause)).toBe(''))

  it('is one line, and cut', () => {
    const location = locationOf(trace(`f\u001b[31m\u2028${'x'.repeat(5_000)} (/app/erp.js:3:9)`))
    expect(location).not.toMatch(/[\u0000-\u001f\u2028]/)
    expect(location.length).toBeLessThan(400)
  })
})

describe('name and message', () => {
  it('are shown for an error of another realm too', () => {
    expect(describeError(runInNewContext('new RangeError("far away")'))).toBe('"RangeError: far away"')
  })

  it.each([
    [`Invalid URL: https://user:${SECRET}@erp.example.com/x`, 'Invalid URL: https://***@erp.example.com/x'],
    [`redis://:${SECRET}@h:1`, 'redis://***@h:1'],
    [`postgres://u:p@${SECRET}@db:1/x?a=b@c`, 'postgres://***@db:1/x?a=b@c'],
    [
      `Headers.append: "Bearer ${SECRET}" is an invalid header value.`,
      'Headers.append: "Bearer ***" is an invalid header value.',
    ],
    [`authorization: Basic ${Buffer.from(SECRET).toString('base64')}`, 'authorization: Basic ***'],
    ['Bearer token is missing', 'Bearer token is missing'],
    ['Basic authentication failed.', 'Basic authentication failed.'],
    ['see https://example.com/a@b', 'see https://example.com/a@b'],
  ])('hide credentials: %j', (message, shown) => {
    const error = new Error(message)
    expect(JSON.parse(describeError(error))).toBe(`Error: ${shown}`)
    for (const text of [JSON.stringify(safeCopy(error)), explain(error)]) {
      expect(text).not.toContain(SECRET)
      expect(text).not.toContain(Buffer.from(SECRET).toString('base64'))
    }
  })
})

describe('the explanation', () => {
  it('holds the stack and the chain of causes', () => {
    const root = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const text = explain(new TypeError('fetch failed', { cause: new RangeError('middle', { cause: root }) }))
    expect(text).toMatch(/^TypeError: fetch failed\n {4}at /)
    const order = [
      'TypeError: fetch failed',
      'describe-error.test.ts',
      'RangeError: middle',
      'Error: connect ECONNREFUSED',
    ]
    expect([...order].sort((a, b) => text.indexOf(a) - text.indexOf(b))).toEqual(order)
    expect(text).toContain('[cause] Error: connect ECONNREFUSED (ECONNREFUSED)')
  })

  it('has no line that a message forged', () => {
    const lines = linesOf(new Error('down\r\nforged: line\u001b[2J', { cause: new Error('also\nforged') }))
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f]|^\s*forged/)
    expect(lines[0]).toBe('Error: down\\u000d\\u000aforged: line\\u001b[2J')
  })

  it('holds the errors of an AggregateError', async () => {
    const error: unknown = await Promise.any([
      Promise.reject(new Error('IPv6 refused')),
      Promise.reject(Object.assign(new Error('IPv4 refused'), { headers: SECRET })),
    ]).catch((thrown: unknown) => thrown)
    const text = explain(error)
    for (const part of ['AggregateError', 'IPv6 refused', 'IPv4 refused']) expect(text).toContain(part)
    expect(text).not.toContain(SECRET)
  })

  it('never holds another field of an error: those of axios carry headers', () => {
    const config = { headers: { Authorization: SECRET }, auth: { password: SECRET } }
    const inner = Object.assign(new Error('inner'), { config, request: { _header: SECRET } })
    const error = Object.assign(new Error('outer', { cause: inner }), {
      config,
      [SECRET]: 1,
      toJSON: () => ({ config }),
      toString: () => SECRET,
      [Symbol.for('nodejs.util.inspect.custom')]: () => SECRET,
    })
    expect(explain(error) + JSON.stringify(safeCopy(error))).not.toContain(SECRET)
  })

  it('of a stack is that of its frames alone', () => {
    expect(explain(withStack(`${SECRET}\n${SECRET}\n    at save (/app/erp.js:3:9)`))).toBe(
      'Error: x\n    at save (/app/erp.js:3:9)',
    )
  })

  it('ends for causes that go in circles, and for endless ones', () => {
    const first: Error = new Error('first')
    const second = new AggregateError([first, first], 'second', { cause: first })
    first.cause = second
    expect(explain(first)).toContain('AggregateError: second')
    let deep = new Error('level 0')
    for (let i = 1; i < 10_000; i++) deep = new Error(`level ${i}`, { cause: deep })
    expect(explain(deep).length).toBeLessThan(50_000)
    const endless = () => Object.defineProperty(new Error('endless'), 'cause', { get: endless })
    expect(explain(endless()).length).toBeLessThan(50_000)
    const wide = new AggregateError(
      Array.from({ length: 100_000 }, () => new Error('one of many')),
      'wide',
    )
    expect(explain(wide).length).toBeLessThan(50_000)
    const tree = (depth: number): Error =>
      new AggregateError(depth === 0 ? [] : Array.from({ length: 10 }, () => tree(depth - 1)), 'tree')
    expect(explain(tree(4)).length).toBeLessThan(200_000)
  })

  it.each(['name', 'message', 'stack', 'cause', 'code', 'errors'])('survives a getter %s that throws', (field) => {
    const error = Object.defineProperty(new Error('x'), field, {
      get() {
        throw new Error('hands off')
      },
    })
    expect(explain(error)).toContain('Error')
    expect(describeError(error)).toContain('Error')
  })

  it.each<[string, unknown]>([
    ['a revoked proxy', (({ proxy, revoke }) => (revoke(), proxy))(Proxy.revocable({}, {}))],
    ['null', null],
    ['a symbol', Symbol('x')],
    ['an object', { password: SECRET }],
    ['a text', SECRET],
    ['an error without a prototype', Object.setPrototypeOf(new Error('x'), null)],
    ['an error with odd fields', Object.assign(new Error('x'), { name: Symbol('x'), code: { SECRET }, errors: 5 })],
    [
      'an error whose list throws',
      Object.assign(new Error('x'), {
        errors: new Proxy([], {
          get: () => {
            throw new Error('no')
          },
        }),
      }),
    ],
    ['an error named __proto__', Object.assign(new Error('x'), { name: '__proto__' })],
  ])('survives %s', (_what, cause) => {
    expect(explain(cause) + describeError(cause) + locationOf(cause)).not.toContain(SECRET)
    expect(() => JSON.stringify(safeCopy(cause))).not.toThrow()
  })
})

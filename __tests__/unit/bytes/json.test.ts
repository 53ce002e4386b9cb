/** From bytes to a JSON value: only UTF-8, limited depth and number of values, no keys that change prototypes. */
import fc from 'fast-check'
import { maximumOrderEvent } from '../../../lib/testing'
import { bySize } from '../../size'
import { MAX_DEPTH, MAX_VALUES, parseJson, removePollutingKeys } from '../../../lib/bytes/json'

const parse = (text: string) => parseJson(Buffer.from(text, 'utf8'))

it('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value)
      const result = parse(text)
      const expected: unknown = JSON.parse(text)
      if (result.ok && result.removedKeys.length === 0) expect(result.value).toEqual(expected)
      else expect(text).toMatch(/__proto__|prototype/)
    }),
  )
})

it('reads letters of any length, wherever they stand', () => {
  for (let offset = 0; offset < 8; offset++) {
    for (const letters of ['é', '€', '😀', 'é€😀\uFEFF', 'x'.repeat(2_500) + 'ø']) {
      const text = 'x'.repeat(2_040 + offset) + letters.repeat(400) + 'x'.repeat(5_000) + letters
      expect((parse(JSON.stringify([text])) as { value: string[] }).value[0] === text).toBe(true)
    }
  }
})

/** Cuts bytes into three pieces, some of which may be empty. */
function cut(bytes: Buffer, one: number, other: number): Buffer[] {
  const [first, second] = [one % (bytes.length + 1), other % (bytes.length + 1)].sort((a, b) => a - b) as [
    number,
    number,
  ]
  return [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
}

it('reads the same wherever the bytes are cut into pieces', () => {
  const letters = fc.string({
    unit: fc.constantFrom('a', '"', '\\', 'é', '€', '😀', '\uFEFF', '[', ','),
    maxLength: 12,
  })
  const text = fc.oneof(
    letters.map((content) => JSON.stringify([content])),
    letters,
  )
  fc.assert(
    fc.property(text, fc.boolean(), fc.nat(80), fc.nat(80), (content, isMarked, one, other) => {
      const bytes = Buffer.from(isMarked ? `\uFEFF${content}` : content)
      expect(parseJson(cut(bytes, one, other))).toEqual(parseJson(bytes))
    }),
    { numRuns: 1000 },
  )
})

it('bytes that are no UTF-8 are refused wherever they are cut', () => {
  const bytes = fc.array(fc.constantFrom(0x22, 0x61, 0x80, 0xa0, 0xbf, 0xc3, 0xe2, 0xed, 0xf0, 0xff), { maxLength: 8 })
  fc.assert(
    fc.property(bytes, fc.nat(8), fc.nat(8), (content, one, other) => {
      const whole = Buffer.from(content)
      expect(parseJson(cut(whole, one, other))).toEqual(parseJson(whole))
    }),
    { numRuns: 2000 },
  )
})

it('skips byte order marks, but only at the start', () => {
  expect(parse('\uFEFF{"a":1}')).toMatchObject({ ok: true, value: { a: 1 } })
  expect(parse('{"a":"\uFEFF"}')).toMatchObject({ ok: true, value: { a: '\uFEFF' } })
  expect(parse('{"a":\uFEFF1}').ok).toBe(false)
  expect(parse('\uFEFF\uFEFF{}')).toMatchObject({ ok: true, value: {} })
  expect(parseJson(cut(Buffer.from('\uFEFF\uFEFF{}'), 3, 6))).toMatchObject({ ok: true, value: {} })
  expect(parseJson(cut(Buffer.from('\uFEFF\uFEFF{}'), 2, 4))).toMatchObject({ ok: true, value: {} })
})

it('skips NULs, but only at the end', () => {
  const bytes = Buffer.from('{"a":1}\n\0\0\r\n \t\0')
  for (let one = 0; one < bytes.length; one++)
    for (let other = one; other < bytes.length; other++)
      expect(parseJson(cut(bytes, one, other))).toMatchObject({ ok: true, value: { a: 1 } })
  for (const text of ['\0{}', '{\0}', '{"a":"\0"}', '{}\0{}', '\0', '{}\0x']) expect(parse(text).ok).toBe(false)
})

it.each([
  ['nothing', Buffer.alloc(0), 'not valid JSON'],
  ['a byte order mark alone', Buffer.from([0xef, 0xbb, 0xbf]), 'not valid JSON'],
  ['latin1', Buffer.from('{"a":"ü"}', 'latin1'), 'not valid UTF-8'],
  ['UTF-16', Buffer.from('\uFEFF{"a":1}', 'utf16le'), 'not valid UTF-8'],
  ['a cut character', Buffer.from('"€"').subarray(0, 3), 'not valid UTF-8'],
  ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not valid UTF-8'],
  ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'not valid UTF-8'],
  ['a cut body', Buffer.from('{"a":[1,2'), 'not valid JSON'],
  ['single quotes', Buffer.from("{'a':1}"), 'not valid JSON'],
  ['a text without end', Buffer.from('"abc\\'), 'not valid JSON'],
])('%s is refused', (_what, bytes, reason) => {
  const result = parseJson(bytes)
  expect(result.ok).toBe(false)
  expect((result as { reason: string }).reason).toContain(reason)
})

it('says where, and quotes nothing of the body', () => {
  for (const text of ['{"password":"hunter2" x}', 'hunter2', '{"a": hunter2}', '[1, hunter2]']) {
    const { reason } = parse(text) as { reason: string }
    expect(reason).toMatch(/^the body is not valid JSON( \(at position \d+\))?$/)
    expect(reason).not.toContain('hunter')
  }
  expect(parse('{"a": 1 x}')).toMatchObject({ reason: expect.stringContaining('position 8') })
})

it('does not take a position out of the body', () => {
  const { reason } = parse('position 4929') as { reason: string }
  expect(reason).not.toContain('4929')
})

describe('depth', () => {
  const nested = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels)

  it('is allowed up to the cap', () => {
    expect(MAX_DEPTH).toBe(100)
    expect(parse(nested(100, '[', ']')).ok).toBe(true)
    expect(parse(nested(101, '[', ']'))).toMatchObject({ ok: false, reason: expect.stringContaining('100 levels') })
    expect(parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`).ok).toBe(true)
    expect(parse(`${'{"a":'.repeat(101)}1${'}'.repeat(101)}`)).toMatchObject({ ok: false })
    expect(parse(`${'[{"a":'.repeat(51)}1${'}]'.repeat(51)}`)).toMatchObject({ ok: false })
  })

  it('does not count brackets beside each other or in texts', () => {
    expect(parse(`[${Array(500).fill('{"a":[]}').join(',')}]`).ok).toBe(true)
    expect(parse(JSON.stringify(['['.repeat(500), '{"'.repeat(500), '\\"['.repeat(500)])).ok).toBe(true)
    expect(parse(`["\\\\",${nested(99, '[', ']')}]`).ok).toBe(true)
    expect(parse(`["\\\\",${nested(100, '[', ']')}]`).ok).toBe(false)
    expect(parse(`["\\"",${nested(100, '[', ']')}]`).ok).toBe(false)
  })

  it('of a million levels is refused without harm', () => {
    const nested = '['.repeat(1_000_000) + ']'.repeat(1_000_000)
    expect(parse(nested)).toMatchObject({ ok: false, reason: expect.stringContaining('deeper') })
    expect(parse('['.repeat(1_000_000)).ok).toBe(false)
    expect(parse(']'.repeat(1_000_000)).ok).toBe(false)
  })
})

describe('the number of values', () => {
  const refusal = { ok: false, reason: `the body contains more than ${MAX_VALUES} values` }

  it('is allowed up to the cap, which is above the largest documented order', () => {
    expect(MAX_VALUES).toBe(5_000_000)
    let values = 0
    JSON.parse(JSON.stringify(maximumOrderEvent({ lines: 50 })), () => ++values)
    expect(10 * values).toBeGreaterThan(2_500_000)
    expect(10 * values).toBeLessThan(0.7 * MAX_VALUES)
    // The number of values is one for the list, one for its first entry, and one for each comma.
    expect(parse(`[${'0,'.repeat(MAX_VALUES - 2)}0]`).ok).toBe(true)
    expect(parse(`[${'0,'.repeat(MAX_VALUES - 1)}0]`)).toEqual(refusal)
  })

  it.each(['[],', '{},', '{"a":0},', '"",'])('counts %s', (text) => {
    expect(parse(`[${text.repeat(MAX_VALUES)}0]`)).toEqual(refusal)
  })

  it.each([0, 1, 2, 3])('is the same wherever the bytes lie in memory: %d', (offset) => {
    const list = (entries: number) => {
      const text = `[${'0,'.repeat(entries - 1)}0]`
      const bytes = Buffer.from(new ArrayBuffer(text.length + offset), offset)
      bytes.write(text, 'latin1')
      const { ok, reason } = parseJson(bytes) as { ok: boolean; reason?: string }
      return { ok, reason }
    }
    expect(list(MAX_VALUES - 1)).toEqual({ ok: true })
    expect(list(MAX_VALUES)).toEqual(refusal)
  })

  it('is the same in pieces, cut within texts and escapes', () => {
    const text = `{"a":"\\\\\\"[[,","b":[${'0,'.repeat(MAX_VALUES)}0]}`
    const few = `{"a":"\\\\\\"${',['.repeat(MAX_VALUES)}","b":[0]}`
    for (let at = 4; at < 14; at += bySize({ quick: 3, ci: 1, full: 1 })) {
      const inPieces = (whole: string) => [Buffer.from(whole.slice(0, at)), Buffer.from(whole.slice(at))]
      expect(parseJson(inPieces(text))).toEqual(refusal)
      if (at % 3 === 1) expect(parseJson(inPieces(few)).ok).toBe(true)
    }
  })

  it('does not count what is in texts', () => {
    expect(parse(JSON.stringify(','.repeat(MAX_VALUES + 1))).ok).toBe(true)
  })
})

describe('a process in which all objects have inherited keys', () => {
  const inherited: Record<string, unknown> = {}
  beforeAll(() => {
    inherited.self = inherited
    Object.assign(Object.prototype, { inherited })
  })
  afterAll(() => {
    delete (Object.prototype as Record<string, unknown>).inherited
  })

  it('reads the same', () => {
    expect(parse('{"a":[{"b":{}}]}')).toMatchObject({ ok: true, removedKeys: [] })
    expect(parse('{"a":[{"__proto__":{"x":1}}]}')).toMatchObject({ ok: true, removedKeys: ['/a/0/__proto__'] })
    expect(parse('{"inherited":{"__proto__":{"x":1}}}')).toMatchObject({ removedKeys: ['/inherited/__proto__'] })
  })
})

describe('keys that change prototypes', () => {
  it.each([
    ['{"__proto__":{"admin":true},"a":1}', { a: 1 }, ['/__proto__']],
    ['{"__proto__":1}', {}, ['/__proto__']],
    ['{"\\u005f_proto__":{"admin":true}}', {}, ['/__proto__']],
    ['{"\\u005F\\u005fproto\\u005f\\u005f":{}}', {}, ['/__proto__']],
    ['{"constructor":{"prototype":{"admin":true}}}', {}, ['/constructor']],
    ['{"c\\u006fnstructor":{"prototype":1}}', {}, ['/constructor']],
    ['{"a":[{"b":{"__proto__":1}}]}', { a: [{ b: {} }] }, ['/a/0/b/__proto__']],
    ['{"a/b":{"c~d":{"__proto__":1}}}', { 'a/b': { 'c~d': {} } }, ['/a~1b/c~0d/__proto__']],
  ])('%s', (text, value, removedKeys) => {
    const result = parse(text)
    expect(result).toMatchObject({ ok: true, value, removedKeys })
    const copied = Object.assign({}, (result as { value: object }).value) as Record<string, unknown>
    expect(copied.admin).toBeUndefined()
    expect(Object.getOwnPropertyNames(copied)).not.toContain('__proto__')
  })

  it.each([
    '{"constructor":"ACME shipyard"}',
    '{"constructor":{"name":"x"}}',
    '{"constructor":null}',
    '{"prototype":{"a":1}}',
    '{"text":"__proto__ and \\"constructor\\""}',
    '{"a":"\\u0041"}',
  ])('%s keeps all of its keys', (text) => {
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text), removedKeys: [] })
  })

  it('are taken out of the value itself', () => {
    const value: unknown = JSON.parse('[{"__proto__":[],"b":{"constructor":{"prototype":{}}}}]')
    expect(removePollutingKeys(value).sort()).toEqual(['/0/__proto__', '/0/b/constructor'])
    expect(value).toEqual([{ b: {} }])
    expect(removePollutingKeys('text')).toEqual([])
    expect(removePollutingKeys(null)).toEqual([])
  })

  it('are all taken out, and the first hundred are told', () => {
    const result = parse(`[${'{"a":{"__proto__":1}},'.repeat(5_000)}{}]`)
    expect(result).toMatchObject({ ok: true, removedKeys: { length: 100, 0: '/0/a/__proto__', 99: '/99/a/__proto__' } })
    expect(JSON.stringify(result)).not.toContain('"__proto__":')
  })
})

/**
 * Large JSON that is read in slices gives the same values as `JSON.parse`, and is refused in the same cases as by
 * `parseJson`. In most of these tests, slices have only a few bytes, so that they end at every position.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { MAX_DEPTH, MAX_VALUES, parseJson } from '../../../lib/bytes/json'
import { Turns } from '../../../lib/bytes/turns'
import { cutAt, expectSame, expectSameInSlicesOf, inSlices, json, records } from './sliced-json'

const SUITE = join(__dirname, '../../fixtures/json-test-suite/test_parsing')

it('reads what JSON.parse reads, however it is cut', async () => {
  const places = fc.array(fc.nat(500), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(json, fc.integer({ min: 1, max: 40 }), places, async (text, sliceBytes, cuts) => {
      const bytes = Buffer.from(text)
      await expectSame(bytes, sliceBytes, cutAt(bytes, cuts))
    }),
    { numRuns: 2000 },
  )
})

it('needs no plain parse for well-formed JSON', async () => {
  const parse = jest.spyOn(JSON, 'parse')
  let slicedRuns = 0
  try {
    await fc.assert(
      fc.asyncProperty(json, fc.integer({ min: 1, max: 40 }), async (text, sliceBytes) => {
        parse.mockClear()
        expect((await inSlices(Buffer.from(text), { sliceBytes })).ok).toBe(true)
        const texts = parse.mock.calls.map(([each]) => each)
        // A text without a long list is parsed as a whole.
        if (texts.length > 1) expect(texts).not.toContain(text)
        if (texts.length > 1) slicedRuns++
      }),
      { numRuns: 500 },
    )
  } finally {
    parse.mockRestore()
  }
  expect(slicedRuns).toBeGreaterThan(50)
})

it('refuses what JSON.parse refuses, with the same reason', async () => {
  const part = fc.constantFrom('', '"', '\\', ',', '[', ']', '{', '}', ':', ' ', '1', '\u00e9', '\0', ',,', '[]', '"a"')
  await fc.assert(
    fc.asyncProperty(
      ...[
        fc.oneof(
          json,
          records.map((text) => `[${text}]`),
        ),
        fc.nat(),
        fc.nat(3),
        part,
        fc.integer({ min: 1, max: 20 }),
      ],
      async (text, place, removed, added, sliceBytes) => {
        const at = place % (text.length + 1)
        const bytes = Buffer.from(text.slice(0, at) + added + text.slice(at + removed))
        await expectSame(bytes, sliceBytes)
      },
    ),
    { numRuns: 3000 },
  )
})

describe('JSONTestSuite', () => {
  const files = readdirSync(SUITE)

  it('is there', () => {
    expect(files.length).toBeGreaterThan(300)
  })

  it.each(files)('%s', async (file) => {
    const bytes = readFileSync(join(SUITE, file))
    const reads = async (content: Buffer): Promise<boolean> => {
      const result = await inSlices(content, { sliceBytes: 4 })
      // The values are left out, because Jest cannot compare trees of this depth.
      expect({ ...result, value: undefined }).toEqual({ ...parseJson(content), value: undefined })
      if (result.ok)
        expect(JSON.stringify(result.value)).toBe(JSON.stringify((parseJson(content) as typeof result).value))
      return result.ok
    }
    const isRead = await reads(bytes)
    if (file.startsWith('y_')) expect(isRead).toBe(true)
    // NULs follow the JSON in n_multidigit_number_then_00.json. They are skipped, because programs in C add them.
    if (file.startsWith('n_')) expect(isRead).toBe(file === 'n_multidigit_number_then_00.json')
    for (const [before, after] of [
      ['[1234567,', ']'],
      ['[[[1234567],', '],1234567]'],
      ['{"a":[12,{"b":', '}],"c":[1,2,3]}'],
      ['[', ',1234567]'],
      ['[[12345,67,', '],'],
      ['[{"a":1},{"a":', '},{"a":1}]'],
    ] as const) {
      await reads(Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]))
    }
  })
})

it.each([
  ['a comma before nothing', '[1111111111,]'],
  ['a comma after nothing', '[,1111111111]'],
  ['two commas', '[1111111111,,1111111111]'],
  ['white space between commas', '[1111111111,         ,1111111111]'],
  ['a list as a key', '{[1111111111,1111111111]:1}'],
  ['a list that an object closes', '[1111111111,1111111111}'],
  ['an object that a list closes', '[1111111111,{"a":1111111111]]'],
  ['a list behind a value', '[1111111111,1[1111111111,1111111111]]'],
  ['a list behind a text', '["a"[1111111111,1111111111]]'],
  ['no end', '[1111111111,1111111111'],
  ['an end too many', '[1111111111,1111111111]]'],
  ['something behind it', '[1111111111,1111111111] 1'],
  ['two values', '[1111111111,1111111111],[1111111111,1111111111]'],
])('is not misled by %s', async (_, text) => {
  await expectSameInSlicesOf(text, 12)
  expect(parseJson(Buffer.from(text)).ok).toBe(false)
})

it.each([
  ['the same key twice', '{"a":[1111111,1111111],"a":[2222222,2222222,3],"b":[[4444444,44444],5]}'],
  ['the same key twice, a short list last', '{"a":[1111111,1111111],"a":[2]}'],
  ['polluting keys', '[{"__proto__":[1111111,1111111]},{"constructor":{"prototype":[1111111,1111111]}},1111111]'],
  [
    'polluting keys in long lists',
    '{"a":[{"b":1111111},{"__proto__":{"b":1}},{"b":[1111111,{"__proto__":[1111,11111]}]}]}',
  ],
  ['lists within the last entry', '[[1111111,1111111,[[1111111,1111111],[1111111,1111111]]]]'],
  ['keys that are numbers', '{"2":[1111111,1111111],"1":[1111111,1111111],"a":1}'],
])('reads %s like the plain parse', async (_, text) => {
  await expectSameInSlicesOf(text, 30)
  expect(parseJson(Buffer.from(text)).ok).toBe(true)
})

it('skips byte order marks and NULs, wherever they are cut', async () => {
  const bytes = Buffer.from('\uFEFF\uFEFF[1111111,"\uFEFF",1111111]\n\0\0')
  for (let at = 0; at <= bytes.length; at++)
    for (const sliceBytes of [1, 2, 3, 5, 100]) await expectSame(bytes, sliceBytes, cutAt(bytes, [at, at + 1]))
})

it('refuses what is no UTF-8', async () => {
  for (const wrong of [[0x80], [0xc3], [0xed, 0xa0, 0x80], [0xff], [0xe2, 0x82]]) {
    const bytes = Buffer.concat([Buffer.from('[1111111,"'), Buffer.from(wrong), Buffer.from('",1111111]')])
    for (let at = 9; at < 14; at++) await expectSame(bytes, 3, cutAt(bytes, [at]))
    expect(parseJson(bytes).ok).toBe(false)
  }
})

it('has the same limits of depth and number', async () => {
  const nested = (depth: number): Buffer => Buffer.from(`[1111111,${'['.repeat(depth - 1)}1,2${']'.repeat(depth - 1)}]`)
  await expectSame(nested(MAX_DEPTH), 10)
  await expectSame(nested(MAX_DEPTH + 1), 10)
  expect(await inSlices(nested(MAX_DEPTH + 1), { sliceBytes: 10 })).toMatchObject({ ok: false })
  const many = Buffer.from(`[${'[],'.repeat(MAX_VALUES / 2)}1]`)
  expect(await inSlices(many)).toEqual(parseJson(many))
  expect(parseJson(many).ok).toBe(false)
})

it('leaves a process alone in which objects inherit keys', async () => {
  let looked = 0
  const get = (): object => {
    looked++
    return {}
  }
  Object.defineProperty(Object.prototype, 'inherited', { get, enumerable: true, configurable: true })
  try {
    const bytes = Buffer.from('[1111111,{"__proto__":1,"a":[1111111,1111111]}]')
    expect(await inSlices(bytes, { sliceBytes: 5 })).toEqual(parseJson(bytes))
    expect(parseJson(bytes)).toMatchObject({ removedKeys: ['/1/__proto__'] })
    const list = Buffer.from(`[${'{"id":"1"},'.repeat(100)}1]`)
    const found = await inSlices(list, { sliceBytes: 50 })
    expect(looked).toBe(0)
    expect(found).toEqual(parseJson(list))
  } finally {
    delete (Object.prototype as { inherited?: unknown }).inherited
  }
})

it('tells the beginning before it reads the first long list', async () => {
  const beginnings: unknown[] = []
  const onBeginning = (value: unknown): void => void beginnings.push(value)
  const bytes = Buffer.from(
    '{"a":{"id":"1","short":[1],"lines":[{"b":1111111},{"b":[1111111,1111111]}],"more":[1111111,1]}}',
  )
  await inSlices(bytes, { sliceBytes: 8, onBeginning })
  expect(beginnings).toEqual([{ a: { id: '1', short: [1], lines: [] } }])
})

it('lets other work run, and stops once no one waits', async () => {
  const bytes = Buffer.from(`[${'1234567890,'.repeat(1000)}1]`)
  const turns = new Turns(0)
  let others = 0
  let isDone = false
  const work = (): void => {
    others++
    if (!isDone) setImmediate(work)
  }
  work()
  expect((await inSlices(bytes, { sliceBytes: 1000, turns })).ok).toBe(true)
  isDone = true
  expect(others).toBeGreaterThan(10)
  let asked = 0
  expect(await inSlices(bytes, { sliceBytes: 1000, unwanted: () => ++asked === 3 })).toMatchObject({ ok: false })
  expect(asked).toBe(3)
})

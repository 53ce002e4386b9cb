/**
 * Most entries of a long list of objects are parsed without a scan. Instead, the reader searches for the separator. The
 * separator is a comma and the beginning of the next entry, so an entry may end there.
 */
import fc from 'fast-check'
import { MAX_DEPTH, MAX_VALUES, parseJson, TOO_MANY_VALUES } from '../../../lib/bytes/json'
import { JsonScan } from '../../../lib/bytes/json-scan'
import { cutAt, expectSame, expectSameInSlicesOf, inSlices, records } from './sliced-json'

it('reads lists of objects as JSON.parse does, however it is cut', async () => {
  const places = fc.array(fc.nat(500), { maxLength: 5 })
  const around = fc.constantFrom(
    ['[', ']'],
    ['{"a":[', '],"b":[1]}'],
    ['[{"a":[', ']},{"a":2}]'],
    ['[1,[', '],[{"a":2}]]'],
  )
  await fc.assert(
    fc.asyncProperty(
      ...[records, around, fc.integer({ min: 1, max: 60 }), places],
      async (text, [before = '', after = ''], sliceBytes, cuts) => {
        const bytes = Buffer.from(before + text + after)
        await expectSame(bytes, sliceBytes, cutAt(bytes, cuts))
      },
    ),
    { numRuns: 1000 },
  )
})

it.each([
  ['in lists inside the entries', '[{"a":[{"a":1},{"a":2},{"a":3},{"a":4}]},{"a":[{"a":1},{"a":2},{"a":3},{"a":4}]}]'],
  ['after an escaped quote', '[{"a":"1234567890"},{"a":"\\",{\\"a\\":1"},{"a":"\\\\"},{"a":1}]'],
  ['in a key', '[{"a":"1234567890"},{",{":1,"a":1},{"a":"1234567890",",{":1},{"a":1}]'],
  ['before polluting keys', '[{"a":1234567},{"a":{"__proto__":1}},{"a":{"constructor":{"prototype":1}}},{"a":1}]'],
])('reads separators %s like the plain parse', async (_, text) => {
  await expectSameInSlicesOf(text, 40)
  expect(parseJson(Buffer.from(text)).ok).toBe(true)
})

it('scans only the first and the last entries of a long list of objects', async () => {
  const scan = jest.spyOn(JsonScan.prototype, 'run')
  try {
    const bytes = Buffer.from(`{"lines":[${'{"id":[{"a":1},{"a":2}]},'.repeat(2000)}{"id":1}]}`)
    await expectSame(bytes, 200)
    expect(scan.mock.calls.length).toBeLessThan(10)
    // Now the lists inside the entries have the same separator, so the rest of the long list is scanned.
    scan.mockClear()
    await expectSame(Buffer.from(bytes.toString().replaceAll('"a"', '"id"')), 200)
    expect(scan.mock.calls.length).toBeGreaterThan(100)
  } finally {
    scan.mockRestore()
  }
})

it('refuses what is no UTF-8', async () => {
  const before = '[{"a":1111111},{"a":"'
  for (const wrong of [[0x80], [0xc3], [0xed, 0xa0, 0x80], [0xff], [0xe2, 0x82]]) {
    const bytes = Buffer.concat([Buffer.from(before), Buffer.from(wrong), Buffer.from('"},{"a":1},{"a":1111111}]')])
    for (let at = before.length; at < before.length + 5; at++) await expectSame(bytes, 3, cutAt(bytes, [at]))
    expect(parseJson(bytes).ok).toBe(false)
  }
})

it('has the same limit of depth', async () => {
  for (const depth of [MAX_DEPTH - 2, MAX_DEPTH - 1]) {
    const bytes = Buffer.from(`[{"a":1},{"a":${'['.repeat(depth)}${']'.repeat(depth)}},{"a":1},{"a":1}]`)
    await expectSame(bytes, 8)
    expect(parseJson(bytes).ok).toBe(depth === MAX_DEPTH - 2)
  }
})

it('has the same limit of the number of values', async () => {
  // Counts as eight values: four opening brackets, three commas between them, and the comma after the entry.
  const entry = '{"a":{},"b":[[1,2],0]},'
  const count = Math.floor((MAX_VALUES - 2) / 8)
  for (const more of [0, 1]) {
    const result = await inSlices(Buffer.from(`[${entry.repeat(count + more)}0]`))
    expect(result).toMatchObject(more === 0 ? { ok: true } : { ok: false, reason: TOO_MANY_VALUES })
  }
})

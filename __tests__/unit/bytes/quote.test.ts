/** Values from requests in log lines: on a single line, without control characters, and truncated. */
import { quote, quoteJson } from '../../../lib/bytes/quote'

it.each([
  ['plain', '"plain"'],
  ['', '""'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['a\r\nb\tc', '"a\\r\\nb\\tc"'],
  ['\u001b[31m', '"\\u001b[31m"'],
  ['a\u007fb\u009b31m', '"a\\u007fb\\u009b31m"'],
  ['a\u2028b\u2029c', '"a\\u2028b\\u2029c"'],
  ['\u202eabc\u2066d\u200f', '"\\u202eabc\\u2066d\\u200f"'],
  ['Größe €', '"Größe €"'],
])('%p is written %s', (value, expected) => {
  expect(quote(value)).toBe(expected)
})

it('JSON too', () => {
  expect(quoteJson([{ '\u202ea\u009b': '\u2028\n' }])).toBe('[{"\\u202ea\\u009b":"\\u2028\\n"}]')
})

it('cuts after 100 characters', () => {
  expect(quote('x'.repeat(100))).toBe(`"${'x'.repeat(100)}"`)
  expect(quote('x'.repeat(101))).toBe(`"${'x'.repeat(100)}…"`)
  expect(quote('\u0000'.repeat(100_000)).length).toBeLessThan(700)
})

it('cuts in the middle of a pair without breaking the line', () => {
  expect(quote('😀'.repeat(60).slice(1))).toMatch(/^"[^\n\r]*"$/)
})

/**
 * A filter in front of a Map: it may let a key through in vain, and never holds one back.
 */
import { hashOf, KeyFilter } from '../../../../lib/deliver/dedupe/key-filter'
import { sha256 } from '../../../../lib/bytes/sha256'

const keys = (count: number, word: string) =>
  Array.from({ length: count }, (_, i) => `name:order:${sha256(`${word} ${i}`)}`)

function filled(size: number, added: string[]): KeyFilter {
  const filter = new KeyFilter(size)
  for (const key of added) filter.add(hashOf(key))
  return filter
}

it.each([1, 10, 1000, Number.MAX_SAFE_INTEGER])('made for %i keys it lets through each that was added', (size) => {
  const added = [...keys(1000, 'a'), '', 'x', '\u{1f69a}', 'short']
  const filter = filled(size, added)
  expect(added.filter((key) => !filter.mayHold(hashOf(key)))).toEqual([])
})

it('holds back nearly all others', () => {
  const filter = filled(1000, keys(1000, 'a'))
  const through = keys(1000, 'b').filter((key) => filter.mayHold(hashOf(key)))
  expect(through.length).toBeLessThan(150)
})

it('holds back all once it was cleared', () => {
  const added = keys(100, 'a')
  const filter = filled(100, added)
  filter.clear()
  expect(added.filter((key) => filter.mayHold(hashOf(key)))).toEqual([])
})

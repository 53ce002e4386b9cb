/** A map of bounded size forgets only the keys that were set longest ago. */
import fc from 'fast-check'
import { BoundedMap } from '../../../lib/bytes/bounded-map'

const keysIn = (map: BoundedMap<number>, keys: string[]) => keys.filter((key) => map.get(key) !== undefined)
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `key ${i}`)

it('gets what was set last', () => {
  const map = new BoundedMap<number>(10)
  expect(map.get('a')).toBeUndefined()
  map.set('a', 1)
  map.set('a', 2)
  expect(map.get('a')).toBe(2)
})

it('keeps falsy values', () => {
  const map = new BoundedMap<unknown>(4)
  for (const value of [0, '', false]) {
    map.set('a', value)
    expect(map.get('a')).toBe(value)
  }
})

it('a value that was set again wins over its older one, also after a change of generations', () => {
  const map = new BoundedMap<number>(4)
  map.set('a', 1)
  map.set('b', 1)
  map.set('a', 2)
  expect(map.get('a')).toBe(2)
  map.set('c', 1)
  expect(map.get('a')).toBe(2)
})

it('deletes from both generations', () => {
  const map = new BoundedMap<number>(4)
  map.set('a', 1)
  map.set('b', 1)
  map.set('a', 2)
  map.delete('a')
  expect(map.get('a')).toBeUndefined()
  expect(map.get('b')).toBe(1)
  map.delete('b')
  map.delete('never there')
  expect(map.get('b')).toBeUndefined()
})

it.each([
  [10, 5, 10],
  [4, 2, 4],
  [3, 1, 3],
  [2, 1, 2],
  [1, 1, 1],
])('with a size of %i keeps at least %i of the newest and at most %i', (max, least, most) => {
  const map = new BoundedMap<number>(max)
  const keys = numbered(50)
  keys.forEach((key, i) => {
    map.set(key, i)
    const kept = keysIn(map, keys)
    expect(kept.length).toBeLessThanOrEqual(most)
    expect(kept.slice(-least)).toEqual(keys.slice(Math.max(0, i + 1 - least), i + 1))
  })
})

it('a key that is set repeatedly evicts no other key', () => {
  const map = new BoundedMap<number>(10)
  const keys = numbered(4)
  keys.forEach((key, i) => map.set(key, i))
  for (let i = 0; i < 100; i++) map.set(keys[0]!, i)
  expect(keysIn(map, keys)).toEqual(keys)
})

it('never holds a value that was not the last one set, whatever is done', () => {
  const operation = fc.tuple(fc.constantFrom('set', 'delete'), fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat())
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(operation, { maxLength: 60 }), (max, operations) => {
      const map = new BoundedMap<number>(max)
      const all = new Map<string, number>()
      for (const [what, key, value] of operations) {
        if (what === 'set') {
          map.set(key, value)
          all.set(key, value)
          expect(map.get(key)).toBe(value)
        } else {
          map.delete(key)
          all.delete(key)
          expect(map.get(key)).toBeUndefined()
        }
        for (const known of 'abcde') expect([undefined, all.get(known)]).toContain(map.get(known))
      }
    }),
  )
})

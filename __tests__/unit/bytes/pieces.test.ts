/** The pieces of a body: the bytes stay the same, and take little more memory than their size. */
import fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Pieces } from '../../../lib/bytes/pieces'
import { Turns } from '../../../lib/bytes/turns'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('gives back the bytes as they came, whatever the sizes', () => {
  const sizes = fc.array(fc.oneof(fc.nat(3), fc.nat(1_100), fc.nat(70_000)), { maxLength: 40 })
  fc.assert(
    fc.property(sizes, fc.nat(255), (lengths, seed) => {
      const given = lengths.map((length, i) => Buffer.alloc(length, (seed + i) % 256))
      const whole = Buffer.concat(given)
      const pieces = new Pieces()
      for (const piece of given) {
        // Pieces of odd length are views into a larger buffer, like the pieces from Node's parser.
        const slab = Buffer.alloc(piece.length * (piece.length % 2 === 0 ? 1 : 6))
        piece.copy(slab)
        pieces.add(slab.subarray(0, piece.length))
      }
      expect(pieces.size).toBe(whole.length)
      expect(Buffer.concat(pieces.all).equals(whole)).toBe(true)
      expect(pieces.whole.equals(whole)).toBe(true)
      expect(pieces.all).toHaveLength(1)
    }),
  )
})

test('one piece is not copied', () => {
  const piece = Buffer.alloc(3_000, 'x')
  const pieces = new Pieces()
  pieces.add(piece)
  expect(pieces.whole).toBe(piece)
})

test('several are copied together once, and only for who asks for all in one', () => {
  const given = [Buffer.alloc(3_000, 'x'), Buffer.alloc(4_000, 'y')]
  const pieces = new Pieces()
  for (const piece of given) pieces.add(piece)
  expect(pieces.all).toEqual(given)
  expect(pieces.all[0]).toBe(given[0])
  const { whole } = pieces
  expect(whole.equals(Buffer.concat(given))).toBe(true)
  expect(pieces.whole).toBe(whole)
  expect(pieces.all).toEqual([whole])
})

test('puts the bytes together in steps, between which other work runs', async () => {
  const given = [Buffer.alloc(3_000, 'x'), Buffer.alloc(4_000, 'y'), Buffer.alloc(5_000, 'z')]
  const pieces = new Pieces()
  for (const piece of given) pieces.add(piece)
  const others = new Turns(0)
  const next = jest.spyOn(others, 'next')
  const joined = await pieces.join(others)
  expect(next).toHaveBeenCalledTimes(3)
  expect(joined.equals(Buffer.concat(given))).toBe(true)
  expect(pieces.whole).toBe(joined)
  expect(await pieces.join()).toBe(joined)
})

test('a small piece of much memory does not keep it', () => {
  const pieces = new Pieces()
  pieces.add(Buffer.alloc(65_536).subarray(0, 2_000))
  expect(pieces.whole.buffer.byteLength).toBeLessThan(10_000)
})

test('the rest of a body does not keep the room that it was gathered in', () => {
  const held = (pieces: Pieces) => new Set(pieces.all.map((piece) => piece.buffer)).size
  const pieces = new Pieces()
  for (const length of [30_000, 1]) pieces.add(Buffer.alloc(length, 'x'))
  const { all } = pieces
  expect(held(pieces)).toBe(2)
  expect(all.reduce((sum, piece) => sum + piece.buffer.byteLength, 0)).toBe(30_001)
  expect(Buffer.concat(all).equals(Buffer.alloc(30_001, 'x'))).toBe(true)
})

test('a million pieces of one byte take a few times their bytes', () => {
  const pieces = new Pieces()
  collectGarbage()
  const before = process.memoryUsage()
  for (let i = 0; i < 1_000_000; i++) pieces.add(Buffer.from([i % 256]))
  collectGarbage()
  const after = process.memoryUsage()
  // With one Buffer per byte, this body would need many times as much.
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(20_000_000)
  const joined = pieces.whole
  expect(joined.length).toBe(1_000_000)
  expect([joined[0], joined[255], joined[256], joined[999_999]]).toEqual([0, 255, 0, 63])
})

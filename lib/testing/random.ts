/**
 * Returns a function that returns numbers from 0 up to, but not including, 1. The same `seed` and `stream` give the
 * same numbers; streams of one seed are independent.
 */
export function createRandom(seed: number, stream = 0): () => number {
  // The Mulberry32 generator. The multiplications keep the sequences of neighbouring seeds apart.
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

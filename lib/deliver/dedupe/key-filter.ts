const BITS_A_KEY = 16
/** Above that the filter would take more memory than it is worth. */
const MOST_KEYS = 1_000_000

/**
 * Tells of most keys that they are not in a large Map, without a look into it: a key that is not there costs several misses of
 * the processor's cache, for its place and for those that happen to share it. A Bloom filter with one hash.
 */
export class KeyFilter {
  readonly #bits: Int32Array
  readonly #mask: number

  /** `keys`: how many are added at most. With more it tells of fewer, and is never wrong. */
  constructor(keys: number) {
    const bits = Math.max(32, 2 ** Math.ceil(Math.log2(Math.min(keys, MOST_KEYS) * BITS_A_KEY)))
    this.#bits = new Int32Array(bits / 32)
    this.#mask = bits - 1
  }

  add(hash: number): void {
    const bit = hash & this.#mask
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << bit)
  }

  /** False for a key that was not added. */
  mayHold(hash: number): boolean {
    const bit = hash & this.#mask
    return ((this.#bits[bit >>> 5] ?? 0) & (1 << bit)) !== 0
  }

  clear(): void {
    this.#bits.fill(0)
  }
}

/** Of the last eight letters alone: those of a digest differ most. */
export function hashOf(key: string): number {
  let hash = 0
  for (let i = Math.max(0, key.length - 8); i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x5bd1e995)
  return hash ^ (hash >>> 15)
}

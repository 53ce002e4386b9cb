/**
 * A map of bounded size that forgets the keys that were set longest ago. It consists of two generations, because
 * evicting one key at a time from a large Map is a hundred times slower.
 */
export class BoundedMap<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  readonly #half: number

  /** Contains at most `max` keys, and at least the last `max / 2` that were set. */
  constructor(max: number) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key)
  }

  get(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: V): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
}

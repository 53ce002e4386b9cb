/**
 * Caches a fact from the database for one second. Only the fact about the webhook that was asked for last is cached.
 */
const KNOWN_FOR_MS = 1_000

export class Known<T> {
  readonly #ask: (name: string) => Promise<T>
  #last: { name: string; answer: Promise<T>; askedAt: number } | undefined

  constructor(ask: (name: string) => Promise<T>) {
    this.#ask = ask
  }

  of(name: string): Promise<T> {
    const now = performance.now()
    if (this.#last?.name !== name || now - this.#last.askedAt > KNOWN_FOR_MS)
      this.#last = { name, askedAt: now, answer: this.#ask(name) }
    return this.#last.answer
  }
}

/**
 * Recognises `Authorization` headers in the form that most senders use, in a quarter of the time that hashing takes:
 * about 1 µs less for each request. Any other form, such as a scheme in lower case, is left to the hashes. Keeps the
 * secrets in memory unhashed.
 */
import { timingSafeEqual } from 'node:crypto'

/** All shorter secrets are padded to this length, so that the duration does not reveal their length. */
const LEAST_BYTES = 256

export class UsualHeaders {
  readonly #expected: ReadonlyArray<{ header: string; bytes: Buffer }>
  readonly #presented: Buffer

  constructor(headers: readonly string[]) {
    const size = Math.max(LEAST_BYTES, ...headers.map((header) => header.length))
    this.#presented = Buffer.alloc(size)
    this.#expected = headers.map((header) => {
      const bytes = Buffer.alloc(size)
      bytes.write(header, 'latin1')
      return { header, bytes }
    })
  }

  include(header: string | undefined): boolean {
    if (header === undefined || this.#expected.length === 0) return false
    const presented = this.#presented
    presented.fill(0, presented.write(header, 'latin1'))
    let found = false
    // The loop does not end early, because the duration must not reveal which secret matched.
    for (const expected of this.#expected) {
      // The texts are compared too, because a longer header, or one with characters outside Latin-1, may have the same
      // bytes.
      if (timingSafeEqual(presented, expected.bytes) && header === expected.header) found = true
    }
    return found
  }
}

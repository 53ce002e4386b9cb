/**
 * Values that are derived from a seed and a list of names. They are independent of each other: the price of line 7 is
 * the same in an order of 10 or 500 lines. They are derived with SHA-256, so that all versions of Node give the same
 * values.
 */
import { createHash } from 'node:crypto'

type Name = string | number

export class Seeded {
  constructor(readonly seed: number) {}

  /** A value in the form of a random UUID (version 4), like the IDs of Tradecloud. */
  uuid(...names: Name[]): string {
    const hex = this.digest(names).toString('hex')
    const variant = ((parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
    const tail = `${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${tail}`
  }

  /** A whole number from `from` to `to`, both included. */
  number(from: number, to: number, ...names: Name[]): number {
    return from + (this.digest(names).readUInt32BE() % (to - from + 1))
  }

  private digest(names: Name[]): Buffer {
    // The names are hashed as JSON, so that two different lists of names never give the same text.
    return createHash('sha256')
      .update(JSON.stringify([this.seed, ...names]))
      .digest()
  }
}

/**
 * Values that follow from a seed and from what they are for. Each stands on its own: the price of line 7 is the same
 * whether 10 lines are built or 500. SHA-256 makes them, so no version of Node gives others.
 */
import { createHash } from 'node:crypto'

type Name = string | number

export class Seeded {
  constructor(readonly seed: number) {}

  /** Of the form of a random UUID (version 4), as those of Tradecloud are. */
  uuid(...names: Name[]): string {
    const hex = this.digest(names).toString('hex')
    const variant = ((parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
    const tail = `${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${tail}`
  }

  /** A whole number, both ends included. */
  number(from: number, to: number, ...names: Name[]): number {
    return from + (this.digest(names).readUInt32BE() % (to - from + 1))
  }

  private digest(names: Name[]): Buffer {
    // As JSON, so that no two lists of names run into the same text.
    return createHash('sha256')
      .update(JSON.stringify([this.seed, ...names]))
      .digest()
  }
}

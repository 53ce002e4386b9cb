/** Detects whether a list begins with the oldest change, and reads the ID of an entity that may be damaged. */
import { isObject } from '../events/entity'

/** The list counts as sorted from the oldest change once the time has risen this often, and has never fallen. */
const ENOUGH_RISES = 10

export class ListOrder {
  #rises = 0
  #falls = 0
  #last = -Infinity

  get isAscending(): boolean {
    return this.#falls === 0 && this.#rises >= ENOUGH_RISES
  }

  look(time: number): void {
    if (time > this.#last) this.#rises++
    else if (time !== this.#last) this.#falls++
    this.#last = time
  }
}

/** The ID of an entity that may be damaged. */
export function idIn(entity: unknown): string | undefined {
  if (!isObject(entity)) return undefined
  const { id, orderId } = entity
  return typeof id === 'string' ? id : typeof orderId === 'string' ? orderId : undefined
}

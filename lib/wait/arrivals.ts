/**
 * Keeps the order in which things arrived while some of them take long to read: what arrives later for the same key waits
 * until they have been handed on, and so does everything as long as their key is not known.
 */
export class Arrivals {
  readonly #open = new Set<Arrival>()

  /** Nothing takes long at the moment. */
  get isEmpty(): boolean {
    return this.#open.size === 0
  }

  begin(key?: string): Arrival {
    const arrival = new Arrival(() => this.#open.delete(arrival))
    arrival.key = key
    this.#open.add(arrival)
    return arrival
  }

  /** Resolves once nothing that arrived before has, or may have, the same key. */
  async turnOf(arrival: Arrival): Promise<void> {
    for (let earlier = this.#before(arrival); earlier; earlier = this.#before(arrival)) await earlier.gone
  }

  #before(arrival: Arrival): Arrival | undefined {
    for (const earlier of this.#open) {
      if (earlier === arrival) return undefined
      if (earlier.key === undefined || earlier.key === arrival.key) return earlier
    }
    return undefined
  }
}

export class Arrival {
  key: string | undefined
  /** Resolves once it was handed on or given up. */
  readonly gone: Promise<void>
  readonly leave: () => void

  constructor(onLeave: () => void) {
    let resolve = (): void => undefined
    this.gone = new Promise((settle) => (resolve = settle))
    this.leave = () => {
      onLeave()
      resolve()
    }
  }
}

/**
 * Keeps events in their order of arrival although some bodies take long to read. An event waits for each earlier event
 * that has the same key, or whose key is not known yet.
 */
export class ArrivalOrder {
  /**
   * In order of arrival: the places of events whose bodies are being read in slices, and of events that arrived while
   * these bodies were read.
   */
  readonly open = new Set<ArrivalPlace>()

  begin(key?: string): ArrivalPlace {
    const arrival = new ArrivalPlace(() => this.open.delete(arrival))
    arrival.key = key
    this.open.add(arrival)
    return arrival
  }

  /** Resolves once each earlier event has left, or is known to have another key than `arrival`. */
  async turnOf(arrival: ArrivalPlace): Promise<void> {
    for (let earlier = this.#before(arrival); earlier; earlier = this.#before(arrival)) await earlier.changed()
  }

  #before(arrival: ArrivalPlace): ArrivalPlace | undefined {
    for (const earlier of this.open) {
      if (earlier === arrival) return undefined
      if (earlier.key === undefined || earlier.key === arrival.key) return earlier
    }
    return undefined
  }
}

export class ArrivalPlace {
  readonly leave: () => void
  #key: string | undefined
  #waiting: (() => void)[] = []

  constructor(onLeave: () => void) {
    this.leave = () => {
      onLeave()
      this.#wake()
    }
  }

  get key(): string | undefined {
    return this.#key
  }

  set key(key: string | undefined) {
    this.#key = key
    this.#wake()
  }

  /** Resolves when the key is set, or when `leave` is called. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

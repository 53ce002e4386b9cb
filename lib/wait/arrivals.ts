/**
 * Keeps the order of arrival while some bodies take long to read. Later events with the same key wait until earlier
 * ones have been passed on, and all events wait for an earlier one whose key is not known yet.
 */
export class ArrivalOrder {
  /** The bodies that are being read, in order of arrival. Empty unless a body is read in slices. */
  readonly open = new Set<ArrivalPlace>()

  begin(key?: string): ArrivalPlace {
    const arrival = new ArrivalPlace(() => this.open.delete(arrival))
    arrival.key = key
    this.open.add(arrival)
    return arrival
  }

  /** Resolves once no earlier event has, or may have, the same key. */
  async turnOf(arrival: ArrivalPlace): Promise<void> {
    for (let earlier = this.#before(arrival); earlier; earlier = this.#before(arrival)) await earlier.gone
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
  key: string | undefined
  /** Resolves once the event was passed on or abandoned. */
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

/** One line for each order or shipment: its events run one after the other, and nobody else waits for them. */
import { startTimer, type Timer } from '../wait/timers'

/** Why the waiting ended. */
export type Turn = 'mine' | 'waited_too_long' | 'abandoned'

/** More waiting for one entity are sent away: Tradecloud brings them again. */
const MAX_WAITING = 8

export class EntityLines {
  readonly #lines = new Map<string, Place[]>()
  readonly #waitMs: number

  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  /** Takes a place at the end of the line, at once, so that the order of arrival holds. `undefined`: the line is full. */
  enter(entity: string): Place | undefined {
    let line = this.#lines.get(entity)
    if (line === undefined) this.#lines.set(entity, (line = []))
    if (line.length > MAX_WAITING) return undefined
    const place = new Place(this.#waitMs, (left) => this.#leave(entity, left))
    line.push(place)
    if (line.length === 1) place.wake('mine')
    return place
  }

  #leave(entity: string, place: Place): void {
    const line = this.#lines.get(entity) ?? []
    const at = line.indexOf(place)
    if (at < 0) return
    line.splice(at, 1)
    if (line.length === 0) this.#lines.delete(entity)
    else if (at === 0) line[0]?.wake('mine')
  }
}

export class Place {
  readonly #leave: (place: Place) => void
  readonly #waitMs: number
  readonly #enteredAt = performance.now()
  #turn: Turn | undefined
  #resolve: ((turn: Turn) => void) | undefined
  #timer: Timer | undefined

  constructor(waitMs: number, leave: (place: Place) => void) {
    this.#waitMs = waitMs
    this.#leave = leave
  }

  /** At once at the head of the line; else resolves when all before it have left, or with the reason why it does not come to that. */
  turn(): Turn | Promise<Turn> {
    if (this.#turn !== undefined) return this.#turn
    const left = Math.max(0, this.#waitMs - (performance.now() - this.#enteredAt))
    this.#timer = startTimer(() => this.wake('waited_too_long'), left)
    return new Promise((resolve) => (this.#resolve = resolve))
  }

  wake(turn: Turn): void {
    if (this.#turn !== undefined) return
    this.#turn = turn
    clearTimeout(this.#timer)
    this.#resolve?.(turn)
  }

  leave(): void {
    clearTimeout(this.#timer)
    this.#leave(this)
  }
}

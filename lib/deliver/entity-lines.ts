/** One queue per order or shipment: its events run one after another, and events of others do not wait for them. */
import { startTimer, type Timer } from '../wait/timers'

/** How the wait for a turn ended. */
export type Turn = 'mine' | 'waited_too_long' | 'abandoned'

/** Further events of one entity are answered 503, and Tradecloud retries them. */
const MAX_WAITING = 8

export class EntityLines {
  readonly #lines = new Map<string, Place[]>()
  readonly #waitMs: number

  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  /**
   * Adds an event to the end of the queue, synchronously to keep the order of arrival. Returns `undefined` if the queue
   * is full.
   */
  enter(entity: string): Place | undefined {
    let line = this.#lines.get(entity)
    if (line === undefined) this.#lines.set(entity, (line = []))
    if (line.length > MAX_WAITING) return undefined
    const place = new Place(this.#lines, entity, this.#waitMs, line.length === 0)
    line.push(place)
    return place
  }
}

export class Place {
  readonly #lines: Map<string, Place[]>
  readonly #entity: string
  readonly #waitMs: number
  readonly #enteredAt = performance.now()
  #turn: Turn | undefined
  #resolve: ((turn: Turn) => void) | undefined
  #timer: Timer | undefined

  constructor(lines: Map<string, Place[]>, entity: string, waitMs: number, isFirst: boolean) {
    this.#lines = lines
    this.#entity = entity
    this.#waitMs = waitMs
    if (isFirst) this.#turn = 'mine'
  }

  /**
   * Resolves with `'mine'` once all earlier events have left (at once if there are none), or with the reason why the
   * wait ended.
   */
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
    const line = this.#lines.get(this.#entity) ?? []
    const at = line.indexOf(this)
    if (at < 0) return
    line.splice(at, 1)
    if (line.length === 0) this.#lines.delete(this.#entity)
    else if (at === 0) line[0]?.wake('mine')
  }
}

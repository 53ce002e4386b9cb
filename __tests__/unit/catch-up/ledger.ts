/** Records which states of each part of each order and shipment the callbacks have received. */
import { lineParts, type EntitySnapshot, type Part } from '../../../lib/inbox/catch-up/parts'
import type { WebhookEvent } from '../../../lib/events/events'

interface Given {
  time: number
  hash: string
}

export class Ledger {
  /**
   * For each part: `last` is the last state that a callback received, and `given` contains all states that callbacks
   * received.
   */
  readonly last = new Map<string, Given>()
  readonly given = new Map<string, Given[]>()
  /** Keys of parts for which the catch-up delivered an older state after a newer one, with `outdated` false. */
  readonly backwards: string[] = []

  /** Records an event from a webhook. */
  delivered(event: WebhookEvent): void {
    if (event.kind === 'orderDocuments' || event.kind === 'unknown') return
    const key = event.kind === 'order' ? `order ${event.orderId}` : `shipment ${event.shipmentId}`
    this.#note(`${key} `, { time: Date.parse(event.lastUpdatedAt ?? ''), hash: '' }, true)
    if (event.kind !== 'order' || event.completeness === 'id-only') return
    for (const { name, time = 0, hash } of lineParts(event.affectedLines ?? event.order.lines ?? []))
      this.#note(`${key} ${name}`, { time, hash }, true)
  }

  /** Records an event that the catch-up found. */
  found(
    { kind, id, time: changedAt }: Pick<EntitySnapshot, 'kind' | 'id' | 'time'>,
    parts: readonly Part[],
    outdated: boolean,
  ): void {
    for (const { name, time = changedAt, hash } of parts) this.#note(`${kind} ${id} ${name}`, { time, hash }, outdated)
    this.#note(`${kind} ${id} `, { time: changedAt, hash: '' }, true)
  }

  #note(key: string, state: Given, mayBeOlder: boolean): void {
    if (!mayBeOlder && state.time < (this.last.get(key)?.time ?? -Infinity)) this.backwards.push(key)
    this.last.set(key, state)
    this.given.set(key, [...(this.given.get(key) ?? []), state])
  }
}

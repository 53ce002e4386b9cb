/** Converts taken events to deliveries, and records their settlements in the database. */
import { backOffMs } from '../../wait/back-off'
import { within } from '../../wait/within'
import { TradecloudWebhookError } from '../../errors/errors'
import { sha256 } from '../../bytes/digest'
import type { Arrival } from '../catch-up/arrivals'
import type { Inbox, InboxDelivery, Settlement } from '../inbox'
import type { InboxParts, TransactionWork } from './engine'
import type { Member } from './member'
import type { OwnedQueue } from './processes'
import type { SettleRequest } from './settle'
import { PART_BYTES } from './tables'
import type { Taken } from './take'

/** The delay of the first retry after a body could not be read. */
const RETRY_READ_MS = 1_000

export class Deliveries {
  readonly #shared: InboxParts
  /** Deliveries that `take` has returned and that are not settled yet. */
  readonly #taken = new Map<InboxDelivery, Taken & { owner: string }>()
  /** Running calls of `take`, by their token. */
  readonly #running = new Map<number, Promise<unknown>>()
  #token = 0

  constructor(shared: InboxParts) {
    this.#shared = shared
  }

  take(member: Member, options: { limit: number; maxBytes: number }): ReturnType<Inbox['take']> {
    const token = ++this.#token
    const taking = this.#take(member, token, options).finally(() => this.#running.delete(token))
    this.#running.set(token, taking)
    return taking
  }

  async #take(member: Member, token: number, options: { limit: number; maxBytes: number }): ReturnType<Inbox['take']> {
    const owner = await member.takingOwner()
    if (owner === undefined) return { deliveries: [] }
    const { name, wanted, maxDelayMs } = member.host
    const { taken, nextDueInMs } = await this.#shared.engine.run('take', { owner, token, name, wanted, ...options })
    if (this.#shared.closing.aborted) return { deliveries: [] }
    const deliveries = (await Promise.all(taken.map((one) => this.#deliveryOf(one, owner, member)))).flat()
    return { deliveries, ...(nextDueInMs !== undefined && { nextDueInMs: Math.min(nextDueInMs, maxDelayMs) }) }
  }

  /** Resolves once no call of `take` is running. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }

  /**
   * True if the queue belongs to a delivery or to a running call of `take`. It belongs to neither, for example, if the
   * result of `take` was lost: a frozen database may execute the call after its time limit.
   */
  isOpen({ queue, token }: OwnedQueue): boolean {
    if (this.#running.has(token)) return true
    return [...this.#taken.values()].some((taken) => taken.queue === queue && taken.token === token)
  }

  async settle(delivery: InboxDelivery, settlement: Settlement, arrival?: Arrival): Promise<boolean> {
    return this.#end(delivery, settlement, arrival, (request) => this.#shared.engine.run('settle', request))
  }

  /**
   * A transaction that exceeds the time limit is rolled back and its connection is closed, so that other work can get a
   * connection. The returned promise still waits until `work` ends, so that later events of the same order wait too.
   */
  async settleWith(
    delivery: InboxDelivery,
    work: TransactionWork,
    limitMs: number | undefined,
    arrival?: Arrival,
  ): Promise<boolean> {
    let ended: Promise<unknown> = Promise.resolve()
    const limited: TransactionWork = (client) => {
      const working = work(client)
      ended = working.catch(() => undefined)
      return limitMs === undefined ? working : within(limitMs, working, () => this.#stuck(delivery))
    }
    return this.#end(delivery, { result: 'delivered' }, arrival, async (request) => {
      try {
        return (await this.#shared.engine.settleWith?.(request, limited)) ?? false
      } finally {
        await ended
      }
    })
  }

  #stuck({ event: { id } }: InboxDelivery): never {
    const error = new TradecloudWebhookError(
      'handler_stuck',
      `The callback for event ${id} exceeded handlerTimeoutMs: its transaction was rolled back and its connection closed. The other events of its order wait until it ends.`,
    )
    this.#shared.alarms.raise(error)
    throw error
  }

  /** The first `size` bytes of a body. `undefined` if a part is missing or damaged. */
  async bodyOf(event: number, size: number): Promise<Buffer | undefined> {
    const body = Buffer.alloc(size)
    for (let part = 0; part * PART_BYTES < size; part++) {
      const data = await this.#shared.engine.run('readPart', { event, part })
      if (!data) return undefined
      body.set(data.subarray(0, size - part * PART_BYTES), part * PART_BYTES)
    }
    return body
  }

  /**
   * Returns no delivery if the body cannot be read now, or is not the body that was received. In the first case the
   * event is tried later, in the second it is quarantined.
   */
  async #deliveryOf({ bytes: small, ...taken }: Taken, owner: string, member: Member): Promise<InboxDelivery[]> {
    const { event, stored, size, attempt, firstAttempt, replay } = taken
    const reading = small
      ? Promise.resolve(Buffer.from(small.buffer, small.byteOffset, small.byteLength))
      : this.bodyOf(event, size)
    const [read] = await Promise.allSettled([reading])
    const bytes = read.status === 'fulfilled' ? read.value : undefined
    const delivery: InboxDelivery = {
      ...{ event: stored, bytes: bytes ?? Buffer.alloc(0), attempt, firstAttemptAt: new Date(firstAttempt), replay },
      isOwned: () => !this.#shared.closing.aborted && member.owns(owner),
    }
    this.#taken.set(delivery, { ...taken, owner })
    if (read.status === 'rejected') {
      this.#shared.alarms.failed('reading bodies', read.reason)
      const delayMs = backOffMs(attempt, { firstMs: RETRY_READ_MS, maxMs: member.host.maxDelayMs })
      const reason = `The stored body could not be read: ${String(read.reason)}`
      await this.#turnDown(delivery, { result: 'retry', delayMs, outcome: 'unavailable', reason })
      return []
    }
    if (!small && size > 0) this.#shared.alarms.worked('reading bodies')
    if (bytes && isIntact(bytes, stored.digest)) return [delivery]
    const reason = `The stored body of event ${stored.id} is damaged: it is not the one that was received.`
    if (await this.#turnDown(delivery, { result: 'quarantined', outcome: 'damaged', reason }))
      this.#shared.alarms.warn(
        `${reason} It was put into quarantine; restore it from a backup, or fetch it from Tradecloud.`,
      )
    return []
  }

  /** Settles an event that is not delivered. If that fails, its queue is freed later. */
  async #turnDown(delivery: InboxDelivery, settlement: Settlement): Promise<boolean> {
    const isSettled = await this.settle(delivery, settlement).catch(() => false)
    this.#taken.delete(delivery)
    return isSettled
  }

  async #end(
    delivery: InboxDelivery,
    settlement: Settlement,
    arrival: Arrival | undefined,
    run: (request: SettleRequest) => Promise<boolean>,
  ): Promise<boolean> {
    const taken = this.#taken.get(delivery)
    if (!taken) return false
    const { owner, queue, token, event, stored } = taken
    const settled = await run({
      ...{ owner, queue, token, event, settlement, keep: this.#shared.options.keepDelivered !== false },
      arrival: arrival && { name: stored.name, arrival, fetched: stored.trigger === 'id' },
    })
    this.#taken.delete(delivery)
    return settled
  }
}

/** Compares the digest of a small body; for a large body that would take too long. */
function isIntact(bytes: Buffer, digest: string): boolean {
  return bytes.length === 0 || bytes.length > PART_BYTES || sha256(bytes) === digest
}

/** Stores events in batches. The events of one queue are stored in order of arrival. */
import { Slots } from '../../wait/queues'
import type { Accepted } from '../inbox'
import { accept, type AcceptRequest } from '../sql/accept'
import { queueKeyOf } from '../sql/names'
import { acceptBatch, isPlain } from './accept-batch'
import type { Connections } from './connections'

const AT_ONCE = 100
/**
 * How long a batch waits for the lock of a queue. After that, the events of the batch are stored one by one, so that
 * the locked queue delays only its own events.
 */
const BATCH_LOCK_MS = 500
const LOCKED = '55P03'

interface Waiting {
  request: AcceptRequest
  deadline: number
  /**
   * True for an event that must be stored alone: a GET trigger, a `repeatable` event, a large body, or an event that a
   * batch could not store. A batch stores no duplicates. It stores nothing if one of its queues is locked.
   */
  isSingle: boolean
  resolve: (accepted: Accepted) => void
  reject: (error: unknown) => void
}

interface StoringOptions {
  /** Slots of the connections for deliveries. A second batch and events that are stored alone use them too. */
  delivering: Slots
  /**
   * How many events are stored alone (`isSingle`) at the same time. The limit leaves connections for other work if the
   * queues of these events are locked.
   */
  singles: number
  /** Rejects if there is no room for these bytes. */
  reserve: (bytes: number) => Promise<void>
  stored: () => void
}

export class Storing {
  readonly #connections: Connections
  readonly #options: StoringOptions
  readonly #singles: Slots
  #waiting: Waiting[] = []
  #batches = 0
  /** Queues whose further events have to wait, because an earlier event of the queue is waiting or being stored. */
  readonly #busy = new Set<string>()

  constructor(connections: Connections, options: StoringOptions) {
    this.#connections = connections
    this.#options = options
    this.#singles = new Slots(options.singles)
  }

  accept(request: AcceptRequest, deadline: number): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, deadline, isSingle: !isPlain(request), resolve, reject })
      this.#start()
    })
  }

  /** Starts a batch. While one batch is being stored, starts a second one if deliveries leave a connection for it. */
  #start(): void {
    const { delivering } = this.#options
    if (this.#waiting.length === 0) return
    if (this.#batches === 0) void this.#storeWaiting()
    else if (this.#batches === 1 && delivering.tryTake()) void this.#storeWaiting().then(() => delivering.give())
  }

  /** Never rejects. */
  async #storeWaiting(): Promise<void> {
    this.#batches++
    // Waits for one microtask, so that this batch also includes requests from code that is already queued to run.
    await Promise.resolve()
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) {
      try {
        await this.#storeBatch(batch)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
      for (const { request } of batch) this.#busy.delete(queueKeyOf(request.event))
    }
    this.#batches--
  }

  /** Starts to store the events that must be stored alone (`isSingle`), and returns a batch of the other events. */
  #next(): Waiting[] {
    const batch: Waiting[] = []
    const keys = new Set<string>()
    const ids = new Set<string>()
    this.#waiting = this.#waiting.filter((one) => {
      const { event } = one.request
      const key = queueKeyOf(event)
      if (this.#busy.has(key) || batch.length === AT_ONCE) return true
      if (one.isSingle ? keys.has(key) : ids.has(event.id)) {
        // Once one event of a queue waits, later events of that queue wait too, to keep their order.
        this.#busy.add(key)
        return true
      }
      if (one.isSingle) void this.#storeAlone(one, key)
      else {
        batch.push(one)
        keys.add(key)
        ids.add(event.id)
      }
      return false
    })
    for (const key of keys) this.#busy.add(key)
    return batch
  }

  async #storeBatch(batch: Waiting[]): Promise<void> {
    const requests = batch.map(({ request }) => request)
    await this.#options.reserve(requests.reduce((sum, { size }) => sum + size, 0))
    const storing = this.#connections.transact((tables) => acceptBatch(tables, requests), {
      lockTimeoutMs: BATCH_LOCK_MS,
    })
    const stored = await storing.catch(lockedAsUndefined)
    const left = batch.filter(({ request, resolve }) => {
      const accepted = stored?.get(request.event.id)
      if (accepted) resolve(accepted)
      return !accepted
    })
    this.#waiting.unshift(...left.map((one) => ({ ...one, isSingle: true })))
    this.#options.stored()
  }

  /** Never rejects. */
  async #storeAlone({ request, deadline, resolve, reject }: Waiting, key: string): Promise<void> {
    this.#busy.add(key)
    const storing = () => this.#connections.transact((tables) => accept(tables, request), { deadline })
    try {
      await this.#options.reserve(request.size)
      resolve(await this.#singles.run(() => this.#options.delivering.run(storing)))
      this.#options.stored()
    } catch (error) {
      reject(error)
    }
    this.#busy.delete(key)
    this.#start()
  }
}

function lockedAsUndefined(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== LOCKED) throw error
}

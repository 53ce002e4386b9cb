/**
 * Makes writes safe with WAITAOF, where Redis flushes its file only each second: a write and the wait for it must share a
 * connection, and the wait blocks it. So writes of a short while share one, and the next ones go to another.
 */
import type { Redis } from 'ioredis'
import { unavailable } from '../inbox/unavailable'
import { startTimer } from '../wait/timers'

/** Writes that come within this time share a connection and a wait. */
const GATHER_MS = 100
/** More than are blocked at a time when each waits for a second. */
const MOST_LANES = 16
/** Below the time after which a command fails. Redis itself waits for up to a second, and for the disk. */
const WAIT_MS = 1_500

interface Lane {
  redis: Redis
  ready: Promise<void>
  free: boolean
}

/** Writes that share a wait. */
interface Gathering {
  lane: Lane
  writes: Promise<unknown>[]
  safe: Promise<void>
}

export class Commits {
  readonly #connect: () => Redis
  readonly #fence: string
  readonly #lanes: Lane[] = []
  #open: Gathering | undefined

  /** `fence`: the key that is written so that WAITAOF also covers what others wrote before. */
  constructor(connect: () => Redis, fence: string) {
    this.#connect = connect
    this.#fence = fence
  }

  /** Resolves once all that the write saw and wrote is on disk. */
  async run<T>(write: (redis: Redis) => Promise<T>): Promise<T> {
    const { lane, writes, safe } = (this.#open ??= this.#gather())
    const written = lane.ready.then(() => write(lane.redis))
    written.catch(() => undefined) // told below, once the wait is over
    writes.push(written)
    await safe
    return written
  }

  #gather(): Gathering {
    const lane = this.#lanes.find(({ free }) => free) ?? this.#add()
    lane.free = false
    const writes: Promise<unknown>[] = []
    const safe = this.#close(lane, writes)
    safe.catch(() => undefined) // whoever joined is told
    return { lane, writes, safe }
  }

  #add(): Lane {
    if (this.#lanes.length === MOST_LANES) throw unavailable('Redis is too slow in writing to its disk.')
    const redis = this.#connect()
    const ready = new Promise<void>((resolve) => redis.once('ready', resolve))
    const lane = { redis, ready, free: false }
    this.#lanes.push(lane)
    return lane
  }

  async #close(lane: Lane, writes: Promise<unknown>[]): Promise<void> {
    try {
      await Promise.all([lane.ready, new Promise<void>((resolve) => startTimer(resolve, GATHER_MS, true))])
      if (this.#open?.lane === lane) this.#open = undefined
      // Their replies, not only their turn on the connection: a script that Redis had forgotten is sent once more.
      await Promise.allSettled(writes)
      // What was written before on this connection, and what was read there and written by others, is older than this.
      const [, waited] = await Promise.all([
        lane.redis.incr(this.#fence),
        lane.redis.call('WAITAOF', '1', '0', String(WAIT_MS)),
      ])
      if (!Array.isArray(waited) || Number(waited[0]) < 1)
        throw unavailable('Redis did not write the event to its disk in time.')
    } finally {
      if (this.#open?.lane === lane) this.#open = undefined
      lane.free = true
    }
  }
}

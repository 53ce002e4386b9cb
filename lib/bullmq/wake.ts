/**
 * The BullMQ part: jobs that wake a line, the worker that takes them, and the sweep that wakes lines whose job was lost.
 * A job carries no event: whatever becomes of it, the line is still there.
 */
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { debugBullmq, type Connections } from './connections'
import { within } from '../inbox/unavailable'
import { startInterval, startTimer, type Timer } from '../wait/timers'

export interface WakeOptions {
  connections: Connections
  redis: Redis
  prefix: string
  queueName: string
  leaseMs: number
  sweepIntervalMs: number
  /** Lines that somebody must look at. */
  overdue: (most: number) => Promise<string[]>
}

interface WakeJob {
  line: string
}

const JOB = 'wake'
/** What is done with a job has no value afterwards: the line tells everything. */
const FORGET = { removeOnComplete: true, removeOnFail: true }
/** Lines that one sweep wakes at most. The longest overdue come first, so the others are found once these are done. */
const SWEEP_LINES = 5_000
/** For so many sweeps a line has one job of a sweep at most: else a long backlog would pile them up. */
const SWEEPS_PER_JOB = 20
const RETRY_MS = 250
/** BullMQ may be late by a second with a job that is to wait. Up to here the wait is ours; the sweep knows the line too. */
const SHORT_MS = 1_000
const CLOSE_MS = 500

export class Wake {
  readonly #options: WakeOptions
  readonly #queue: Queue<WakeJob>
  #worker: Worker<WakeJob> | undefined
  readonly #timers = new Set<Timer>()
  #sweeper: Timer | undefined

  constructor(options: WakeOptions) {
    this.#options = options
    this.#queue = new Queue<WakeJob>(options.queueName, {
      connection: options.redis,
      prefix: options.prefix,
      // It would write warnings to the console; the guard looks at the settings.
      skipVersionCheck: true,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: FORGET,
    })
    this.#queue.on('error', (error) => debugBullmq('queue: %s', error.message))
  }

  /** Has somebody look at the line in a while. If that fails, the sweep finds the line. */
  wake(line: string, delayMs = 0): void {
    if (delayMs > 0 && delayMs <= SHORT_MS) return this.#wakeSoon(line, delayMs)
    if (this.#options.redis.status !== 'ready') return
    this.#queue.add(JOB, { line }, { delay: delayMs }).catch(swallow)
  }

  /** `take` resolves when the next line may be taken instead, and never rejects. */
  start(concurrency: number, take: (line: string) => Promise<void>): void {
    const { connections, leaseMs, prefix, queueName, redis, sweepIntervalMs } = this.#options
    this.#worker = new Worker<WakeJob>(queueName, (job) => take(job.data.line), {
      connection: connections.forWorker(),
      prefix,
      concurrency,
      skipVersionCheck: true,
      lockDuration: leaseMs,
      stalledInterval: leaseMs,
      // A job of a process that died is never thrown away.
      maxStalledCount: 1_000_000,
      // 15 s by default: too long after Redis is back.
      runRetryDelay: RETRY_MS,
    })
    this.#worker.on('error', (error) => debugBullmq('worker: %s', error.message))
    this.#sweeper = startInterval(this.#sweep, sweepIntervalMs)
    // Jobs may have been lost while Redis was away.
    redis.on('ready', this.#sweep)
    this.#sweep()
  }

  /** Takes no more lines. */
  stop(): void {
    clearInterval(this.#sweeper)
    this.#options.redis.off('ready', this.#sweep)
    this.#worker?.pause(true).catch(swallow)
  }

  /** Call it once no `take` is pending. Ends all connections, and does not wait for Redis for long. */
  async close(): Promise<void> {
    this.stop()
    for (const timer of this.#timers) clearTimeout(timer)
    const { connections, redis } = this.#options
    // BullMQ ends well on a Redis that answers, or on connections that have failed, and hangs on those in between.
    if (redis.status !== 'ready') connections.close()
    const closing = Promise.all([this.#worker?.close(), this.#queue.close()])
    await within(CLOSE_MS, closing, 'BullMQ does not close').catch(swallow)
    connections.close()
    await within(CLOSE_MS, closing, 'BullMQ does not close').catch(swallow)
  }

  #wakeSoon(line: string, delayMs: number): void {
    const timer = startTimer(() => {
      this.#timers.delete(timer)
      this.wake(line)
    }, delayMs)
    this.#timers.add(timer)
  }

  #sweep = (): void => {
    if (this.#options.redis.status === 'ready') this.#wakeOverdue().catch(swallow)
  }

  async #wakeOverdue(): Promise<void> {
    const lines = await this.#options.overdue(SWEEP_LINES)
    const period = Math.floor(Date.now() / (SWEEPS_PER_JOB * this.#options.sweepIntervalMs))
    const jobs = lines.map((line) => ({ name: JOB, data: { line }, opts: { jobId: jobId(line, period) } }))
    if (jobs.length > 0) await this.#queue.addBulk(jobs)
  }
}

/** BullMQ allows no colon in it. */
function jobId(line: string, period: number): string {
  return `sweep-${period}-${Buffer.from(line).toString('base64url')}`
}

function swallow(error: unknown): void {
  debugBullmq('%s', (error as Error).message)
}

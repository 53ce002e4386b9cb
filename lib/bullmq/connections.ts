/**
 * Makes and ends the connections of one inbox, and knows how they fail: those that take commands at once or within two
 * seconds, the one of the worker never, for it has nothing else to do than to wait for Redis.
 */
import createDebug from 'debug'
import { Redis, type RedisOptions } from 'ioredis'
import { isRedis, type ResolvedBullmqInboxOptions } from './options'
import { SCRIPTS, type ScriptName } from './scripts'

/** Never pass it a connection's options: they hold a password. */
export const debugBullmq = createDebug('tradecloud-webhook:bullmq')

export const COMMAND_TIMEOUT_MS = 1_600
/** After a failure, so that all works again soon after Redis does. */
const RECONNECT_MS = { first: 50, most: 500 }

const SHARED: RedisOptions = {
  lazyConnect: false,
  // Replies in the forms that the inbox and BullMQ know, whatever the user's options say.
  replyMapping: 'legacy',
  stringNumbers: false,
  connectTimeout: COMMAND_TIMEOUT_MS,
  // A socket that has failed does not keep the process alive for longer.
  disconnectTimeout: 500,
  // The defaults double up to 2 s, and those of BullMQ to 20 s.
  retryStrategy: (times) => Math.min(RECONNECT_MS.first * times, RECONNECT_MS.most),
  // Left over from before a failover: connect anew, to the new master.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
}

const COMMANDS: RedisOptions = {
  ...SHARED,
  enableOfflineQueue: false,
  commandTimeout: COMMAND_TIMEOUT_MS,
  // What was under way when the connection broke fails at once, and is not sent again behind its caller's back.
  maxRetriesPerRequest: 0,
  // A connection that is dead without having been closed is given up.
  socketTimeout: 10_000,
}

const WORKER: RedisOptions = {
  ...SHARED,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  // BullMQ blocks for 10 s at most.
  socketTimeout: 15_000,
}

type Argument = string | number | Buffer
type Scripts = Record<`${ScriptName}Buffer`, (base: string, ...args: Argument[]) => Promise<unknown>>

export class Connections {
  /** All keys of the inbox begin with it. */
  readonly base: string
  readonly #connection: ResolvedBullmqInboxOptions['connection']
  readonly #open = new Set<Redis>()

  constructor({ connection, prefix, queueName }: ResolvedBullmqInboxOptions) {
    this.#connection = connection
    this.base = `{${prefix}}:${queueName}:store:`
  }

  /** For the scripts: fails when Redis does not answer within two seconds. */
  forCommands(): Redis {
    const redis = this.#connect(COMMANDS)
    for (const [name, lua] of Object.entries(SCRIPTS)) redis.defineCommand(name, { numberOfKeys: 1, lua })
    return redis
  }

  /** For BullMQ's worker: waits for Redis. BullMQ duplicates it for the command that blocks, and may not end that one. */
  forWorker(): Redis {
    const redis = this.#connect(WORKER)
    const duplicate = redis.duplicate.bind(redis)
    return Object.assign(redis, { duplicate: (options?: RedisOptions): Redis => this.#keep(duplicate(options)) })
  }

  /** Runs a script; its texts come as Buffers. */
  run(redis: Redis, script: ScriptName, ...args: Argument[]): Promise<unknown> {
    return (redis as unknown as Scripts)[`${script}Buffer`](this.base, ...args)
  }

  /** Ends all of them. What is under way or waits in them fails. */
  close(): void {
    for (const redis of this.#open) {
      // Between two attempts to connect, ioredis would forget what waits in it without failing it.
      if (redis.status === 'reconnecting') redis.connect().catch(() => undefined)
      redis.disconnect()
    }
    this.#open.clear()
  }

  #connect(options: RedisOptions): Redis {
    const given = this.#connection
    if (typeof given === 'string') return this.#keep(new Redis(given, options))
    return this.#keep(isRedis(given) ? given.duplicate(options) : new Redis({ ...given, ...options }))
  }

  #keep(redis: Redis): Redis {
    // Without a listener ioredis writes to the console. What failed is told by the commands that fail.
    redis.on('error', (error: Error) => debugBullmq('connection: %s', error.message))
    this.#open.add(redis)
    return redis
  }
}

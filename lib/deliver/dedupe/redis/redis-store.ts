/**
 * A store in Redis, for several processes that receive the same events. Each call is one script, so that it is atomic.
 */
import { randomUUID } from 'node:crypto'
import { givenOptions, show } from '../../../errors/checks'
import type { ClaimResult, Store } from '../store'
import { invalidOption } from '../../../errors/errors'

export interface RedisStoreOptions {
  /**
   * Sends one command, given as strings (`'EVAL'`, its script, `'1'`, the key, …), and resolves with Redis's response,
   * or rejects if it is an error. Any client can be used. Some clients send a command again after a reconnect, which is
   * harmless. Required.
   */
  sendCommand: (command: string, ...args: string[]) => Promise<unknown>
  /**
   * Prefix of the keys in Redis. The webhook's `name` follows, so webhooks with different names may share it. Default:
   * `'tradecloud-webhook:'`.
   */
  prefix?: string | undefined
}

const KNOWN = ['sendCommand', 'prefix']

/** The value of a completed key; that of a claimed key is `claimed` and a token. */
const COMPLETED = 'completed'
const CLAIMED = 'claimed '

/** Succeeds also for the caller's own claim, if the command is sent twice. */
const CLAIM = `local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`

const RENEW = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'done'`

/** Also if the lease has expired and no one else has claimed the key: the callback has finished. */
const COMPLETE = `local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[1] then return 'lost' end
redis.call('SET', KEYS[1], '${COMPLETED}', 'PX', ARGV[2])
return 'done'`

const RELEASE = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('DEL', KEYS[1])
return 'done'`

/**
 * A store for the option `dedupe`, for several processes, or for one that must know what was processed before it was
 * started. All of them need the same `name`, `prefix` and Redis (2.6 or later, or what speaks like it; a cluster too).
 * Throws a `TradecloudWebhookError` with code `invalid_option` for a wrong option.
 *
 * With ioredis:
 *
 * ```ts
 * const client = new Redis(redisUrl, {
 *   enableOfflineQueue: false, // no connection: say so at once
 *   commandTimeout: 2000,      // ms
 *   maxRetriesPerRequest: 1,
 * })
 * client.on('error', (error) => console.error(error)) // without a listener, ioredis writes each to the console
 * const store = redisStore({ sendCommand: (...args) => client.call(...args) })
 * createTradecloudWebhook({ dedupe: { store }, … })
 * ```
 *
 * With node-redis:
 *
 * ```ts
 * const client = createClient({ url: redisUrl, disableOfflineQueue: true })
 * client.on('error', (error) => console.error(error)) // without a listener, an error ends the process
 * await client.connect()
 * const store = redisStore({ sendCommand: (...args) => client.sendCommand(args) })
 * // a cluster: (...args) => cluster.sendCommand(args[3], false, args)
 * ```
 *
 * The client is yours: close it after `webhook.close()`.
 *
 * **In Redis** a key is `prefix`, the webhook's `name`, the kind and the SHA-256 of the body: about 200 bytes, and
 * no part of an event. While the event is processed it holds `claimed` and a random token, for a lease of 60 s that
 * the webhook renews every 20 s; then `completed`, for `ttlMs` (default 24 h). Redis counts both: the clocks of the
 * processes do not matter.
 *
 * **Redis away**, read-only, full, or slower than 2 s: the event is answered 503 `unavailable`, and Tradecloud sends it
 * again. The client settings above only make that quicker. A callback that has finished is answered 200 all the same.
 *
 * **A process that was killed**, or cut off from Redis, cannot give back its claims: until their leases run out, after
 * 60 s at most, these events are answered 503 `in_progress`.
 *
 * **A second call of a callback** is possible, and a lost event never, in these cases; make your writes idempotent with
 * `context.deliveryId`.
 *
 * - A lease is lost while its callback runs: Redis lost the key, or the process stood still for more than 60 s and
 *   another one took over. `context.signal` aborts and the `logger` gets the alarm `lease_lost`.
 * - Redis could not be told that the callback had finished.
 * - Redis lost or evicted keys. Set `maxmemory-policy noeviction`, and `appendonly yes` if they must outlive a restart.
 *   Replication is asynchronous: a replica that takes over may not know the last claims.
 */
export function redisStore(options: RedisStoreOptions): Store {
  const { sendCommand, prefix } = checkOptions(options)

  /** Runs a script on one key, with a claim and usually a time. Redis returns a string for a string. */
  const run = async (script: string, key: string, ...args: [claim: string, ms?: string]): Promise<string> => {
    const answer = await sendCommand('EVAL', script, '1', prefix + key, ...args.filter((arg) => arg !== undefined))
    // Clients can be configured to return bytes.
    const text = Buffer.isBuffer(answer) ? answer.toString() : answer
    if (typeof text !== 'string') throw new Error(`Redis answered a script with what is not text but ${typeof text}.`)
    return text
  }
  const settle = async (...args: Parameters<typeof run>): Promise<boolean> => {
    const answer = await run(...args)
    if (answer !== 'done' && answer !== 'lost') throw new Error('Redis gave an answer that is none of the script.')
    return answer === 'done'
  }

  return {
    async claim(key, leaseMs): Promise<ClaimResult> {
      const token = randomUUID()
      const mine = CLAIMED + token
      let value: string
      try {
        value = await run(CLAIM, key, mine, String(leaseMs))
      } catch (error) {
        // A command that timed out was sent nevertheless, and a frozen Redis will still execute it.
        run(RELEASE, key, mine).catch(() => undefined)
        throw error
      }
      if (value === mine) return { status: 'claimed', token }
      if (value === COMPLETED) return { status: 'completed' }
      if (value.startsWith(CLAIMED)) return { status: 'in_progress' }
      throw new Error('The key in Redis holds what this store did not write; does another program use its prefix?')
    },
    renew: (key, token, leaseMs) => settle(RENEW, key, CLAIMED + token, String(leaseMs)),
    complete: (key, token, ttlMs) => settle(COMPLETE, key, CLAIMED + token, String(ttlMs)),
    async release(key, token) {
      await settle(RELEASE, key, CLAIMED + token)
    },
  }
}

function checkOptions(options: RedisStoreOptions): Required<RedisStoreOptions> & { prefix: string } {
  const given = givenOptions(options, KNOWN, 'redisStore({ sendCommand })')
  const { sendCommand, prefix = 'tradecloud-webhook:' } = given
  if (typeof (sendCommand as unknown) !== 'function')
    throw invalidOption('sendCommand', `is ${typeof sendCommand}, not a function: (...args) => client.call(...args)`)
  if (typeof (prefix as unknown) !== 'string' || prefix === '')
    throw invalidOption('prefix', `is ${show(prefix)}; it must be a text that is not empty`)
  return { sendCommand, prefix }
}

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
   * or rejects if that is an error. Any client can be used. Some clients send a command again after a reconnect, which
   * is harmless. Required.
   */
  sendCommand: (command: string, ...args: string[]) => Promise<unknown>
  /**
   * Prefix of the keys in Redis. The webhook's `name` follows, so webhooks with different names may share it. Default:
   * `'tradecloud-webhook:'`.
   */
  prefix?: string | undefined
}

const KNOWN = ['sendCommand', 'prefix']

/** The value of a completed key. The value of a claimed key is `claimed` and a token. */
const COMPLETED = 'completed'
const CLAIMED = 'claimed '

/** Also succeeds if the caller already holds the claim, because a client may send the command twice. */
const CLAIM = `local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`

const RENEW = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'done'`

/**
 * Succeeds even after the lease has expired, because the callback has finished. Returns `lost` if another process has
 * claimed the key.
 */
const COMPLETE = `local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[1] then return 'lost' end
redis.call('SET', KEYS[1], '${COMPLETED}', 'PX', ARGV[2])
return 'done'`

const RELEASE = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('DEL', KEYS[1])
return 'done'`

/**
 * A store for the option `dedupe`: for several processes, or for one process that must know what was delivered before
 * it was started. All processes need the same `name`, `prefix` and Redis (2.6 or later, a compatible server, or a
 * cluster). Throws a `TradecloudWebhookError` with code `invalid_option` for an invalid option.
 *
 * With ioredis:
 *
 * ```ts
 * const client = new Redis(redisUrl, {
 *   enableOfflineQueue: false, // without a connection, commands fail at once
 *   commandTimeout: 2000,      // ms
 *   maxRetriesPerRequest: 1,
 * })
 * client.on('error', (error) => console.error(error)) // without a listener, ioredis writes each error to the console
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
 * // for a cluster: (...args) => cluster.sendCommand(args[3], false, args)
 * ```
 *
 * The webhook does not close the client: close it yourself after `webhook.close()`.
 *
 * **What Redis stores:** a key consists of `prefix`, the webhook's `name`, the kind and the SHA-256 of the body. It
 * takes about 200 bytes and contains no part of an event. While the event is processed, the value is `claimed` and a
 * random token, with a lease of 60 s that the webhook renews every 20 s; afterwards it is `completed`, for `ttlMs`
 * (default 24 h). Redis measures both times, so the clocks of the processes do not matter.
 *
 * **If Redis is unreachable**, read-only, full, or slower than 2 s, the event is answered 503 `unavailable`, and
 * Tradecloud sends it again. The client settings above only make this response quicker. An event whose callback has
 * finished is answered 200 nevertheless.
 *
 * **If a process is killed**, or loses its connection to Redis, it cannot release its claims: until their leases
 * expire, after 60 s at most, these events are answered 503 `in_progress`.
 *
 * **The callback may be called a second time** for an event in the following cases, so make your writes idempotent with
 * `context.deliveryId`. An event is never lost.
 *
 * - A lease is lost while its callback runs: Redis lost the key, or the process was suspended for more than 60 s and
 *   another one claimed the event. `context.signal` aborts and the `logger` gets the alarm `lease_lost`.
 * - Redis could not record that the callback had finished.
 * - Redis lost or evicted keys. Set `maxmemory-policy noeviction`, and `appendonly yes` if keys must survive a restart.
 *   Replication is asynchronous: a replica that becomes the primary may not have the last claims.
 */
export function redisStore(options: RedisStoreOptions): Store {
  const { sendCommand, prefix } = checkOptions(options)

  /**
   * Runs a script for one key. The arguments are a claim and, for most scripts, a time. Every script returns a string.
   */
  const run = async (script: string, key: string, ...args: [claim: string, ms?: string]): Promise<string> => {
    const answer = await sendCommand('EVAL', script, '1', prefix + key, ...args.filter((arg) => arg !== undefined))
    // Clients can be configured to return bytes instead of text.
    const text = Buffer.isBuffer(answer) ? answer.toString() : answer
    if (typeof text !== 'string')
      throw new Error(`Redis answered a script with a value of type ${typeof text} instead of text.`)
    return text
  }
  const settle = async (...args: Parameters<typeof run>): Promise<boolean> => {
    const answer = await run(...args)
    if (answer !== 'done' && answer !== 'lost') throw new Error('Redis returned a value that the script cannot return.')
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
        // Redis may still execute a command that has timed out, for example after a freeze, so the claim is released.
        run(RELEASE, key, mine).catch(() => undefined)
        throw error
      }
      if (value === mine) return { status: 'claimed', token }
      if (value === COMPLETED) return { status: 'completed' }
      if (value.startsWith(CLAIMED)) return { status: 'in_progress' }
      throw new Error(
        'The key in Redis has a value that this store did not write. Does another program use the same prefix?',
      )
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
    throw invalidOption(
      'sendCommand',
      `is of type ${typeof sendCommand}, not a function: (...args) => client.call(...args)`,
    )
  if (typeof (prefix as unknown) !== 'string' || prefix === '')
    throw invalidOption('prefix', `is ${show(prefix)}; it must be a non-empty string`)
  return { sendCommand, prefix }
}

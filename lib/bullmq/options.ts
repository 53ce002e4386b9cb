/**
 * The options of the inbox on BullMQ: what users may set, their defaults, and the checks. A wrong option throws at
 * creation and names itself. What `connection` holds is never shown: it may be a password.
 */
import type { Redis, RedisOptions } from 'ioredis'
import { checkWholeNumber, givenOptions, MAX_TIMER_MS, show } from '../errors/checks'
import { invalidOption } from '../errors/errors'

export interface BullmqInboxOptions {
  /**
   * A Redis: a URL (`redis://`, `rediss://`), the options of ioredis (Sentinels too), or an ioredis instance, which is
   * only duplicated and never closed. How connections retry and time out is set by the inbox. Required.
   */
  connection: string | RedisOptions | Redis
  /** All keys begin with it, in braces: they share one hash slot. Without braces of its own. Default: `'tradecloud-webhook'`. */
  prefix?: string | undefined
  /** Of the BullMQ queue, and part of all keys: inboxes with different names on one Redis do not meet. Default: `'inbox'`. */
  queueName?: string | undefined
  /**
   * `true`: this Redis does not lose what it has acknowledged, whatever its settings say. Only for services that promise
   * this in another way. Eviction is refused all the same where it can be seen. Default: `false`.
   */
  trustPersistence?: boolean | undefined
  /**
   * For how long an entity stays with a process from which nothing is heard: after that another one goes on with it.
   * Renewed each third of it. A process must not stand still for longer. Default: 30,000 ms.
   */
  leaseMs?: number | undefined
  /** For how long the key of a delivered event is kept, to know the event again. Default: 2,592,000,000 ms (30 days). */
  dedupeTtlMs?: number | undefined
  /**
   * Bytes of waiting, running and dead events, bodies and headers; above it events are refused (`unavailable`). Keep
   * `maxmemory` of the Redis well above. Default: 1 GiB.
   */
  maxBytes?: number | undefined
  /** The same for events in quarantine. Default: 256 MiB. */
  maxQuarantineBytes?: number | undefined
  /** How often to look for entities whose wake-up was lost. Default: 15,000 ms. */
  sweepIntervalMs?: number | undefined
}

/** All options with their defaults in. */
export type ResolvedBullmqInboxOptions = {
  [Key in keyof BullmqInboxOptions]-?: Exclude<BullmqInboxOptions[Key], undefined>
}

const MIB = 1024 * 1024

const DEFAULTS = {
  prefix: 'tradecloud-webhook',
  queueName: 'inbox',
  trustPersistence: false,
  leaseMs: 30_000,
  dedupeTtlMs: 30 * 86_400_000,
  maxBytes: 1024 * MIB,
  maxQuarantineBytes: 256 * MIB,
  sweepIntervalMs: 15_000,
} as const

const KNOWN = ['connection', ...Object.keys(DEFAULTS)]

/** Below this, renewing a lease each third of it would be at the mercy of a slow network. */
const MIN_LEASE_MS = 500

/** An option that is `undefined` counts as absent. */
export function resolveOptions(options: BullmqInboxOptions): ResolvedBullmqInboxOptions {
  const given = givenOptions(options, KNOWN, 'bullmqInbox({ connection })')
  const resolved = { ...DEFAULTS, ...given } as ResolvedBullmqInboxOptions

  checkConnection(resolved.connection)
  checkName('prefix', resolved.prefix, /[{}]/, 'braces, which the inbox adds itself')
  checkName('queueName', resolved.queueName, /[:{}]/, 'a colon or braces, which BullMQ does not allow')
  if (typeof resolved.trustPersistence !== 'boolean')
    throw invalidOption('trustPersistence', `is ${show(resolved.trustPersistence)}; it must be true or false`)
  checkWholeNumber('leaseMs', resolved.leaseMs, MIN_LEASE_MS, MAX_TIMER_MS)
  checkWholeNumber('sweepIntervalMs', resolved.sweepIntervalMs, 1, MAX_TIMER_MS)
  for (const option of ['dedupeTtlMs', 'maxBytes', 'maxQuarantineBytes'] as const)
    checkWholeNumber(option, resolved[option], 1, Number.MAX_SAFE_INTEGER)
  return resolved
}

function checkConnection(connection: unknown): void {
  if (connection === undefined || connection === null)
    throw invalidOption('connection', 'is missing; is its environment variable set?')
  if (typeof connection === 'string') {
    if (/^rediss?:\/\/./.test(connection)) return
    throw invalidOption('connection', 'is text, but not a URL that begins with redis:// or rediss://')
  }
  if (typeof connection !== 'object' || Array.isArray(connection))
    throw invalidOption('connection', 'must be a URL, the options of ioredis, or an ioredis instance')
  const { isCluster, duplicate, options = connection } = connection as Partial<Redis>
  if (isCluster === true)
    throw invalidOption('connection', 'is a Redis Cluster, which is not supported: all keys are in one slot')
  if (typeof duplicate === 'function' && !isRedis(connection))
    throw invalidOption('connection', 'is a client, but not one of ioredis; pass its URL instead')
  if ((options as RedisOptions).keyPrefix)
    throw invalidOption('connection', 'has a keyPrefix, which BullMQ does not support; use `prefix`')
}

function checkName(option: string, value: unknown, forbidden: RegExp, why: string): void {
  if (typeof value !== 'string' || value === '') throw invalidOption(option, 'must be a text that is not empty')
  if (forbidden.test(value)) throw invalidOption(option, `holds ${why}`)
}

/** Several copies of ioredis may be installed: known by what it can do. */
export function isRedis(connection: object): connection is Redis {
  const { duplicate, defineCommand } = connection as Partial<Redis>
  return typeof duplicate === 'function' && typeof defineCommand === 'function'
}

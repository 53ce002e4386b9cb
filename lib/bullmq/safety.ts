/**
 * Whether a Redis keeps what it has acknowledged: reads its settings, and says which one is wrong and how to set it.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
 */
import type { Redis } from 'ioredis'

/**
 * `fsync`: what is acknowledged is on disk. `waitaof`: it is once WAITAOF says so. `refused`: it may be lost.
 */
export type Verdict = { safe: 'fsync' | 'waitaof' } | { safe: false; reason: string }

/** Rejects when Redis does not answer; an answer that is an error is an answer. */
export async function checkSafety(redis: Redis, trustPersistence: boolean): Promise<Verdict> {
  const policy = (await setting(redis, 'maxmemory-policy')) ?? (await policyOfInfo(redis))
  if (policy === undefined ? !trustPersistence : policy !== 'noeviction') {
    return policy === undefined
      ? unreadable('maxmemory-policy')
      : refuse(`maxmemory-policy is ${policy}, so Redis may throw events away`, 'maxmemory-policy noeviction')
  }
  if (trustPersistence) return { safe: 'fsync' }

  const appendonly = await setting(redis, 'appendonly')
  const appendfsync = await setting(redis, 'appendfsync')
  if (appendonly === undefined || appendfsync === undefined) return unreadable('appendonly and appendfsync')
  if (appendonly !== 'yes')
    return refuse(`appendonly is ${appendonly}, so events are lost when Redis ends`, 'appendonly yes')
  if (appendfsync === 'always') {
    if ((await setting(redis, 'no-appendfsync-on-rewrite')) !== 'yes') return { safe: 'fsync' }
    return refuse(
      'no-appendfsync-on-rewrite is yes, so events of the last seconds may be lost at a power cut',
      'no-appendfsync-on-rewrite no',
    )
  }
  // With `no` it would only wait until its time is over.
  if (appendfsync === 'everysec' && (await hasWaitaof(redis))) return { safe: 'waitaof' }
  return refuse(
    `appendfsync is ${appendfsync}, so events of the last seconds are lost at a power cut`,
    'appendfsync always',
    appendfsync === 'everysec' ? ', or use Redis 7.2 or later, which has WAITAOF' : '',
  )
}

function refuse(problem: string, remedy: string, otherwise = ''): Verdict {
  const reason =
    `Redis is not safe for an inbox: ${problem}. Set \`${remedy}\` in redis.conf, ` +
    `or run CONFIG SET ${remedy} and CONFIG REWRITE${otherwise}.`
  return { safe: false, reason }
}

function unreadable(settings: string): Verdict {
  const reason =
    `Redis does not let its settings be read (CONFIG GET ${settings}), so the inbox cannot know whether events are ` +
    'safe there. Allow CONFIG GET to its user, or set `trustPersistence: true` if this Redis keeps each acknowledged ' +
    'write and evicts nothing.'
  return { safe: false, reason }
}

/** `undefined` where it cannot be read: CONFIG is renamed, forbidden, or knows no such setting. */
async function setting(redis: Redis, name: string): Promise<string | undefined> {
  const reply = await answer(redis, 'CONFIG', 'GET', name)
  return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : undefined
}

/** Some services forbid CONFIG and still tell this one. */
async function policyOfInfo(redis: Redis): Promise<string | undefined> {
  const info = await answer(redis, 'INFO', 'memory')
  return typeof info === 'string' ? /^maxmemory_policy:(\S+)/m.exec(info)?.[1] : undefined
}

/** Redis 7.2 and later. Waits for nothing. */
async function hasWaitaof(redis: Redis): Promise<boolean> {
  return Array.isArray(await answer(redis, 'WAITAOF', '0', '0', '1'))
}

/** `undefined` for an error that Redis answers. Loading, or a connection that broke, is no answer. */
async function answer(redis: Redis, command: string, ...args: string[]): Promise<unknown> {
  try {
    return await redis.call(command, ...args)
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error && error.name === 'ReplyError' && !/^(LOADING|BUSY|MASTERDOWN|TRYAGAIN)/.test(error.message)
  )
}

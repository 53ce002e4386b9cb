/** The Redis store on a real Redis that flushes each write, compared with bare commands. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { startRedis, stopRedisServers } from '../__tests__/redis/redis-server'
import { built } from './package'
import { rates } from './statistics'

const AT_ONCE = 32

export async function run(quick: boolean): Promise<string> {
  try {
    execFileSync('redis-server', ['--version'])
  } catch {
    return 'Not measured: there is no `redis-server` on this machine.'
  }
  const { redisStore } = built<typeof import('../lib/deliver/dedupe/redis')>('deliver/dedupe/redis/index')
  const server = await startRedis()
  const client = new Redis({ host: server.host, port: server.port })
  try {
    const store = redisStore({ sendCommand: (...args) => client.call(...args) })
    const options = { count: quick ? 300 : 1500, atOnce: AT_ONCE, rounds: quick ? 3 : 7 }
    const claims = await rates(`claims, ${AT_ONCE} at once`, 'a second', options, {
      'redisStore: claim and complete': async () => {
        const key = randomUUID()
        const claimed = await store.claim(key, 60_000)
        if (claimed.status === 'claimed') await store.complete(key, claimed.token, 86_400_000)
      },
      'bare SET NX and SET': async () => {
        const key = randomUUID()
        await client.set(key, 'claimed', 'PX', 60_000, 'NX')
        await client.set(key, 'completed', 'PX', 86_400_000)
      },
    })
    return claims
  } finally {
    client.disconnect()
    await stopRedisServers()
  }
}

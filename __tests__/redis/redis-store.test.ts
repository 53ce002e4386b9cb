/**
 * The Redis store on a real server, with both client libraries: keys, claims and their tokens, the Redis command that
 * the store sends, and options.
 */
import { randomUUID } from 'node:crypto'
import { isTradecloudWebhookError } from 'tradecloud-webhook'
import { redisStore, type RedisStoreOptions } from 'tradecloud-webhook/redis'
import { pause } from '../integration/harness'
import {
  clientNames,
  eventually,
  HOUR,
  millisecondsOf,
  newClient,
  newStore,
  onlyKey,
  redisForEach,
  server,
  SOON,
  tokenOf,
  useClient,
  type SendCommand,
} from './redis-rig'

redisForEach()

describe.each(clientNames)('with %s', (name) => {
  useClient(name)

  describe('a key', () => {
    it('is given to one at a time, and again after its release', async () => {
      const [a, b] = [await newStore(), await newStore()]
      const first = await tokenOf(a, 'key')
      for (const store of [a, b]) expect(await store.claim('key', HOUR)).toEqual({ status: 'in_progress' })
      expect((await b.claim('other', HOUR)).status).toBe('claimed')
      await a.release('key', first)
      expect(await tokenOf(b, 'key')).not.toBe(first)
    })

    it('that 100 claim at the same time is given to exactly one', async () => {
      const stores = await Promise.all(Array.from({ length: 10 }, () => newStore()))
      const claims = Array.from({ length: 100 }, async (_, i) => stores[i % stores.length]!.claim('key', HOUR))
      const statuses = (await Promise.all(claims)).map(({ status }) => status).sort()
      expect(statuses).toEqual(['claimed', ...Array.from({ length: 99 }, () => 'in_progress')])
    })

    it('is the prefix and the key, and holds no more than a token', async () => {
      const token = await tokenOf(await newStore(), 'a:b {c}')
      expect(await onlyKey()).toBe('tradecloud-webhook:a:b {c}')
      expect(await server().command('GET', await onlyKey())).toBe(`claimed ${token}`)
    })

    it('of another prefix is another one', async () => {
      const [a, b] = [await newStore({ prefix: 'a:' }), await newStore({ prefix: 'b:' })]
      await tokenOf(a, 'key')
      expect((await b.claim('key', HOUR)).status).toBe('claimed')
      expect(((await server().command('KEYS', '*')) as string[]).sort()).toEqual(['a:key', 'b:key'])
    })

    it('that holds what another program wrote is neither claimed nor a duplicate', async () => {
      const store = await newStore({ prefix: 'p:' })
      await server().command('MSET', 'p:a', 'hello', 'p:b', '')
      await server().command('LPUSH', 'p:c', 'claimed ')
      for (const key of ['a', 'b', 'c']) await expect(store.claim(key, HOUR)).rejects.toThrow(/./)
    })
  })

  describe('a claim', () => {
    it('lasts for its lease, and is taken over after it', async () => {
      const store = await newStore()
      const token = await tokenOf(store, 'key', SOON)
      const left = await millisecondsOf(await onlyKey())
      expect(left).toBeLessThanOrEqual(SOON)
      expect(left).not.toBe(-1)
      let next: string | undefined
      await eventually(async () => {
        const result = await store.claim('key', HOUR)
        if (result.status === 'claimed') next = result.token
        return next !== undefined
      }, 'to be taken over')
      expect(await store.renew('key', token, HOUR)).toBe(false)
      expect(await store.complete('key', token, HOUR)).toBe(false)
      await store.release('key', token)
      expect(await server().command('GET', await onlyKey())).toBe(`claimed ${next!}`)
      expect(await store.complete('key', next!, HOUR)).toBe(true)
    })

    it('is lengthened by renewing it, from then on', async () => {
      const store = await newStore()
      const token = await tokenOf(store, 'key', HOUR)
      expect(await store.renew('key', token, 2 * HOUR)).toBe(true)
      expect(await millisecondsOf(await onlyKey())).toBeGreaterThan(HOUR)
      expect(await millisecondsOf(await onlyKey())).toBeLessThanOrEqual(2 * HOUR)
      expect(await store.claim('key', HOUR)).toEqual({ status: 'in_progress' })
      expect(await store.renew('key', token, SOON)).toBe(true)
      await eventually(async () => (await store.claim('key', HOUR)).status === 'claimed', 'the end of the lease')
    })

    it('that Redis lost cannot be renewed, and is not made anew by that', async () => {
      const store = await newStore()
      const token = await tokenOf(store, 'key')
      await server().command('FLUSHALL')
      expect(await store.renew('key', token, HOUR)).toBe(false)
      expect(await server().command('KEYS', '*')).toEqual([])
    })

    it('that is completed is remembered for its time and no longer', async () => {
      const store = await newStore()
      expect(await store.complete('key', await tokenOf(store, 'key', SOON), HOUR)).toBe(true)
      expect(await store.claim('key', HOUR)).toEqual({ status: 'completed' })
      const left = await millisecondsOf(await onlyKey())
      expect(left).toBeLessThanOrEqual(HOUR)
      expect(left).toBeGreaterThan(SOON)
      expect(await store.complete('short', await tokenOf(store, 'short'), SOON)).toBe(true)
      await eventually(async () => (await store.claim('short', HOUR)).status === 'claimed', 'to be forgotten')
    })

    it('that expired without another claim is completed nevertheless', async () => {
      const store = await newStore()
      const token = await tokenOf(store, 'key')
      await server().command('FLUSHALL')
      expect(await store.complete('key', token, HOUR)).toBe(true)
      expect(await store.claim('key', HOUR)).toEqual({ status: 'completed' })
      expect(await millisecondsOf(await onlyKey())).toBeGreaterThan(0)
    })

    it.each(['renew', 'complete', 'release'] as const)('of another one is not changed by %s', async (method) => {
      const store = await newStore()
      const token = await tokenOf(store, 'key')
      const [key, left] = [await onlyKey(), await millisecondsOf(await onlyKey())]
      for (const wrong of [randomUUID(), '', token.toUpperCase(), `${token} `]) {
        const answer =
          method === 'release' ? await store.release('key', wrong) : await store[method]('key', wrong, 2 * HOUR)
        expect(answer).toBe(method === 'release' ? undefined : false)
      }
      expect(await server().command('GET', key)).toBe(`claimed ${token}`)
      expect(await millisecondsOf(key)).toBeLessThanOrEqual(left)
    })

    it('can be settled once', async () => {
      const store = await newStore()
      const token = await tokenOf(store, 'key')
      await store.complete('key', token, HOUR)
      expect(await store.renew('key', token, 2 * HOUR)).toBe(false)
      expect(await store.complete('key', token, 2 * HOUR)).toBe(false)
      await store.release('key', token)
      expect(await store.claim('key', HOUR)).toEqual({ status: 'completed' })
      expect(await millisecondsOf(await onlyKey())).toBeLessThanOrEqual(HOUR)
    })

    it('is ours also where the client sends the command twice', async () => {
      const { sendCommand } = await newClient()
      const store = redisStore({
        sendCommand: async (...args) => {
          await sendCommand(...args)
          return sendCommand(...args)
        },
      })
      const token = await tokenOf(store, 'key')
      expect(await store.renew('key', token, HOUR)).toBe(true)
    })

    it('whose answer did not come is given back', async () => {
      const { sendCommand } = await newClient()
      let commands = 0
      const store = redisStore({
        sendCommand: async (...args) => {
          const answer = await sendCommand(...args)
          if (commands++ === 0) throw new Error('no answer')
          return answer
        },
      })
      await expect(store.claim('key', HOUR)).rejects.toThrow('no answer')
      await eventually(async () => (await store.claim('key', HOUR)).status === 'claimed', 'to be given back')
    })
  })
})

describe('the command', () => {
  useClient('ioredis')

  it('is one script on one key, so that it works in a cluster', async () => {
    const { sendCommand } = await newClient()
    const sent: string[][] = []
    const store = redisStore({
      prefix: 'p:',
      sendCommand: (...args) => {
        sent.push(args)
        return sendCommand(...args)
      },
    })
    const token = await tokenOf(store, 'key', 1234)
    await store.renew('key', token, 2345)
    await store.release('key', token)
    await store.complete('key', token, 3456)
    expect(sent.map(([, , ...args]) => args)).toEqual([
      ['1', 'p:key', `claimed ${token}`, '1234'],
      ['1', 'p:key', `claimed ${token}`, '2345'],
      ['1', 'p:key', `claimed ${token}`],
      ['1', 'p:key', `claimed ${token}`, '3456'],
    ])
    for (const [command, script] of sent) {
      expect(command).toBe('EVAL')
      expect(script).not.toMatch(/'[^']*p:key/)
      expect(script).not.toMatch(/redis\.call\('\w+', (?!KEYS\[1\])/)
    }
  })

  it('may be answered with bytes', async () => {
    const { sendCommand } = await newClient()
    const store = redisStore({ sendCommand: async (...args) => Buffer.from(String(await sendCommand(...args))) })
    const token = await tokenOf(store, 'key')
    expect(await store.complete('key', token, HOUR)).toBe(true)
    expect(await store.claim('key', HOUR)).toEqual({ status: 'completed' })
  })

  it.each([undefined, null, 1, true, 'OK', '', 'QUEUED', [], {}, 'claim', new Error('x')])(
    'that is answered %p throws',
    async (answer) => {
      const store = redisStore({ sendCommand: () => Promise.resolve(answer) })
      await expect(store.claim('key', HOUR)).rejects.toThrow(/Redis/)
      await expect(store.renew('key', 't', HOUR)).rejects.toThrow(/Redis/)
      await expect(store.complete('key', 't', HOUR)).rejects.toThrow(/Redis/)
      await expect(store.release('key', 't')).rejects.toThrow(/Redis/)
    },
  )

  it.each([
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
  ])('that %s makes the store throw, and nothing else', async (_how, sendCommand) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const store = redisStore({ sendCommand })
    await expect(store.claim('key', HOUR)).rejects.toThrow('down')
    await expect(store.renew('key', 't', HOUR)).rejects.toThrow('down')
    await pause(5)
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('options', () => {
  const sendCommand: SendCommand = () => Promise.resolve()

  it.each<[unknown, RegExp]>([
    [undefined, /`options` is missing/],
    [null, /`options` is missing/],
    [{}, /`sendCommand` is of type undefined, not a function/],
    [{ sendCommand: 'EVAL' }, /`sendCommand` is of type string, not a function/],
    [{ sendCommand, prefix: '' }, /`prefix` is ""; it must be a non-empty string/],
    [{ sendCommand, prefix: 7 }, /`prefix` is 7;/],
    [{ sendCommand, prefix: null }, /`prefix` is of type object;/],
    [{ sendCommand, client: {} }, /`client` is not known; expected one of prefix, sendCommand/],
  ])('%p is refused', (options, message) => {
    let thrown: unknown
    try {
      redisStore(options as RedisStoreOptions)
    } catch (error) {
      thrown = error
    }
    expect(isTradecloudWebhookError(thrown)).toBe(true)
    expect(thrown).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(message) })
  })

  it('that are undefined count as absent', async () => {
    const keys: unknown[] = []
    const options = {
      prefix: undefined,
      other: undefined,
      sendCommand: async (...args: string[]) => keys.push(args[3]),
    }
    await expect(redisStore(options).claim('key', HOUR)).rejects.toThrow('Redis')
    expect(keys[0]).toBe('tradecloud-webhook:key')
  })
})

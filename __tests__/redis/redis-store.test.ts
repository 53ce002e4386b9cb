/**
 * The store in Redis, against a real server, with both clients: tokens, leases, webhooks that share it, and what they
 * answer while Redis is killed, frozen, full or has lost a claim.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { isTradecloudWebhookError, type Store, type WebhookContext } from 'tradecloud-webhook'
import { redisStore, type RedisStoreOptions } from 'tradecloud-webhook/redis'
import { closeAll, deferred, orderEvent, pause, startRig, until, type Rig } from '../integration/harness'
import { startRedis, stopRedisServers, type RedisServer } from './redis-server'

type SendCommand = RedisStoreOptions['sendCommand']
interface Client {
  sendCommand: SendCommand
  /** As a process that dies: nothing is given back. */
  close: () => void
}

/** Each as the docs of `redisStore` say. */
const clients: Record<string, (server: RedisServer) => Promise<Client>> = {
  ioredis: async ({ host, port }) => {
    const client = new Redis({
      ...{ host, port, lazyConnect: true, disconnectTimeout: 50 },
      ...{ enableOfflineQueue: false, commandTimeout: 2000, maxRetriesPerRequest: 1 },
    })
    client.on('error', () => undefined)
    await client.connect()
    return { sendCommand: (...args) => client.call(...args), close: () => client.disconnect() }
  },
  'node-redis': async ({ host, port }) => {
    const client = createClient({ socket: { host, port }, disableOfflineQueue: true })
    client.on('error', () => undefined)
    await client.connect()
    return { sendCommand: (...args) => client.sendCommand(args), close: () => client.destroy() }
  },
}

/** All but the interval that renews the leases. */
const REAL_TIME = [
  ...(['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const),
  ...(['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'] as const),
]

jest.setTimeout(20_000)

const HOUR = 3_600_000
/** A lease that ends soon, and not before the next line of a test. */
const SOON = 150
/** The store has 2 s for each answer; the rest is for the webhook. */
const ANSWER_MS = 2500

let server: RedisServer
let connect: (server: RedisServer) => Promise<Client>
const open: Client[] = []

beforeEach(async () => void (server = await startRedis()))
afterEach(async () => {
  jest.useRealTimers()
  await closeAll()
  for (const client of open.splice(0)) client.close()
  await server.stop()
})
afterAll(stopRedisServers)

async function newClient(): Promise<Client> {
  const client = await connect(server)
  open.push(client)
  return client
}

const newStore = async (options: Partial<RedisStoreOptions> = {}): Promise<Store> =>
  redisStore({ sendCommand: (await newClient()).sendCommand, ...options })

async function tokenOf(store: Store, key: string, leaseMs = HOUR): Promise<string> {
  const result = await store.claim(key, leaseMs)
  if (result.status !== 'claimed') throw new Error(`${key} is ${result.status}`)
  return result.token
}

/** In Redis. Fails unless there is exactly one. */
async function onlyKey(): Promise<string> {
  const keys = (await server.command('KEYS', '*')) as string[]
  expect(keys).toHaveLength(1)
  return keys[0]!
}

const millisecondsOf = async (key: string): Promise<number> => Number(await server.command('PTTL', key))

/** How often Redis has run a command. */
async function commandsOf(command: string): Promise<number> {
  const stats = String(await server.command('INFO', 'commandstats'))
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 8_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`In vain: ${what}`)
    await pause(10)
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const timeout = new AbortController()
  const late = sleep(ANSWER_MS, undefined, { signal: timeout.signal }).then(
    () => Promise.reject(new Error(`not answered within ${ANSWER_MS} ms`)),
    () => new Promise<never>(() => undefined),
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    timeout.abort()
  }
}

const DELIVERED = { status: 200, json: { outcome: 'delivered' } }
const DUPLICATE = { status: 200, json: { outcome: 'duplicate' } }
const IN_PROGRESS = { status: 503, json: { code: 'in_progress' } }
const UNAVAILABLE = { status: 503, json: { code: 'unavailable' } }

/** A webhook with a store and a client of its own. Without a callback, its callback is done at once. */
async function startInstance(onOrder?: (event: unknown, context: WebhookContext) => Promise<void>): Promise<Rig> {
  const store = await newStore()
  return startRig({ validation: 'off', dedupe: { store }, ...(onOrder && { onOrder }) })
}

/** A webhook whose callback is running, with the key that it holds. */
async function startCalled() {
  const contexts: WebhookContext[] = []
  const finished = deferred()
  const rig = await startInstance(async (_event, context) => {
    contexts.push(context)
    await finished.promise
  })
  const event = orderEvent()
  const answer = rig.post(event)
  await until(() => contexts.length === 1)
  return { rig, event, answer, finished, key: await onlyKey(), signal: contexts[0]!.signal }
}

describe.each(Object.keys(clients))('with %s', (name) => {
  beforeEach(() => void (connect = clients[name]!))

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
      expect(await server.command('GET', await onlyKey())).toBe(`claimed ${token}`)
    })

    it('of another prefix is another one', async () => {
      const [a, b] = [await newStore({ prefix: 'a:' }), await newStore({ prefix: 'b:' })]
      await tokenOf(a, 'key')
      expect((await b.claim('key', HOUR)).status).toBe('claimed')
      expect(((await server.command('KEYS', '*')) as string[]).sort()).toEqual(['a:key', 'b:key'])
    })

    it('that holds what another program wrote is neither claimed nor a duplicate', async () => {
      const store = await newStore({ prefix: 'p:' })
      await server.command('MSET', 'p:a', 'hello', 'p:b', '')
      await server.command('LPUSH', 'p:c', 'claimed ')
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
      // The one who came too late changes nothing.
      expect(await store.renew('key', token, HOUR)).toBe(false)
      expect(await store.complete('key', token, HOUR)).toBe(false)
      await store.release('key', token)
      expect(await server.command('GET', await onlyKey())).toBe(`claimed ${next!}`)
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
      await server.command('FLUSHALL')
      expect(await store.renew('key', token, HOUR)).toBe(false)
      expect(await server.command('KEYS', '*')).toEqual([])
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

    it('that ran out and that nobody took is completed all the same', async () => {
      const store = await newStore()
      const token = await tokenOf(store, 'key')
      await server.command('FLUSHALL')
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
      expect(await server.command('GET', key)).toBe(`claimed ${token}`)
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

  describe('two webhooks with one Redis', () => {
    it('that get the same event at the same time call one callback', async () => {
      const finished = deferred()
      const calls: unknown[] = []
      const onOrder = async (event: unknown): Promise<void> => {
        calls.push(event)
        await finished.promise
      }
      const rigs = [await startInstance(onOrder), await startInstance(onOrder)]
      const event = orderEvent()
      const answers = rigs.map((rig) => rig.post(event))
      expect(await Promise.race(answers)).toMatchObject(IN_PROGRESS)
      finished.resolve()
      const statuses = (await Promise.all(answers)).map(({ status }) => status)
      expect(statuses.sort()).toEqual([200, 503])
      for (const rig of rigs) expect(await rig.post(event)).toMatchObject(DUPLICATE)
      expect(calls).toHaveLength(1)
    })

    it('take an event over that failed', async () => {
      const a = await startInstance(() => Promise.reject(new Error('ERP down')))
      const b = await startInstance()
      const event = orderEvent()
      expect(await a.post(event)).toMatchObject({ status: 503, json: { code: 'handler_failed' } })
      expect(await b.post(event)).toMatchObject(DELIVERED)
      expect(await a.post(event)).toMatchObject(DUPLICATE)
    })

    it('take an event over that a killed one held, after its lease', async () => {
      const { event, key, answer, finished } = await startCalled()
      open[0]!.close()
      const b = await startInstance()
      expect(await b.post(event)).toMatchObject(IN_PROGRESS)
      expect(await millisecondsOf(key)).toBeLessThanOrEqual(60_000)
      expect(await millisecondsOf(key)).toBeGreaterThan(30_000)
      await server.command('PEXPIRE', key, '1')
      await eventually(async () => (await millisecondsOf(key)) === -2, 'the end of the lease')
      expect(await b.post(event)).toMatchObject(DELIVERED)
      finished.resolve()
      await answer
    })

    it('do not share what they know where their names differ', async () => {
      const event = orderEvent()
      for (const rigName of ['a', 'b']) {
        const rig = await startRig({ validation: 'off', name: rigName, dedupe: { store: await newStore() } })
        expect(await rig.post(event)).toMatchObject(DELIVERED)
      }
    })

    it('know what was processed before they were started', async () => {
      const event = orderEvent()
      const a = await startInstance()
      await a.post(event)
      await a.close()
      await server.restart()
      expect(await (await startInstance()).post(event)).toMatchObject(DUPLICATE)
    })
  })

  describe('the lease of an event whose callback runs', () => {
    const aTick = () => jest.advanceTimersByTime(20_000)
    beforeEach(() => void jest.useFakeTimers({ doNotFake: [...REAL_TIME] }))

    it('is renewed', async () => {
      const { rig, answer, finished, key, signal } = await startCalled()
      await server.command('PEXPIRE', key, '30000')
      aTick()
      await eventually(async () => (await millisecondsOf(key)) > 30_000, 'a longer lease')
      expect(await millisecondsOf(key)).toBeLessThanOrEqual(60_000)
      expect(signal.aborted).toBe(false)
      finished.resolve()
      expect(await answer).toMatchObject(DELIVERED)
      expect(rig.log).toEqual([])
    })

    it.each([
      ['that Redis lost', (key: string) => server.command('DEL', key), 'completed'],
      ['that another one took', (key: string) => server.command('SET', key, 'claimed x', 'PX', '60000'), 'claimed x'],
    ])('%s aborts the signal and raises the alarm', async (_how, lose, left) => {
      const { rig, answer, finished, key, signal } = await startCalled()
      aTick()
      await pause(20)
      expect(signal.aborted).toBe(false)
      await lose(key)
      aTick()
      await until(() => signal.aborted, 'the signal was not aborted')
      expect(signal.reason).toMatchObject({ code: 'lease_lost' })
      expect(isTradecloudWebhookError(signal.reason)).toBe(true)
      expect(rig.log).toEqual([{ level: 'error', line: expect.stringContaining('lease of an event was lost') }])
      finished.resolve()
      expect(await answer).toMatchObject(DELIVERED)
      expect(await server.command('GET', key)).toBe(left)
    })

    it('is not lost while Redis is away', async () => {
      const { rig, answer, finished, signal } = await startCalled()
      await server.kill()
      aTick()
      await pause(20)
      expect(signal.aborted).toBe(false)
      finished.resolve()
      expect(await inTime(answer)).toMatchObject(DELIVERED)
      expect(rig.log).toEqual([])
    })
  })

  describe('Redis', () => {
    it('that is killed is answered 503, and used again when it is back', async () => {
      const rig = await startInstance()
      expect(await rig.post(orderEvent())).toMatchObject(DELIVERED)
      await server.kill()
      const event = orderEvent()
      for (let i = 0; i < 3; i++) expect(await inTime(rig.post(event))).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toHaveLength(1)
      await server.restart()
      await eventually(async () => (await inTime(rig.post(event))).status === 200, 'Redis to be used again')
      expect(await rig.post(event)).toMatchObject(DUPLICATE)
      expect(rig.calls).toHaveLength(2)
    })

    it('that is killed while it is asked is answered 503', async () => {
      const rig = await startInstance()
      server.freeze()
      const answer = rig.post(orderEvent())
      await pause(50)
      await server.kill()
      expect(await inTime(answer)).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toEqual([])
    })

    it('that is frozen is answered 503, and used again when it thaws, without a claim left behind', async () => {
      const rig = await startInstance()
      server.freeze()
      const event = orderEvent()
      const answers = await inTime(Promise.all([rig.post(event), rig.post(orderEvent())]))
      for (const answer of answers) expect(answer).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toEqual([])
      server.thaw()
      await eventually(async () => {
        const keys = (await server.command('KEYS', '*')) as string[]
        return keys.length === 0 && (await commandsOf('eval')) >= 4
      }, 'the late claims to be given back')
      expect(await inTime(rig.post(event))).toMatchObject(DELIVERED)
      expect(await rig.post(event)).toMatchObject(DUPLICATE)
    })

    it('that is frozen while a callback runs notes later that it finished', async () => {
      const { rig, event, answer, finished, key } = await startCalled()
      server.freeze()
      finished.resolve()
      expect(await inTime(answer)).toMatchObject(DELIVERED)
      server.thaw()
      await eventually(async () => (await server.command('GET', key)) === 'completed', 'to be noted')
      expect(await rig.post(event)).toMatchObject(DUPLICATE)
    })

    it('that is killed while a callback runs does not change its answer', async () => {
      const { rig, event, answer, finished, key } = await startCalled()
      await server.kill()
      finished.resolve()
      expect(await inTime(answer)).toMatchObject(DELIVERED)
      expect(rig.log).toEqual([])
      // What was on disk before is there again: nobody else gets the event until the lease ends.
      await server.restart()
      expect(await server.command('GET', key)).toMatch(/^(claimed |completed)/)
      await eventually(async () => (await rig.post(event)).json.code !== 'unavailable', 'Redis to be used again')
      expect(await rig.post(event)).not.toMatchObject(DELIVERED)
    })

    it('that is full is answered 503, and used again when it has room', async () => {
      const rig = await startInstance()
      await server.command('CONFIG', 'SET', 'maxmemory', '1')
      const event = orderEvent()
      expect(await inTime(rig.post(event))).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toEqual([])
      await server.command('CONFIG', 'SET', 'maxmemory', '0')
      expect(await rig.post(event)).toMatchObject(DELIVERED)
    })
  })
})

describe('the command', () => {
  it('is one script on one key, so that it works in a cluster', async () => {
    connect = clients.ioredis!
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
    connect = clients.ioredis!
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
    [{}, /`sendCommand` is undefined, not a function/],
    [{ sendCommand: 'EVAL' }, /`sendCommand` is string, not a function/],
    [{ sendCommand, prefix: '' }, /`prefix` is ""; it must be a text that is not empty/],
    [{ sendCommand, prefix: 7 }, /`prefix` is 7;/],
    [{ sendCommand, prefix: null }, /`prefix` is of type object;/],
    [{ sendCommand, client: {} }, /`client` is not known; known are prefix, sendCommand/],
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

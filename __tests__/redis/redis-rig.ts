/** A new Redis server for each test, stores that use it, and webhooks with these stores. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { Store, WebhookContext } from 'tradecloud-webhook'
import { redisStore, type RedisStoreOptions } from 'tradecloud-webhook/redis'
import { closeAll, deferred, orderEvent, pause, startRig, until, type Rig } from '../integration/harness'
import { startRedis, stopRedisServers, type RedisServer } from './redis-server'

export type SendCommand = RedisStoreOptions['sendCommand']
interface Client {
  sendCommand: SendCommand
  /** Closes the connection as if the process were killed: no claim is released. */
  close: () => void
}

/** For each client library: creates a client as the docs of `redisStore` show. */
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

export const clientNames = Object.keys(clients)

export const HOUR = 3_600_000
/** A lease that expires soon, but not before the next line of a test. */
export const SOON = 150
/** The time limit for a response: 2 s for the store, and the rest for the webhook. */
const ANSWER_MS = 2500

const open: Client[] = []
let current: RedisServer | undefined
let connect = clients.ioredis!

export function redisForEach(): void {
  beforeEach(async () => void (current = await startRedis()))
  afterEach(async () => {
    jest.useRealTimers()
    await closeAll()
    for (const client of open.splice(0)) client.close()
    await current?.stop()
  })
  afterAll(stopRedisServers)
}

/** To be called in a `describe`, whose tests then use this client library. */
export function useClient(name: string): void {
  beforeEach(() => void (connect = clients[name]!))
}

export function server(): RedisServer {
  if (!current) throw new Error('no server has been started')
  return current
}

/** Closes the first client that the test has opened, as if its process were killed. */
export function killFirstClient(): void {
  open[0]!.close()
}

export async function newClient(): Promise<Client> {
  const client = await connect(server())
  open.push(client)
  return client
}

export const newStore = async (options: Partial<RedisStoreOptions> = {}): Promise<Store> =>
  redisStore({ sendCommand: (await newClient()).sendCommand, ...options })

export async function tokenOf(store: Store, key: string, leaseMs = HOUR): Promise<string> {
  const result = await store.claim(key, leaseMs)
  if (result.status !== 'claimed') throw new Error(`${key} is ${result.status}`)
  return result.token
}

/** Resolves with the only key in Redis. Fails unless there is exactly one. */
export async function onlyKey(): Promise<string> {
  const keys = (await server().command('KEYS', '*')) as string[]
  expect(keys).toHaveLength(1)
  return keys[0]!
}

export const millisecondsOf = async (key: string): Promise<number> => Number(await server().command('PTTL', key))

/** How often Redis has executed this command. */
export async function commandsOf(command: string): Promise<number> {
  const stats = String(await server().command('INFO', 'commandstats'))
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

export async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 8_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`In vain: ${what}`)
    await pause(10)
  }
}

export async function inTime<T>(answer: Promise<T>): Promise<T> {
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

export const DELIVERED = { status: 200, json: { outcome: 'delivered' } }
export const DUPLICATE = { status: 200, json: { outcome: 'duplicate' } }
export const IN_PROGRESS = { status: 503, json: { code: 'in_progress' } }
export const UNAVAILABLE = { status: 503, json: { code: 'unavailable' } }

/** A webhook with its own store and client. By default, its callback returns at once. */
export async function startInstance(
  onOrder?: (event: unknown, context: WebhookContext) => Promise<void>,
): Promise<Rig> {
  const store = await newStore()
  return startRig({ validation: 'off', dedupe: { store }, ...(onOrder && { onOrder }) })
}

/** Sends an event to a new webhook. Resolves while the callback is running, with the key of the claim. */
export async function startCalled() {
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

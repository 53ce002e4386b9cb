/**
 * The process that the tests kill: a server with the webhook, its inbox or store, and a callback that records its
 * calls. Receives its settings as JSON in the first argument, and commands and queries from its parent.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createTradecloudWebhook,
  type Inbox,
  type OrderEvent,
  type Store,
  type TradecloudWebhook,
  type TradecloudWebhookOptions,
  type WebhookContext,
} from 'tradecloud-webhook'
import { clockMs, LedgerWriter, type Step } from './ledger'
import { decodeNumbered } from './numbered-event'

/** The behaviour of the callback. */
export interface Behaviour {
  /** Duration of a call. Default: 0. */
  ms?: number
  /** Share of calls that throw an error, from 0 to 1. Default: 0. */
  failing?: number
  /** While this is true, no call ends. Default: false. */
  held?: boolean
}

export type InboxSettings = { type: 'sqlite'; file: string } | { type: 'postgres'; connectionString: string }

export interface ReceiverSettings {
  /** Settings of the inbox. Absent: the callback runs before the response. */
  inbox?: InboxSettings
  /** Port of the Redis that contains the store. */
  store?: { port: number }
  ledger: string
  /** Number of the process, from 1. */
  run: number
  behaviour?: Behaviour
  webhook?: Pick<TradecloudWebhookOptions, 'concurrency' | 'delivery'>
}

/** `measure` begins a new period for the event loop delay. */
export type Question = 'stats' | 'measure'

export interface Measured {
  /** Memory after a garbage collection, in bytes. */
  rss: number
  heapUsed: number
  /** 99th percentile and maximum of the event loop delay, in milliseconds. */
  delayP99: number
  delayMax: number
}

export type FromReceiver =
  | { type: 'listening'; port: number }
  | { type: 'refused'; code: unknown; message: string }
  | { type: 'answer'; question: number; value: unknown }
  /** When the receiver began to close, in milliseconds since 1970. */
  | { type: 'closing'; at: number }
export type ToReceiver =
  | { type: 'behave'; behaviour: Behaviour }
  | { type: 'ask'; question: number; what: Question }
  /** `process.exit()`, without `close()`. */
  | { type: 'exit' }

const settings = JSON.parse(process.argv[2]!) as ReceiverSettings
const ledger = new LedgerWriter(settings.ledger)
let behaviour: Behaviour = { ...settings.behaviour }
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

const tell = (message: FromReceiver): void => void process.send?.(message)

async function onOrder({ order }: OrderEvent, { attempt }: WebhookContext): Promise<void> {
  const call = { run: settings.run, attempt, ...decodeNumbered(order) }
  const note = (what: Step['what']): void => ledger.write({ what, ...call, at: Date.now(), clock: clockMs() })
  note('begin')
  if (behaviour.ms) await sleep(behaviour.ms)
  while (behaviour.held) await sleep(5)
  if (Math.random() < (behaviour.failing ?? 0)) {
    note('fail')
    throw new Error('The ERP system is down.')
  }
  note('end')
}

// Inboxes and the store are loaded lazily, so that receivers that do not need them start faster.

async function openInbox(inbox: InboxSettings): Promise<Inbox> {
  if (inbox.type === 'sqlite') return (await import('tradecloud-webhook/sqlite')).sqliteInbox({ file: inbox.file })
  const { postgresInbox } = await import('tradecloud-webhook/postgres')
  return postgresInbox({ connectionString: inbox.connectionString })
}

/** Creates the store as the docs of `redisStore` show. */
async function openStore(port: number): Promise<Store> {
  const { Redis } = await import('ioredis')
  const { redisStore } = await import('tradecloud-webhook/redis')
  const client = new Redis({
    ...{ host: '127.0.0.1', port },
    ...{ enableOfflineQueue: false, commandTimeout: 2000, maxRetriesPerRequest: 1 },
  })
  client.on('error', () => undefined)
  return redisStore({ sendCommand: (...args) => client.call(...args) })
}

interface Opened {
  webhook: TradecloudWebhook
  inbox: Inbox | undefined
}

async function open(): Promise<Opened | undefined> {
  try {
    const inbox = settings.inbox && (await openInbox(settings.inbox))
    const webhook = createTradecloudWebhook({
      auth: { type: 'bearer', token: 'faults' },
      ...(inbox && { inbox }),
      ...(settings.store && { dedupe: { store: await openStore(settings.store.port) } }),
      onOrder,
      logger: {
        warn: () => undefined,
        error: (line) => ledger.write({ what: 'alarm', run: settings.run, line, at: Date.now() }),
      },
      ...settings.webhook,
    })
    await webhook.ready()
    return { webhook, inbox }
  } catch (error) {
    tell({ type: 'refused', code: (error as { code?: unknown }).code, message: String(error) })
    process.disconnect()
    return undefined
  }
}

async function answer(what: Question, inbox: Inbox | undefined): Promise<unknown> {
  if (what === 'stats') return inbox?.stats()
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const measured: Measured = { rss, heapUsed, delayP99: delay.percentile(99) / 1e6, delayMax: delay.max / 1e6 }
  delay.reset()
  return measured
}

function serve({ webhook, inbox }: Opened): void {
  const server = createServer(webhook.listener)
  process.on('message', (message: ToReceiver) => {
    if (message.type === 'behave') behaviour = message.behaviour
    else if (message.type === 'exit') process.exit()
    else
      void answer(message.what, inbox).then(
        (value) => tell({ type: 'answer', question: message.question, value }),
        (error: unknown) => tell({ type: 'answer', question: message.question, value: { error: String(error) } }),
      )
  })
  // Closes as the README shows.
  process.on('SIGTERM', () => {
    void webhook.close().then(() => {
      server.close(() => process.exit())
      server.closeAllConnections()
    })
    tell({ type: 'closing', at: Date.now() })
  })
  server.listen(0, '127.0.0.1', () => tell({ type: 'listening', port: (server.address() as AddressInfo).port }))
}

// Emitted when the parent process has disconnected or ended.
process.on('disconnect', () => process.exit())
void open().then((opened) => opened && serve(opened))

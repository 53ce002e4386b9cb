/**
 * What all integration tests share: an app with the webhook on a real socket, a simulated Tradecloud, requests on bare
 * sockets, and clean-up.
 */
import express from 'express'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTradecloudWebhook,
  TradecloudClient,
  type DeliveryRecord,
  type ErrorContext,
  type Inbox,
  type TradecloudWebhook,
  type TradecloudWebhookError,
  type TradecloudWebhookOptions,
  type WebhookContext,
} from 'tradecloud-webhook'
import { sqliteInbox, type SqliteInboxOptions } from 'tradecloud-webhook/sqlite'
import { createTradecloudSimulator, type TradecloudSimulator } from 'tradecloud-webhook/testing'
import { RateLimit } from '../../lib/api/rate-limit'
import { expectDocumented } from './documented'
import { encodeRequest, RawConnection, type Loose, type RawAnswer, type RawRequest } from './raw-http'

export type { Loose, RawAnswer } from './raw-http'
export { pause, until } from '../wait'

export const isExpress4 = 'lazyrouter' in express.application

export const credential = { type: 'basic', username: 'tradecloud', password: 'hook:påss' } as const
export const authorization = basic(credential.username, credential.password)

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

export interface Call {
  callback: string
  event: Loose
  context: WebhookContext
}

export interface Collected {
  calls: Call[]
  records: DeliveryRecord[]
  errors: Array<{ error: TradecloudWebhookError; context: ErrorContext }>
  /** Log lines, without those that are written at creation. */
  log: Array<{ level: 'warn' | 'error'; line: string }>
}

type Send = Omit<RawRequest, 'headers'> & {
  headers?: RawRequest['headers']
  /** Value of `Authorization`; `null` sends no header. Default: valid credentials. */
  auth?: string | null
  /** A value to send as a JSON body. The request then has the Content-Type of JSON. */
  json?: unknown
}

export interface Rig extends Collected {
  webhook: TradecloudWebhook
  app: express.Express
  port: number
  /** URL of the mounted webhook, such as `http://127.0.0.1:PORT/mount`. */
  url: string
  mount: string
  /** Sends one request on a new connection. `path` is below the mount path. */
  send(request: Send): Promise<RawAnswer>
  post(json: unknown, more?: Send): Promise<RawAnswer>
  get(path: string, more?: Send): Promise<RawAnswer>
  open(): RawConnection
  /** Sends the head of a POST, without the body that it announces. */
  sendHead(headers: RawRequest['headers'], request?: RawRequest): SentHead
  close(): Promise<void>
}

export interface SentHead {
  connection: RawConnection
  answer: Promise<RawAnswer>
}

export type Mounting = 'under a path' | 'under /' | 'in a nested router' | 'as a listener'
export const mountings: Mounting[] = ['under a path', 'under /', 'in a nested router', 'as a listener']

const MOUNTS: Record<Mounting, string> = {
  'under a path': '/tradecloud',
  'under /': '',
  'in a nested router': '/hooks/v1/tradecloud',
  'as a listener': '',
}

export interface RigOptions extends Partial<TradecloudWebhookOptions> {
  mounting?: Mounting
  /** Called before the webhook is mounted, to add middleware in front of it. */
  before?: (app: express.Express) => void
  /** `timeoutMs` of `webhook.close()`. Default: 500. */
  closeTimeoutMs?: number
}

const open: Array<() => Promise<unknown>> = []

/** Ends everything that a test has started. To be called in `afterEach` or `afterAll`. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close()
}

/** Registers a function for `closeAll` to call. */
export function closeLater(close: () => Promise<unknown>): void {
  open.push(close)
}

/** Starts a webhook whose callbacks collect their calls. The given options take precedence. */
export async function startRig({
  mounting = 'under a path',
  before,
  closeTimeoutMs = 500,
  ...options
}: RigOptions = {}): Promise<Rig> {
  const collected = emptyCollection()
  const webhook = createTradecloudWebhook({
    auth: credential,
    ...collectInto(collected),
    ...options,
  })
  collected.log.length = 0
  const closeWebhook = webhook.close.bind(webhook)
  webhook.close = (given = { timeoutMs: closeTimeoutMs }) => closeWebhook(given)
  const app = express()
  before?.(app)
  const mount = MOUNTS[mounting]
  if (mounting === 'in a nested router') {
    const router = express.Router()
    router.use('/v1/tradecloud', webhook)
    app.use('/hooks', router)
  } else if (mounting !== 'as a listener') app.use(mount === '' ? '/' : mount, webhook)
  app.use((_req, res) => void res.status(404).set('X-From', 'app').json({ from: 'app' }))
  const { port, close: closeServer } = await listen(mounting === 'as a listener' ? webhook.listener : app)
  const connections = new Set<RawConnection>()

  const connectTo = (): RawConnection => {
    const connection = new RawConnection(port)
    connections.add(connection)
    connection.socket.on('close', () => connections.delete(connection))
    return connection
  }
  const openConnection = (): RawConnection => {
    const connection = connectTo()
    const answer = connection.answer.bind(connection)
    connection.answer = async (options) => {
      const answered = await answer(options)
      expectDocumented(answered, options?.noBody ? 'HEAD' : undefined)
      return answered
    }
    return connection
  }
  const send = async ({ auth = authorization, json, headers, path = '/', ...request }: Send): Promise<RawAnswer> => {
    const connection = connectTo()
    try {
      const answer = connection.answer({ noBody: request.method === 'HEAD' })
      connection.write(
        encodeRequest({
          ...request,
          path: `${mount}${path}`.replace(/^(?=\?|$)/, '/'),
          ...(json !== undefined && { body: JSON.stringify(json) }),
          headers: {
            ...(auth !== null && { Authorization: auth }),
            ...(json !== undefined && { 'Content-Type': 'application/json' }),
            ...headers,
          },
        }).whole,
      )
      const answered = await answer
      expectDocumented(answered, request.method ?? 'GET')
      return answered
    } finally {
      connection.destroy()
    }
  }
  const sendHead = (headers: RawRequest['headers'], request: RawRequest = {}): SentHead => {
    const connection = openConnection()
    const answer = connection.answer()
    connection.write(encodeRequest({ method: 'POST', path: `${mount}/order`, headers, ...request }).head)
    return { connection, answer }
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      for (const connection of connections) connection.destroy()
      await webhook.close()
      await closeServer()
    })())
  open.push(close)
  return {
    ...collected,
    webhook,
    app,
    port,
    mount,
    url: `http://127.0.0.1:${port}${mount}`,
    send,
    post: (json, more) => send({ method: 'POST', path: '/order', json, ...more }),
    get: (path, more) => send({ method: 'GET', path, ...more }),
    open: openConnection,
    sendHead,
    close,
  }
}

/** Disables validation, for tests with incomplete bodies. */
export const startUnvalidated = (options: RigOptions = {}): Promise<Rig> => startRig({ validation: 'off', ...options })

/** Callbacks and a logger that only collect their arguments. */
export function collectInto({ calls, records, errors, log }: Collected) {
  const collect = (callback: string) => (event: unknown, context: WebhookContext) =>
    void calls.push({ callback, event, context })
  return {
    onOrder: collect('onOrder'),
    onOrderDocuments: collect('onOrderDocuments'),
    onShipment: collect('onShipment'),
    onUnknown: collect('onUnknown'),
    onDelivery: (record) => void records.push(record),
    onError: (error, context) => void errors.push({ error, context }),
    logger: {
      warn: (line) => void log.push({ level: 'warn', line }),
      error: (line) => void log.push({ level: 'error', line }),
    },
  } satisfies Partial<TradecloudWebhookOptions>
}

export function emptyCollection(): Collected {
  return { calls: [], records: [], errors: [], log: [] }
}

/** Starts a server on a free port. `close` also closes all connections. */
export async function listen(
  listener: RequestListener,
): Promise<{ server: Server; port: number; close: () => Promise<void> }> {
  const server = createServer(listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { server, port: (server.address() as AddressInfo).port, close }
}

/** Starts a server that `closeAll` closes. */
export async function startServer(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const started = await listen(listener)
  open.push(started.close)
  return started
}

/** Creates a folder that `closeAll` removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradecloud-inbox-'))
  open.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Creates an inbox in a new file. The webhook that uses it closes it. */
export function temporaryInbox(options: Partial<SqliteInboxOptions> = {}): Inbox {
  return sqliteInbox({ file: join(temporaryFolder(), 'inbox.db'), ...options })
}

export async function startTradecloud(): Promise<TradecloudSimulator> {
  const tradecloud = await createTradecloudSimulator({
    username: 'api-user@example.com',
    password: 'api:påss',
    // Tests send as fast as they can. How the client reacts to a 429 has tests of its own.
    rateLimit: false,
  })
  open.push(() => tradecloud.close())
  return tradecloud
}

/** The option `api` for a simulated Tradecloud. */
export function apiOf({ baseUrl, username, password }: TradecloudSimulator): {
  baseUrl: string
  username: string
  password: string
} {
  return { baseUrl, username, password }
}

/** The option `api` with a client that has no rate limit, for tests with many triggers. `closeAll` closes it. */
export function fastApiOf({ baseUrl, username, password }: TradecloudSimulator): TradecloudClient {
  const client = new TradecloudClient({ baseUrl, username, password }, new RateLimit(Infinity))
  open.push(() => client.close())
  return client
}

export const orderId = '3e0f6d52-41c7-4d3b-9f0c-7a5e2b8c1d60-PO-2026/00417'
export const shipmentId = '5c1d7f02-8a3e-4f7b-b6d4-1e9a2c3b4d5f-SN-70551'

/** A fixture, parsed on each call. */
export function fixture(name: string): Loose {
  return JSON.parse(readFileSync(join(__dirname, '../fixtures', `${name}.json`), 'utf8'))
}

/** The body of a new order event, which is never a duplicate. */
export function orderEvent(more: Record<string, unknown> = {}): Loose {
  return {
    eventName: 'OrderIssuedByBuyer',
    orderEvent: { orderId, lines: [], meta: { messageId: randomUUID() }, ...more },
  }
}

/** A promise that the test settles. */
export function deferred<T = void>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: unknown) => void
} {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

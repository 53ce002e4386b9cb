/**
 * The process under attack: the webhook in an Express app, and without Express. It sends its ports to its parent,
 * reports its figures on request, and closes on request. Run with `node --expose-gc --import tsx`.
 */
import express from 'express'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createTradecloudWebhook,
  RejectEvent,
  type TradecloudWebhookOptions,
  type WebhookContext,
  type WebhookEvent,
} from '../../lib/index'

export interface Figures {
  /** Number of requests that reached a webhook, and number of records that `onDelivery` received. */
  requests: number
  records: number
  calls: number
  settled: number
  /**
   * Errors: uncaught exceptions, unhandled rejections, warnings, and log lines with a secret or with control
   * characters.
   */
  problems: string[]
  rss: number
  heapUsed: number
  /** Peak memory over the lifetime of the process, in bytes. */
  peakRss: number
}

/** Settings of the webhooks as JSON, and whether the servers use Node's default time-outs. */
const [, , settings = '{}', patience = ''] = process.argv
const timeouts = patience === 'patient' ? {} : { headersTimeout: 2_000, requestTimeout: 4_000 }
const figures = { requests: 0, records: 0, calls: 0, settled: 0, problems: [] as string[] }
const problem = (text: string): void => {
  if (figures.problems.length < 20) figures.problems.push(text)
}
process.on('uncaughtException', (error) => problem(`uncaughtException: ${error.stack ?? ''}`))
process.on('unhandledRejection', (reason) => problem(`unhandledRejection: ${String(reason)}`))
process.on('warning', (warning) => problem(`warning: ${warning.message}`))

const NOT_PLAIN = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]|canary/u
const log = (line: string): void => {
  if (NOT_PLAIN.test(line)) problem(`log line: ${JSON.stringify(line)}`)
}

/**
 * What the callback does depends on the delivery ID, which is the same for a retry of a body. An event named `Calm`
 * always succeeds.
 */
async function react({ eventName }: WebhookEvent, { deliveryId }: WebhookContext): Promise<void> {
  figures.calls++
  try {
    if (eventName === 'Calm') return
    const dice = parseInt(deliveryId.slice(0, 4), 16) % 100
    if (dice < 3) throw new Error('the ERP system\r\nis down')
    if (dice < 5) throw new RejectEvent('not\r\nX-Evil: 1', { status: 400 + dice })
    if (dice < 8) await sleep(20)
    if (dice === 99) await sleep(1_500)
  } finally {
    figures.settled++
  }
}

const common: TradecloudWebhookOptions = {
  auth: [
    { type: 'basic', username: 'canary-user', password: 'canary-password' },
    { type: 'bearer', token: 'canary-token' },
  ],
  onOrder: react,
  onShipment: react,
  onDelivery: () => {
    figures.records++
  },
  logger: { warn: log, error: log },
  // A patient server has the default body limit.
  ...(patience !== 'patient' && { bodyLimit: 256 * 1024 }),
  limits: { uploadIdleTimeoutMs: 400 },
  answerTimeoutMs: 1_000,
  ...(JSON.parse(settings) as Partial<TradecloudWebhookOptions>),
}
const inExpress = createTradecloudWebhook({ ...common, onOrderDocuments: react })
const bare = createTradecloudWebhook({ ...common, validation: 'strict', refusals: 'retry', onUnknown: react })
const app = express()
app.use('/tradecloud', (req, res, next) => {
  figures.requests++
  inExpress(req, res, (error?: unknown) => {
    res.locals.passed = true
    next(error)
  })
})
app.use((_req, res) => {
  res.status(404).json({ from: 'app' })
  // The webhook does not record a request that it passed on, so the request is not counted. Exception: if the webhook
  // has replaced the 404 of the app, it records the request.
  if (res.locals.passed === true && res.statusCode === 404) figures.requests--
})

const servers: Server[] = []
function listen(listener: RequestListener): Promise<number> {
  const server = createServer({ connectionsCheckingInterval: 500, ...timeouts }, listener)
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', 1_024, () => resolve((server.address() as AddressInfo).port))
  })
}

async function close(): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
  await Promise.all([inExpress.close(), bare.close()])
  await Promise.all(closed)
}

function currentFigures(): Figures {
  const { rss, heapUsed } = process.memoryUsage()
  return { ...figures, rss, heapUsed, peakRss: process.resourceUsage().maxRSS * 1024 }
}

process.on('message', (question) => {
  if (question === 'collect') globalThis.gc?.()
  if (question !== 'close') process.send?.(currentFigures())
  else void close().then(() => process.send?.(currentFigures(), () => process.disconnect()))
})
process.on('disconnect', () => {
  // The parent has ended, or has received the answer to `close`. If something still keeps this process alive after
  // 20 s, such as a leak after `close`, the process ends with code 3.
  setTimeout(() => process.exit(3), 20_000).unref()
})
void Promise.all([
  listen(app),
  listen((req, res) => {
    figures.requests++
    bare.listener(req, res)
  }),
]).then(([expressPort, listenerPort]) => process.send?.({ express: expressPort, listener: listenerPort }))

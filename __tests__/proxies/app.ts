/**
 * The process behind the proxy: an Express app with the webhook, on a fixed port. Gets its settings as JSON in the
 * first argument. Records what it sees in a file, line by line, so that the records survive a kill -9.
 */
import express from 'express'
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createTradecloudWebhook,
  RejectEvent,
  type OrderEvent,
  type TradecloudWebhookOptions,
} from 'tradecloud-webhook'
import { createHttpServer } from '../../examples/http-server'
import { decodeNumbered } from '../faults/numbered-event'
import { FAILING, HELD, REJECTED } from './behaviour'

export interface AppSettings {
  port: number
  notes: string
  webhook?: Pick<TradecloudWebhookOptions, 'allow' | 'bodyLimit'> & {
    limits?: TradecloudWebhookOptions['limits']
  }
}

interface Call {
  id: string
  method: string
  /** True if every byte of a numbered event has arrived. */
  intact?: boolean
}

export type Note =
  | ({ what: 'begin' } & Call)
  | ({ what: 'end' } & Call)
  | { what: 'connection' }
  | { what: 'headers'; headers: Record<string, string | string[] | undefined> }

const { port, notes, webhook: options } = JSON.parse(process.argv[2]!) as AppSettings
const file = openSync(notes, 'a')
const note = (line: Note): void => void writeSync(file, `${JSON.stringify(line)}\n`)

async function onOrder(event: OrderEvent): Promise<void> {
  const { orderId: id, method } = event
  const numbered = event.completeness === 'id-only' ? undefined : numberedOf(event.order)
  const call = { id, method, intact: numbered?.intact }
  note({ what: 'begin', ...call })
  while (id.startsWith(HELD)) await sleep(1000)
  if (id.startsWith(REJECTED)) throw new RejectEvent('not taken', { status: 422 })
  if (id.startsWith(FAILING)) throw new Error('The ERP system is down.')
  note({ what: 'end', ...call })
}

function numberedOf(order: unknown): ReturnType<typeof decodeNumbered> | undefined {
  return (order as { numbered?: unknown }).numbered ? decodeNumbered(order) : undefined
}

const webhook = createTradecloudWebhook({
  auth: { type: 'bearer', token: 'proxies' },
  onOrder,
  onShipment: ({ shipmentId: id, method }) => note({ what: 'begin', id, method }),
  logger: { warn: () => undefined, error: () => undefined },
  ...options,
})
const app = express()
app.set('trust proxy', 1)
app.use('/tradecloud', (req, _res, next) => {
  note({ what: 'headers', headers: req.headers })
  next()
})
app.use('/tradecloud', webhook)
const server = createHttpServer(app)
server.on('connection', () => note({ what: 'connection' }))
process.once('SIGTERM', () => {
  void webhook.close().then(() => {
    server.close(() => process.exit())
    server.closeAllConnections()
  })
})
// The parent process has ended.
process.on('disconnect', () => process.exit())
server.listen(port, '127.0.0.1', () => process.send?.('listening'))

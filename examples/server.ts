/**
 * A server that receives Tradecloud's webhooks, logs one line per event and hands it on to an ERP system over HTTP.
 * Configured by environment variables; `npm start` runs it without any.
 */
import express from 'express'
import { createTradecloudWebhook, type WebhookContext, type WebhookEvent } from 'tradecloud-webhook'

const { env } = process
const port = Number(env.PORT ?? 3000)

/** Throws when the ERP system is not there: the answer is then 503 and Tradecloud sends the event again. */
async function writeToErp(event: WebhookEvent, { deliveryId, attempt }: WebhookContext): Promise<void> {
  const id = event.kind === 'shipment' ? event.shipmentId : event.kind === 'unknown' ? '' : event.orderId
  const completeness = event.kind === 'unknown' ? 'unknown kind' : event.completeness
  if (env.ERP_URL) {
    const body = JSON.stringify({ deliveryId, event })
    const answer = await fetch(env.ERP_URL, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    if (!answer.ok) throw new Error(`the ERP system answered ${answer.status}`)
  }
  console.log(`${event.kind} ${event.eventName ?? event.method} ${id} (${completeness}, attempt ${attempt})`)
}

const open = env.WEBHOOK_USERNAME === undefined && env.WEBHOOK_TOKEN === undefined
const webhook = createTradecloudWebhook({
  auth: open
    ? 'none'
    : env.WEBHOOK_TOKEN !== undefined
      ? { type: 'bearer', token: env.WEBHOOK_TOKEN }
      : { type: 'basic', username: env.WEBHOOK_USERNAME, password: env.WEBHOOK_PASSWORD },
  // Without these, GET triggers come with their ID only.
  api: env.TRADECLOUD_USERNAME
    ? {
        ...(env.TRADECLOUD_BASE_URL ? { baseUrl: env.TRADECLOUD_BASE_URL } : { environment: 'acceptance' }),
        username: env.TRADECLOUD_USERNAME,
        password: env.TRADECLOUD_PASSWORD,
      }
    : undefined,
  onOrder: writeToErp,
  onOrderDocuments: writeToErp,
  onShipment: writeToErp,
  onUnknown: writeToErp,
})

const app = express()
app.get('/health', (_req, res) => void res.json({ status: 'ok' }))
app.use('/tradecloud', webhook) // before any express.json(): the webhook reads the bodies itself

const server = app.listen(port, open ? '127.0.0.1' : (env.HOST ?? '0.0.0.0'), () => {
  const address = server.address()
  console.log(`Listening on port ${typeof address === 'object' ? address?.port : port}, webhooks below /tradecloud`)
  if (open)
    console.log(
      'No WEBHOOK_USERNAME or WEBHOOK_TOKEN is set: this server accepts anyone, so it listens on loopback only.',
    )
})
server.requestTimeout = 120_000 // above answerTimeoutMs: Node's own 408 would lose an event
server.keepAliveTimeout = 75_000 // above the idle time of common proxies
process.once('SIGTERM', () => void webhook.close().then(() => server.close(() => process.exit(0))))

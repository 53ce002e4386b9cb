/**
 * A webhook as in production: events in PostgreSQL, orders in tables of the same database, and metrics and probes on a
 * separate port. compose.yaml sets the environment variables.
 */
import express from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import { createHealthRouter, createTradecloudWebhook } from 'tradecloud-webhook'
import { postgresInbox } from 'tradecloud-webhook/postgres'
import { prometheusMetrics } from 'tradecloud-webhook/prometheus'
import { createHttpServer } from '../http-server'
import { createPool, writeOrder } from '../postgres'

const { env } = process

const register = new Registry()
const pool = createPool(env.DATABASE_URL)
const webhook = createTradecloudWebhook({
  auth: { type: 'basic', username: env.WEBHOOK_USERNAME ?? 'tradecloud', password: env.WEBHOOK_PASSWORD },
  inbox: postgresInbox({ connectionString: env.DATABASE_URL }),
  telemetry: [prometheusMetrics({ register })],
  onOrder: (event, context) => writeOrder(pool, event, context),
})

const app = express()
app.use('/tradecloud', webhook)
const server = createHttpServer(app)

const operations = express()
operations.use('/health', createHealthRouter(webhook))
operations.get('/metrics', async (_req, res) => {
  res.type(register.contentType).send(await register.metrics())
})
const operationsServer = createServer(operations)

async function listen(on: Server, port: string): Promise<number> {
  await once(on.listen(Number(port), env.HOST ?? '127.0.0.1'), 'listening')
  return (on.address() as AddressInfo).port
}

async function main(): Promise<void> {
  await webhook.ready()
  console.log(`Metrics and probes on port ${await listen(operationsServer, env.METRICS_PORT ?? '9464')}`)
  console.log(`Listening on port ${await listen(server, env.PORT ?? '3000')}, webhooks below /tradecloud`)
}

async function close(): Promise<void> {
  await webhook.close()
  server.close()
  operationsServer.close()
  await pool.end()
  process.exit(0)
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void close())
main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})

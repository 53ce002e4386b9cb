/**
 * Several processes that share one inbox in Redis, by BullMQ: any of them takes a request, any of them calls the callback,
 * and never two at a time for one order. `npm run start:cluster`; `REDIS_URL` says where Redis is (without it a
 * redis-server of its own is started), `PROCESSES` how many there are (default: 3).
 */
import express from 'express'
import { spawn } from 'node:child_process'
import cluster from 'node:cluster'
import { mkdirSync } from 'node:fs'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { bullmqInbox } from 'tradecloud-webhook/bullmq'
import { announce, api, auth, callbacks, host, port } from './settings'

const processes = Number(process.env.PROCESSES ?? 3)
const OWN_REDIS_PORT = 6390

/** With the settings without which a crash of Redis loses what was answered 202. */
function startRedis(): string {
  mkdirSync('data/redis', { recursive: true })
  const args = ['--port', String(OWN_REDIS_PORT), '--bind', '127.0.0.1', '--dir', 'data/redis', '--save', '']
  const safe = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction']
  // A process group of its own: Ctrl-C must not end it before the workers.
  const redis = spawn('redis-server', [...args, ...safe], { stdio: 'ignore', detached: true })
  redis.once('error', () => {
    console.error('There is no redis-server here: install it, or set REDIS_URL.')
    process.exit(1)
  })
  process.once('exit', () => redis.kill())
  return `redis://127.0.0.1:${OWN_REDIS_PORT}`
}

function runPrimary(): void {
  const REDIS_URL = process.env.REDIS_URL ?? startRedis()
  const fork = (): void => void cluster.fork({ REDIS_URL })
  for (let i = 0; i < processes; i++) fork()
  let ending = false
  cluster.on('exit', (_worker, code, signal) => {
    if (ending && Object.keys(cluster.workers ?? {}).length === 0) process.exit(0)
    // One that crashed is started anew; one that must not start, as with an unsafe Redis, ends them all.
    if (!ending && code === 2) process.exit(1)
    if (!ending && (signal || code !== 0)) setTimeout(fork, 1000)
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      ending = true
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM')
    })
  }
}

function runWorker(): void {
  const inbox = bullmqInbox({ connection: process.env.REDIS_URL ?? '' })
  const webhook = createTradecloudWebhook({ auth, api, inbox, ...callbacks })
  inbox.ready().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  })
  const app = express()
  app.get('/health', (_req, res) => {
    inbox.stats().then(
      (stats) => res.json({ status: 'ok', process: process.pid, ...stats }),
      () => res.status(503).json({ status: 'the inbox cannot be used' }),
    )
  })
  app.use('/tradecloud', webhook)
  const server = app.listen(port, host, () => {
    const address = server.address()
    announce(typeof address === 'object' && address ? address.port : port, `, process ${process.pid}`)
  })
  server.keepAliveTimeout = 75_000
  process.once('SIGTERM', () => void webhook.close().then(() => server.close(() => process.exit(0))))
  process.once('SIGINT', () => undefined) // Ctrl-C reaches every process; the primary tells when to end
}

if (cluster.isPrimary) runPrimary()
else runWorker()

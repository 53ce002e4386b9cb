/**
 * Several processes that share one inbox. Any of them accepts a request, and any of them calls the callback. For the
 * same order, only one process calls the callback at a time. Run with `npm run start:cluster`. The inbox is the
 * PostgreSQL database of `DATABASE_URL`, or else the SQLite file `INBOX_FILE` (default: ./data/inbox.db). `PROCESSES`
 * is the number of processes (default: 3).
 */
import express from 'express'
import cluster from 'node:cluster'
import { createTradecloudWebhook, type Inbox } from 'tradecloud-webhook'
import { postgresInbox } from 'tradecloud-webhook/postgres'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { addHealth, announce, api, auth, callbacks, endWith, host, port } from './settings'

const processes = Number(process.env.PROCESSES ?? 3)
const { DATABASE_URL: connectionString, INBOX_FILE: file = 'data/inbox.db' } = process.env
/** Exit code of a process that cannot start, not even after a restart. */
const UNUSABLE = 2

function runPrimary(): void {
  let ending = false
  const fork = (): void => {
    if (!ending) cluster.fork()
  }
  for (let i = 0; i < processes; i++) fork()
  cluster.on('exit', (_worker, code, signal) => {
    if (ending && Object.keys(cluster.workers ?? {}).length === 0) process.exit(0)
    if (!ending && code === UNUSABLE) process.exit(1)
    if (!ending && (signal || code !== 0)) setTimeout(fork, 1000)
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      ending = true
      const workers = Object.values(cluster.workers ?? {})
      if (workers.length === 0) process.exit(0)
      for (const worker of workers) worker?.process.kill('SIGTERM')
    })
  }
}

function runWorker(): void {
  const inbox: Inbox = connectionString ? postgresInbox({ connectionString }) : sqliteInbox({ file })
  const webhook = createTradecloudWebhook({ auth, api, inbox, ...callbacks })
  webhook.ready().catch((error: unknown) => endWith(error, UNUSABLE))
  const app = express()
  addHealth(app, inbox)
  app.use('/tradecloud', webhook)
  const server = app.listen(port, host, () => {
    const address = server.address()
    announce(typeof address === 'object' && address ? address.port : port, `, process ${process.pid}`)
  })
  server.keepAliveTimeout = 75_000
  process.once('SIGTERM', () => void webhook.close().then(() => server.close(() => process.exit(0))))
  // A terminal sends Ctrl-C to every process, but only the primary process decides when the others end.
  process.once('SIGINT', () => undefined)
}

if (cluster.isPrimary) runPrimary()
else runWorker()

/**
 * The same with an inbox in a folder: each event is on disk before it is answered, and comes to the callback afterwards,
 * however long the ERP system is down. `npm run start:durable`; `INBOX_DIRECTORY` says where (default: ./data/inbox).
 */
import express from 'express'
import { createTradecloudWebhook, fileInbox } from 'tradecloud-webhook'
import { announce, api, auth, callbacks, closeOnSignal, host, port } from './settings'

const directory = process.env.INBOX_DIRECTORY ?? 'data/inbox'
const ALARM_AFTER_MS = 15 * 60_000

// Throws where another process owns the folder: then this one must not start.
const inbox = fileInbox({ directory })
const webhook = createTradecloudWebhook({ auth, api, inbox, ...callbacks })

const app = express()
app.get('/health', (_req, res) => {
  inbox.stats().then(
    (stats) => {
      const oldestMs = stats.oldestWaitingAt ? Date.now() - stats.oldestWaitingAt.getTime() : 0
      // For monitoring: events are safe, but they do not reach the ERP system, or some need a person.
      const status = oldestMs > ALARM_AFTER_MS ? 'late' : stats.dead + stats.quarantined > 0 ? 'needs a person' : 'ok'
      res.json({ status, ...stats })
    },
    () => res.status(503).json({ status: 'the inbox cannot be used' }),
  )
})
app.use('/tradecloud', webhook)

const server = app.listen(port, host, () => {
  const address = server.address()
  announce(typeof address === 'object' && address ? address.port : port, `, inbox in ${directory}`)
})
server.keepAliveTimeout = 75_000
closeOnSignal(webhook, server)

/**
 * Like server.ts, with an inbox in SQLite: each event is on disk before it is answered, and is delivered to the
 * callback afterwards, even after a long outage of the ERP system. Run with `npm run start:durable`. `INBOX_FILE` is
 * the database (default: ./data/inbox.db), and `CATCH_UP_FROM` makes the server poll for changes that never arrived.
 */
import express from 'express'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import {
  addHealth,
  addInspector,
  announce,
  api,
  auth,
  callbacks,
  catchUp,
  closeOnSignal,
  endWith,
  host,
  port,
} from './settings'

const file = process.env.INBOX_FILE ?? 'data/inbox.db'

const inbox = sqliteInbox({ file })
const webhook = createTradecloudWebhook({ auth, api, inbox, catchUp, ...callbacks })
// If the inbox can never be used, the process ends, so that its supervisor reports it.
webhook.ready().catch(endWith)

const app = express()
addHealth(app, inbox)
app.use('/tradecloud', webhook)
addInspector(app, webhook)

const server = app.listen(port, host, () => {
  const address = server.address()
  announce(typeof address === 'object' && address ? address.port : port, `, inbox in ${file}`)
})
server.keepAliveTimeout = 75_000
closeOnSignal(webhook, server)

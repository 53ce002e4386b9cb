/**
 * A server that receives Tradecloud's webhooks, logs one line per event and passes the event to an ERP system over
 * HTTP. It is configured by environment variables; `npm start` works without any.
 */
import express from 'express'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { createHttpServer } from './http-server'
import { addInspector, announce, api, auth, callbacks, closeOnSignal, host, port } from './settings'

const webhook = createTradecloudWebhook({ auth, api, ...callbacks })

const app = express()
app.get('/health', (_req, res) => void res.json({ status: 'ok' }))
app.use('/tradecloud', webhook) // before any express.json(): the webhook reads the bodies itself
addInspector(app, webhook)

const server = createHttpServer(app).listen(port, host, () => {
  const address = server.address()
  announce(typeof address === 'object' && address ? address.port : port)
})
closeOnSignal(webhook, server)

// Receives one event in an Express app. The package is loaded with `require`.
const express = require('express')
const { createTradecloudWebhook, TradecloudClient, schemas } = require('tradecloud-webhook')
const { createTradecloudSimulator } = require('tradecloud-webhook/testing')

if (typeof TradecloudClient !== 'function' || !schemas.order || typeof createTradecloudSimulator !== 'function')
  process.exit(1)
if (require('tradecloud-webhook/openapi.json').openapi !== '3.1.1') process.exit(1)
if (require('tradecloud-webhook/schemas/order.json').$id !== schemas.order.$id) process.exit(1)
const app = express()
const webhook = createTradecloudWebhook({
  auth: { type: 'bearer', token: 'secret' },
  onOrder: (event) => console.log('received', event.eventName),
  logger: { warn() {}, error: console.error },
})
app.use('/tradecloud', webhook)
const server = app.listen(0, async () => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/tradecloud/order`, {
    method: 'POST',
    headers: { Authorization: 'Bearer secret', 'Content-Type': 'application/json' },
    body: JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x-1', lines: [] } }),
  })
  console.log(answer.status, await answer.text())
  await webhook.close()
  server.close()
  process.exitCode = answer.status === 200 ? 0 : 1
})

// Receives one event in an Express app. The package is loaded with `import`.
import express from 'express'
import { createTradecloudWebhook, orderEventNames } from 'tradecloud-webhook'
import { createTradecloudSimulator } from 'tradecloud-webhook/testing'

if (typeof createTradecloudSimulator !== 'function' || !orderEventNames.includes('OrderIssuedByBuyer')) process.exit(1)
const app = express()
const webhook = createTradecloudWebhook({
  auth: { type: 'basic', username: 'tradecloud', password: 'secret' },
  onOrder: (event) => console.log('received', event.eventName),
  logger: { warn() {}, error: console.error },
})
app.use('/tradecloud', webhook)
const server = app.listen(0, async () => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/tradecloud/order`, {
    method: 'PUT',
    headers: { Authorization: `Basic ${btoa('tradecloud:secret')}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x-1', lines: [] } }),
  })
  console.log(answer.status, await answer.text())
  await webhook.close()
  server.close()
  process.exitCode = answer.status === 200 ? 0 : 1
})

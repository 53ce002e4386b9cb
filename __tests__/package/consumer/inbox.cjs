// Stores an event in SQLite, closes the webhook, and lets a worker deliver the event. Runs the command line before and
// after the delivery.
const { execFileSync } = require('node:child_process')
const http = require('node:http')
const { createTradecloudWebhook, createTradecloudWorker } = require('tradecloud-webhook')
const { redisStore } = require('tradecloud-webhook/redis')
const { sqliteInbox } = require('tradecloud-webhook/sqlite')

const file = 'data/inbox.db'
const logger = { warn() {}, error: console.error }
const cli = (...words) =>
  execFileSync(process.execPath, ['node_modules/.bin/tradecloud-webhook', 'inbox', file, ...words])
    .toString()
    .trim()
const list = () => JSON.parse(cli('list', '--json')).state

async function main() {
  if (typeof redisStore !== 'function') process.exit(1)
  const receiver = createTradecloudWebhook({
    auth: { type: 'bearer', token: 'secret' },
    inbox: sqliteInbox({ file }),
    deliver: false,
    logger,
  })
  await receiver.ready()
  const server = http.createServer(receiver.listener)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/order`, {
    method: 'POST',
    headers: { Authorization: 'Bearer secret', 'Content-Type': 'application/json' },
    body: JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x-1', version: 1 } }),
  })
  console.log(answer.status, list())
  await receiver.close()
  server.closeAllConnections()
  server.close()
  const orderId = await new Promise((resolve) => {
    const onOrder = (event) => void worker.close().then(() => resolve(event.orderId))
    const worker = createTradecloudWorker({ inbox: sqliteInbox({ file }), onOrder, logger })
  })
  console.log('delivered', orderId, list())
  console.log(cli('check'))
}

void main()

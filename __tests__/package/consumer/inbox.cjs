// Stores an event in a file inbox, ends, and delivers it after the next start; then asks the command line what is left.
const { execFileSync } = require('node:child_process')
const http = require('node:http')
const { createTradecloudWebhook, fileInbox } = require('tradecloud-webhook')
const { redisStore } = require('tradecloud-webhook/redis')

const directory = 'inbox'
const start = (onOrder) =>
  createTradecloudWebhook({
    auth: { type: 'bearer', token: 'secret' },
    inbox: fileInbox({ directory }),
    retry: { minDelayMs: 100 },
    onOrder,
    logger: { warn() {}, error: console.error },
  })

async function main() {
  if (typeof redisStore !== 'function') process.exit(1)
  const first = start(() => Promise.reject(new Error('down')))
  const server = http.createServer(first.listener)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/order`, {
    method: 'POST',
    headers: { Authorization: 'Bearer secret', 'Content-Type': 'application/json' },
    body: JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x-1', version: 1 } }),
  })
  await first.close()
  server.closeAllConnections()
  server.close()
  const list = () =>
    execFileSync(process.execPath, [
      'node_modules/.bin/tradecloud-webhook',
      'inbox',
      directory,
      'list',
      '--json',
    ]).toString()
  console.log(answer.status, JSON.parse(list()).state)
  const delivered = new Promise((resolve) => {
    const second = start((event) => void second.close().then(() => resolve(event.orderId)))
  })
  console.log('delivered', await delivered, JSON.stringify(list()))
}

void main()

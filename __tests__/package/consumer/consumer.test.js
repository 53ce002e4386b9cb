// A test of a callback as a user would write it with Jest.
const http = require('node:http')
const { createTradecloudWebhook } = require('tradecloud-webhook')

test('the callback gets the order', async () => {
  const orders = []
  const webhook = createTradecloudWebhook({
    auth: { type: 'bearer', token: 'secret' },
    onOrder: (event) => void orders.push(event.orderId),
    logger: { warn() {}, error() {} },
  })
  const server = http.createServer(webhook.listener)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/order`, {
    method: 'POST',
    headers: { Authorization: 'Bearer secret' },
    body: JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x-1' } }),
  })
  expect(answer.status).toBe(415) // fetch sends text/plain for a string
  const right = await fetch(`http://127.0.0.1:${server.address().port}/order`, {
    method: 'POST',
    headers: { Authorization: 'Bearer secret', 'Content-Type': 'application/json' },
    body: JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x-1' } }),
  })
  expect(right.status).toBe(200)
  expect(orders).toEqual(['x-1'])
  await webhook.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

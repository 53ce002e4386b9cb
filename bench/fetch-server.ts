/** The server for `fetch.ts`, in a process of its own. It returns a token, and the same order for any ID. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const order = readFileSync(join(__dirname, '..', '__tests__', 'fixtures', 'order-fetched.json'))

const server = createServer((req, res) => {
  if (req.url?.includes('/authentication/')) {
    res.setHeader('Set-Authorization', 'token').setHeader('Set-Refresh-Token', 'refresh').end('{}')
    return
  }
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': order.length }).end(order)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())

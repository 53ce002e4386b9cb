/**
 * The process of `maximum-body.test.ts`: receives what its parent sends, and reports its memory use. Run with `node
 * --import tsx`; the first argument selects how the webhook is mounted.
 */
import { createRequire } from 'node:module'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type expressModule from 'express'
import { createTradecloudWebhook, type OrderEvent } from '../../lib/index'

const [, , mounting = 'listener', expressPackage = 'express'] = process.argv

let lines = 0
const webhook = createTradecloudWebhook({
  auth: { type: 'bearer', token: 'maximum' },
  onOrder: (event: OrderEvent) => {
    lines = event.completeness === 'affected-lines' ? event.affectedLines.length : -1
  },
  logger: { warn: () => undefined, error: () => undefined },
})

function makeListener(): RequestListener {
  if (mounting === 'listener') return webhook.listener
  const express = createRequire(__filename)(expressPackage) as typeof expressModule
  const app = express()
  if (mounting === 'behind express.raw()') app.use(express.raw({ type: '*/*', limit: '64mb' }))
  app.use('/', webhook)
  return app
}

const server = createServer(makeListener())
let idleBytes = 0
let longestStallMs = 0
let lastTick = performance.now()
setInterval(() => {
  longestStallMs = Math.max(longestStallMs, performance.now() - lastTick)
  lastTick = performance.now()
}, 10).unref()

process.on('message', (question) => {
  if (question === 'begin') {
    idleBytes = process.memoryUsage.rss()
    longestStallMs = 0
    process.send?.({ ready: true })
  } else process.send?.({ lines, overIdleBytes: process.resourceUsage().maxRSS * 1024 - idleBytes, longestStallMs })
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

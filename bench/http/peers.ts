/**
 * The servers to compare. This package runs in Express 5, in Express 4 and without Express. Other servers are set up as
 * their documentation shows. Each server responds with 200 to a valid order event.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWebhook } from '../webhook'
import { other } from './others'
import { orderBodySchema } from './schemas'

export const SECRET = 'a secret of this benchmark'

/** The response of the servers that this package is compared with. It is like the response of this package. */
const DELIVERED = { outcome: 'delivered', deliveryId: '6d1e8f2a-52d4-8c3b-9a70-4be1f8a1c0de' }
const LIMIT = 64 * 1024 * 1024

/** Starts a server on a free port of the loopback interface, and resolves with the port. */
type Peer = () => Promise<number>

export const PEERS = {
  'node:http + JSON.parse': () =>
    listen(
      createServer((req, res) => {
        const chunks: Buffer[] = []
        req.on('data', (chunk: Buffer) => chunks.push(chunk))
        req.on('end', () => {
          JSON.parse(Buffer.concat(chunks).toString('utf8'))
          res.setHeader('Content-Type', 'application/json')
          res.end(JSON.stringify(DELIVERED))
        })
      }),
    ),
  'express 5 + express.json': async () => {
    const { default: express } = await import('express')
    const app = express()
    app.use(express.json({ limit: LIMIT }))
    app.post('/order', (_req, res) => void res.json(DELIVERED))
    return listen(createServer(app))
  },
  'express 5 + express.json + ajv': async () => {
    const { default: express } = await import('express')
    const { Ajv } = await import('ajv')
    const validate = new Ajv({ allowUnionTypes: true }).compile(orderBodySchema())
    const app = express()
    app.use(express.json({ limit: LIMIT }))
    app.post('/order', (req, res) => void res.status(validate(req.body) ? 200 : 400).json(DELIVERED))
    return listen(createServer(app))
  },
  'fastify + ajv': async () => {
    const { fastify } = await other('fastify')
    const app = fastify({ bodyLimit: LIMIT })
    app.post('/order', { schema: { body: orderBodySchema() } }, () => Promise.resolve(DELIVERED))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  },
  '@octokit/webhooks': async () => {
    const { Webhooks, createNodeMiddleware } = await other('@octokit/webhooks')
    const webhooks = new Webhooks({ secret: SECRET })
    webhooks.on('push', () => undefined)
    const middleware = createNodeMiddleware(webhooks, { path: '/order' })
    return listen(
      createServer((req, res) => {
        // @octokit/webhooks would send a response of three bytes; here it sends the same response as the other servers.
        const end = res.end.bind(res) as (body: string) => typeof res
        res.end = () => end(JSON.stringify(DELIVERED))
        void middleware(req, res)
      }),
    )
  },
  'express-openapi-validator': async () => {
    const { default: express } = await import('express')
    const { middleware } = await other('express-openapi-validator')
    const app = express()
    app.use(express.json({ limit: LIMIT }))
    app.use(
      middleware({
        apiSpec: {
          openapi: '3.1.0',
          info: { title: 'Orders', version: '1' },
          paths: {
            '/order': {
              post: {
                requestBody: { required: true, content: { 'application/json': { schema: orderBodySchema() } } },
                responses: { '200': { description: 'received' } },
              },
            },
          },
        },
        validateResponses: false,
      }),
    )
    app.post('/order', (_req, res) => void res.json(DELIVERED))
    return listen(createServer(app))
  },
  'tradecloud-webhook in Express 5': async () => {
    const { default: express } = await import('express')
    return listen(createServer(express().use(createWebhook())))
  },
  'tradecloud-webhook in Express 4': () => {
    const express = require('express4') as typeof import('express')
    return listen(createServer(express().use(createWebhook())))
  },
  'tradecloud-webhook, listener': () => listen(createServer(createWebhook().listener)),
} as const satisfies Record<string, Peer>

export type PeerName = keyof typeof PEERS

function listen(server: Server): Promise<number> {
  server.keepAliveTimeout = 120_000
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

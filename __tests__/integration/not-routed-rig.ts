/** An app with a webhook, for requests that match none of its patterns. */
import express from 'express'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { createTradecloudWebhook, type TradecloudWebhook } from 'tradecloud-webhook'
import {
  authorization,
  closeLater,
  collectInto,
  credential,
  emptyCollection,
  orderEvent,
  startServer,
  type Collected,
  type Loose,
  type RigOptions,
} from './harness'

interface Answer {
  status: number
  message: string
  headers: IncomingHttpHeaders
  bytes: Buffer
  text: string
  json: Loose
}

interface Ask {
  method?: string
  path: string
  auth?: string | null
  body?: string | Buffer
  headers?: Record<string, string>
}

/** Sends a request, and resolves with the response. The body is not decompressed. */
function ask(port: number, { method = 'POST', path, auth = authorization, body, headers }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const hasBody = method === 'POST' || method === 'PUT'
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      agent: false,
      method,
      path,
      headers: {
        ...(auth !== null && { Authorization: auth }),
        ...(hasBody && { 'Content-Type': 'application/json' }),
        ...headers,
      },
    })
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = []
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () => {
          const bytes = Buffer.concat(chunks)
          const text = bytes.toString()
          const isJson = (response.headers['content-type'] ?? '').includes('json') && text.startsWith('{')
          resolve({
            status: response.statusCode ?? 0,
            message: response.statusMessage ?? '',
            headers: response.headers,
            bytes,
            text,
            json: isJson ? JSON.parse(text) : undefined,
          })
        })
    })
    request.end(hasBody ? (body ?? JSON.stringify(orderEvent())) : undefined)
  })
}

interface Started extends Collected {
  ask: (request: Ask | string) => Promise<Answer>
  port: number
  webhook: TradecloudWebhook
}

/** Starts an app in which `mount` mounts the webhook. */
export async function start(
  mount: (app: express.Express, webhook: TradecloudWebhook) => void,
  options: RigOptions = {},
): Promise<Started> {
  const collected = emptyCollection()
  const webhook = create(collected, options)
  collected.log.length = 0
  const app = express()
  // With the value `test`, Express does not log errors of the app to the console.
  app.set('env', 'test')
  mount(app, webhook)
  const { port } = await startServer(app)
  return {
    ...collected,
    webhook,
    port,
    ask: (request) => ask(port, typeof request === 'string' ? { path: request } : request),
  }
}

export function create(collected: Collected, options: RigOptions = {}): TradecloudWebhook {
  const webhook = createTradecloudWebhook({
    auth: credential,
    ...collectInto(collected),
    onUnknown: undefined,
    ...options,
  })
  closeLater(() => webhook.close({ timeoutMs: 500 }))
  return webhook
}

export const mounted = (after: (app: express.Express) => void = () => undefined) =>
  ((app, webhook) => {
    app.use('/tradecloud', webhook)
    after(app)
  }) satisfies Parameters<typeof start>[0]

export const notRouted = { status: 503, message: 'Service Unavailable', json: { code: 'not_routed', status: 503 } }

export function expectNotRouted(answer: Answer, started: Started): void {
  expect(answer).toMatchObject(notRouted)
  expect(answer.headers).toMatchObject({
    'retry-after': '10',
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
  for (const name of ['etag', 'content-encoding', 'content-disposition', 'last-modified'])
    expect(answer.headers[name]).toBeUndefined()
  expect(started.records.at(-1)).toMatchObject({
    outcome: 'not_routed',
    status: 503,
    givenUp: false,
    answered: true,
    requestId: answer.json.requestId,
  })
}

export type Responder = (req: express.Request, res: express.Response, next: express.NextFunction) => void
export const page = '<h1>Page not found, but it is a long page</h1>'

/**
 * The code in docs/frameworks.md, unchanged: it is compiled, run in processes of its own, and receives requests that
 * frameworks could refuse or change.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { start, type Program } from './program'
import { createProject, install, root, run } from './project'

const page = readFileSync(join(root, 'docs/frameworks.md'), 'utf8')
const files = [...page.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```/gm)]

let project: string
beforeAll(() => {
  project = createProject('frameworks')
  install(project)
  for (const [, file = '', code = ''] of files) writeFileSync(join(project, file), code)
  run(join(project, 'node_modules/.bin/tsc'), [], project)
}, 300_000)

test('the page has a file for each framework', () => {
  expect(files.map(([, file]) => file)).toEqual([
    'webhook.ts',
    'nestjs.ts',
    'fastify.ts',
    'fastify-plugin.ts',
    'koa.ts',
    'hono.ts',
    'lambda.ts',
  ])
})

const PASSWORD = 'secret'
const basic = (password: string): string => `Basic ${btoa(`tradecloud:${password}`)}`
const event = (orderId: string, more: object = {}): string =>
  JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId, version: 1, ...more } })
/** Lines of an order, 2 MB in total. */
const lines = Array.from({ length: 2_000 }, (_, i) => ({ id: `line-${i}`, description: 'x'.repeat(1_000) }))
const xmlLines = lines.map(
  ({ id, description }) => `<lines><id>${id}</id><description>${description}</description></lines>`,
)
const xml = `<WebhookBody><eventName>OrderIssuedByBuyer</eventName><orderEvent><orderId>xml</orderId>${xmlLines.join('')}</orderEvent></WebhookBody>`

interface Server {
  program: Program
  base: string
  /** Sends a request, and resolves with its status and outcome. */
  send: (method: string, path: string, body?: string | Blob, headers?: Record<string, string>) => Promise<string>
}

async function startServer(args: string[]): Promise<Server> {
  const env = { PORT: '0', WEBHOOK_PASSWORD: PASSWORD }
  const program = await start(['--import', './print-port.mjs', ...args], project, env)
  const base = `http://127.0.0.1:${(program.first as { port: number }).port}`
  return {
    program,
    base,
    send: async (method, path, body, more) => {
      const headers = { Authorization: basic(PASSWORD), 'Content-Type': 'application/json', ...more }
      const sent = body instanceof Blob ? { body: body.stream(), duplex: 'half' as const } : { body }
      const response = await fetch(base + path, { method, headers, ...sent })
      const { outcome, code } = (await response.json()) as { outcome?: string; code?: string }
      return `${response.status} ${outcome ?? code ?? ''}`
    },
  }
}

describe.each([
  ['NestJS', ['nestjs.js']],
  ['Fastify', ['fastify.js']],
  ['Fastify, as a plugin', ['fastify-plugin.js']],
  ['Koa', ['koa.js']],
  ['Hono', ['hono.js']],
  ['Lambda behind a REST API', ['gateway.mjs', '1.0']],
  ['Lambda behind a function URL', ['gateway.mjs', '2.0']],
])('%s', (name, args) => {
  let server: Server
  beforeAll(async () => {
    server = await startServer(args)
  })

  test('responds as under Express', async () => {
    const { send } = server
    const outcomes = {
      JSON: await send('POST', '/tradecloud/order', event('json', { lines })),
      'the same again': await send('POST', '/tradecloud/order', event('json', { lines })),
      XML: await send('POST', '/tradecloud/order', xml, { 'Content-Type': 'application/xml' }),
      chunks: await send('PUT', '/tradecloud/order', new Blob([event('chunks', { lines })])),
      'no type': await send('POST', '/tradecloud/order', event('untyped'), { 'Content-Type': '' }),
      'wrong password': await send('POST', '/tradecloud/order', event('x'), { Authorization: basic('wrong') }),
      'wrong password, XML': await send('POST', '/tradecloud/order', xml, { Authorization: basic('wrong') }),
      'callback fails': await send('POST', '/tradecloud/order', event('fails')),
      'not JSON': await send('POST', '/tradecloud/order', '{'),
      GET: await send('GET', '/tradecloud/order/get'),
      'GET with a query': await send('GET', '/tradecloud?orderId=query'),
      'POST without a body': await send('POST', '/tradecloud/order/bodiless'),
      'slashes in the path': await send('GET', '/tradecloud/order/A%2FB%252F%23'),
      'slashes in the query': await send('GET', '/tradecloud?orderId=A%2FB%252F%26'),
      'no ID': await send('GET', '/tradecloud/order'),
      'not decodable': await send('GET', '/tradecloud/order/%'),
      'no such path': await send('POST', '/tradecloud/orders', event('x')),
      'no such path, GET': await send('GET', '/tradecloud/order-events/x'),
      'no such path, wrong password': await send('POST', '/tradecloud/orders', event('x'), { Authorization: 'x' }),
    }
    expect(outcomes).toEqual({
      JSON: '200 delivered',
      'the same again': '200 duplicate',
      XML: '200 delivered',
      chunks: '200 delivered',
      'no type': '200 delivered',
      'wrong password': '401 unauthorized',
      'wrong password, XML': '401 unauthorized',
      'callback fails': '503 handler_failed',
      'not JSON': '400 malformed_body',
      GET: '200 delivered',
      'GET with a query': '200 delivered',
      'POST without a body': '200 delivered',
      'slashes in the path': '200 delivered',
      'slashes in the query': '200 delivered',
      'no ID': '400 invalid_id',
      // Fastify's router responds before any plugin is called.
      'not decodable': name === 'Fastify, as a plugin' ? '400 FST_ERR_BAD_URL' : '400 invalid_id',
      'no such path': '503 not_routed',
      'no such path, GET': '503 not_routed',
      'no such path, wrong password': name === 'NestJS' ? '404 ' : '404 not_found',
    })
  })

  if (!name.startsWith('Lambda')) {
    test('leaves other paths to the app', async () => {
      const response = await fetch(`${server.base}/health`)
      expect([response.status, await response.text()]).toEqual([200, 'ok'])
    })
  }

  test('lets a callback finish before the process ends', async () => {
    const { program, send } = server
    const slow = send('POST', '/tradecloud/order', event('slow'))
    await program.printed('slow begins')
    const calls = await program.stop()
    expect(await slow).toBe('200 delivered')
    expect(calls).toEqual([
      { id: 'json', lines: 2_000 },
      { id: 'xml', lines: 2_000 },
      { id: 'chunks', lines: 2_000 },
      { id: 'untyped', lines: 0 },
      { id: 'get' },
      { id: 'query' },
      { id: 'bodiless' },
      { id: 'A/B%2F#' },
      { id: 'A/B%2F&' },
      'slow begins',
      { id: 'slow', lines: 0 },
    ])
  })
})

test('a wildcard of NestJS hides the path: only what is in the body is delivered, and nothing is given up', async () => {
  const { program, send } = await startServer(['nestjs-wildcard.js'])
  expect(await send('POST', '/tradecloud/order', event('body'))).toBe('200 delivered')
  expect(await send('GET', '/tradecloud/order/get')).toBe('503 not_routed')
  expect(await program.stop()).toEqual([{ id: 'body', lines: 0 }])
})

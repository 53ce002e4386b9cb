/** The example servers as processes of their own, in front of an ERP system that responds as each test wants. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { orderEvent } from 'tradecloud-webhook/testing'

const root = resolve(__dirname, '../..')

let erp: Server
let erpUrl: string
/** How the ERP system responds. */
let respond: (response: ServerResponse) => void
let written: string[]
let children: ChildProcess[]
let folder: string
let version = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tradecloud-examples-'))
  children = []
  erp = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      // A GET would be a redirect that was followed.
      written.push(`${req.method} ${Buffer.concat(chunks).length > 2 ? 'event' : 'nothing'}`)
      respond(res)
    })
  })
  await once(erp.listen(0, '127.0.0.1'), 'listening')
  erpUrl = `http://127.0.0.1:${(erp.address() as AddressInfo).port}/orders`
})

beforeEach(() => {
  written = []
  respond = (res) => res.writeHead(204).end()
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  erp.closeAllConnections()
  await new Promise((done) => erp.close(done))
  rmSync(folder, { recursive: true, force: true })
})

async function start(example: string, env: Record<string, string> = {}): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', example)], {
    cwd: root,
    env: { ...process.env, PORT: '0', ERP_URL: erpUrl, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.push(child)
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /Listening on port (\d+)/.exec(line)?.[1]
    if (port !== undefined) return { child, url: `http://127.0.0.1:${port}/tradecloud/order` }
  }
  throw new Error(`${example} did not start`)
}

async function post(url: string, event: object = orderEvent({ version: ++version })) {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })
  return {
    status: response.status,
    body: (await response.json()) as { outcome?: string; code?: string; detail?: string },
  }
}

describe('the example server', () => {
  let url: string

  beforeAll(async () => {
    url = (await start('server.ts')).url
  })

  it.each([200, 201, 204])('an event that the ERP system takes with %d is delivered', async (status) => {
    respond = (res) => res.writeHead(status).end()
    expect(await post(url)).toMatchObject({ status: 200, body: { outcome: 'delivered' } })
    expect(written).toEqual(['POST event'])
  })

  it.each([400, 410, 413, 422, 451])('one that it refuses with %d is refused, with its text', async (status) => {
    respond = (res) => res.writeHead(status).end('item 4711 is unknown')
    const { status: answered, body } = await post(url)
    expect([answered, body.code]).toEqual([422, 'rejected'])
    expect(body.detail).toContain(`responded ${status}: item 4711 is unknown`)
  })

  it.each([401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429])('%d is not about the event', async (status) => {
    const event = orderEvent({ version: ++version })
    respond = (res) => res.writeHead(status).end()
    expect(await post(url, event)).toMatchObject({ status: 503, body: { code: 'handler_failed' } })
    respond = (res) => res.writeHead(204).end()
    expect(await post(url, event)).toMatchObject({ status: 200, body: { outcome: 'delivered' } })
  })

  it.each([301, 302, 303, 307, 308])('a redirect by %d is not followed', async (status) => {
    respond = (res) => {
      respond = (other) => other.writeHead(204).end()
      res.writeHead(status, { Location: '/elsewhere' }).end()
    }
    expect(await post(url)).toMatchObject({ status: 503 })
    expect(written).toEqual(['POST event'])
  })

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['500', (res) => res.writeHead(500).end('broken')],
    ['503', (res) => res.writeHead(503).end()],
    ['a connection that is cut', (res) => res.destroy()],
  ])('%s: the event is sent again', async (_what, failing) => {
    const event = orderEvent({ version: ++version })
    respond = failing
    expect(await post(url, event)).toMatchObject({ status: 503, body: { code: 'handler_failed' } })
    respond = (res) => res.writeHead(204).end()
    expect(await post(url, event)).toMatchObject({ status: 200, body: { outcome: 'delivered' } })
  })
})

describe('an ERP system that does not respond in time', () => {
  it.each<[string, (response: ServerResponse) => unknown]>([
    ['no response', () => undefined],
    ['a response that never ends', (res) => res.writeHead(200).write('.')],
    ['a refusal that never ends', (res) => res.writeHead(422).write('.')],
  ])('%s: the event is sent again', async (_what, failing) => {
    const { url } = await start('server.ts', { ERP_TIMEOUT_MS: '500' })
    const event = orderEvent({ version: ++version })
    respond = failing
    expect(await post(url, event)).toMatchObject({ status: 503, body: { code: 'handler_failed' } })
    respond = (res) => res.writeHead(204).end()
    while ((await post(url, event)).status !== 200) continue
  })
})

describe.each(['server.ts', 'durable-server.ts'])('%s', (example) => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s once the running callback has finished', async (signal) => {
    const { child, url } = await start(example, { INBOX_DIRECTORY: join(folder, `${example}-${signal}`) })
    const held = new Promise<ServerResponse>((hold) => {
      respond = hold
    })
    const posted = post(url)
    const erpResponse = await held
    const exited = once(child, 'exit')
    child.kill(signal)
    // Once it closes, nothing new is let in, not even what would be refused.
    while ((await post(url, { hello: 'world' })).status !== 503) continue
    erpResponse.writeHead(204).end()
    expect((await posted).status).toBe(example === 'server.ts' ? 200 : 202)
    expect(await exited).toEqual([0, null])
  })
})

/** Runs the example servers in processes of their own, and simulates the ERP system to which they write. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(__dirname, '..')

/** The body of a request that an example server sends. */
export interface Write {
  deliveryId: string
  event: { orderId: string; version: number }
}

/** An ERP system that responds as the test requires. */
export class ErpSystem {
  url = ''
  respond: (response: ServerResponse, write: Write) => unknown = (response) => response.writeHead(204).end()
  /** One entry per request. A GET would mean that the example server has followed a redirect. */
  written: string[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer((req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        this.written.push(`${req.method} ${text.length > 2 ? 'event' : 'nothing'}`)
        this.respond(res, JSON.parse(text || '{}') as Write)
      })
    })
  }

  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/orders`
  }

  reset(): void {
    this.written = []
    this.respond = (response) => response.writeHead(204).end()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }
}

export interface Example {
  child: ChildProcess
  url: string
  lines: string[]
}

const children = new Set<ChildProcess>()

/** Starts an example server, and resolves once it listens. */
export async function startExample(example: string, env: Record<string, string>): Promise<Example> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', example)], {
    cwd: root,
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.add(child)
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const ended = once(child, 'exit')
  for (;;) {
    const port = lines.map((line) => /Listening on port (\d+)/.exec(line)?.[1]).find((found) => found !== undefined)
    if (port !== undefined) return { child, lines, url: `http://127.0.0.1:${port}/tradecloud/order` }
    if (child.exitCode !== null) throw new Error(`${example} did not start`)
    await Promise.race([once(reader, 'line'), ended])
  }
}

/** Ends all example servers. To be called in `afterAll`. The processes of a cluster end with their primary. */
export function endExamples(): void {
  for (const child of children) child.kill('SIGKILL')
}

export async function post(url: string, event: object) {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })
  return {
    status: response.status,
    body: (await response.json()) as { outcome?: string; code?: string; detail?: string },
  }
}

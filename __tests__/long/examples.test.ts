/** The example servers, each in a process of its own, with an ERP system that responds as the test requires. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { orderEvent } from 'tradecloud-webhook/testing'
import { testCluster } from '../example-cluster'
import { endExamples, ErpSystem, post as postEvent, startExample } from '../example-servers'
import { until } from '../wait'

const erp = new ErpSystem()
let folder: string
let version = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tradecloud-examples-'))
  await erp.start()
})

beforeEach(() => erp.reset())

afterAll(async () => {
  endExamples()
  await erp.close()
  rmSync(folder, { recursive: true, force: true })
})

const start = (example: string, env: Record<string, string> = {}) => startExample(example, { ERP_URL: erp.url, ...env })
const post = (url: string, event: object = orderEvent({ version: ++version })) => postEvent(url, event)

describe('the example server', () => {
  let url: string

  beforeAll(async () => {
    url = (await start('server.ts')).url
  })

  it.each([200, 201, 204])('an event that the ERP system takes with %d is delivered', async (status) => {
    erp.respond = (res) => res.writeHead(status).end()
    expect(await post(url)).toMatchObject({ status: 200, body: { outcome: 'delivered' } })
    expect(erp.written).toEqual(['POST event'])
  })

  it.each([400, 410, 413, 422, 451])('one that it refuses with %d is refused, with its text', async (status) => {
    erp.respond = (res) => res.writeHead(status).end('item 4711 is unknown')
    const { status: answered, body } = await post(url)
    expect([answered, body.code]).toEqual([422, 'rejected'])
    expect(body.detail).toContain(`responded ${status}: item 4711 is unknown`)
  })

  it.each([401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429])('%d is not about the event', async (status) => {
    const event = orderEvent({ version: ++version })
    erp.respond = (res) => res.writeHead(status).end()
    expect(await post(url, event)).toMatchObject({ status: 503, body: { code: 'handler_failed' } })
    erp.respond = (res) => res.writeHead(204).end()
    expect(await post(url, event)).toMatchObject({ status: 200, body: { outcome: 'delivered' } })
  })

  it.each([301, 302, 303, 307, 308])('a redirect by %d is not followed', async (status) => {
    erp.respond = (res) => {
      erp.respond = (other) => other.writeHead(204).end()
      res.writeHead(status, { Location: '/elsewhere' }).end()
    }
    expect(await post(url)).toMatchObject({ status: 503 })
    expect(erp.written).toEqual(['POST event'])
  })

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['500', (res) => res.writeHead(500).end('broken')],
    ['503', (res) => res.writeHead(503).end()],
    ['a connection that is cut', (res) => res.destroy()],
  ])('%s: the event is sent again', async (_what, failing) => {
    const event = orderEvent({ version: ++version })
    erp.respond = failing
    expect(await post(url, event)).toMatchObject({ status: 503, body: { code: 'handler_failed' } })
    erp.respond = (res) => res.writeHead(204).end()
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
    erp.respond = failing
    expect(await post(url, event)).toMatchObject({ status: 503, body: { code: 'handler_failed' } })
    erp.respond = (res) => res.writeHead(204).end()
    while ((await post(url, event)).status !== 200) continue
  })
})

describe.each(['server.ts', 'durable-server.ts'])('%s', (example) => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s once the running callback has finished', async (signal) => {
    const { child, url } = await start(example, { INBOX_FILE: join(folder, `${example}-${signal}.db`) })
    const held = new Promise<ServerResponse>((hold) => {
      erp.respond = hold
    })
    const posted = post(url)
    const erpResponse = await held
    const exited = once(child, 'exit')
    child.kill(signal)
    // Waits until the server is closing: it then responds 503 to any request, even to an invalid event.
    while ((await post(url, { hello: 'world' })).status !== 503) continue
    erpResponse.writeHead(204).end()
    expect((await posted).status).toBe(example === 'server.ts' ? 200 : 202)
    expect(await exited).toEqual([0, null])
  })
})

test('durable-server.ts: what was answered before a kill is delivered after the next start', async () => {
  const env = { INBOX_FILE: join(folder, 'new', 'killed.db') }
  const { child, url } = await start('durable-server.ts', env)
  const called = new Promise((resolve) => (erp.respond = resolve))
  expect(await post(url)).toMatchObject({ status: 202, body: { outcome: 'queued' } })
  await called
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  erp.reset()
  const again = await start('durable-server.ts', env)
  await until(() => again.lines.some((line) => line.includes('(affected-lines, attempt 2)')), 'it was not delivered')
  expect(erp.written).toEqual(['POST event'])
})

describe('cluster.ts on a SQLite file', () => testCluster(() => ({ INBOX_FILE: join(folder, 'cluster.db') })))

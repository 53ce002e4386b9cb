/** `simulate` in a process of its own, against real servers. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, get, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createTradecloudWebhook, type OrderEvent, type TradecloudWebhookOptions } from '../../lib'
import type { SimulationModel } from '../../lib/cli/simulate/model'
import { freePort } from '../proxies/ports'
import { EVIL, UNPRINTABLE } from '../integration/evil-ids'
import { cleanUp, cli, commandLines, newFolder, onClose, onTerminal, startCli, type Ran } from './cli'

afterEach(cleanUp)

const SECRET = 's3cr3t-canary'
const env = { WEBHOOK_PASSWORD: SECRET, WEBHOOK_TOKEN: SECRET }

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onClose(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function start(options: Partial<TradecloudWebhookOptions> = {}) {
  const events: OrderEvent[] = []
  const webhook = createTradecloudWebhook({
    auth: { type: 'basic', username: 'me', password: SECRET },
    onOrder: (event) => void events.push(event),
    logger: { warn: () => undefined, error: () => undefined },
    ...options,
  })
  onClose(() => webhook.close())
  return { url: `${await listen((req, res) => webhook.listener(req, res))}/order`, events }
}

const words = (to: string, ...more: string[]): string[] => [
  'simulate',
  '--to',
  to,
  '--basic',
  'me',
  '--orders',
  '3',
  '--rate',
  '100/s',
  ...more,
]
const modelIn = ({ out }: Ran): SimulationModel => JSON.parse(out) as SimulationModel
const answering =
  (status: number, body = ''): RequestListener =>
  (req, res) =>
    void req.resume().on('end', () => res.writeHead(status).end(body))

test('each order is issued and accepted, and the end is reached by itself', async () => {
  const { url, events } = await start()
  const ran = await cli(words(url, '--seed', '7'), { env })
  expect([ran.code, ran.out]).toEqual([
    0,
    '3 orders, 6 events:\n  6 delivered\nThe API was asked for 0 orders, with 0 logins and 0 polls.\n',
  ])
  expect(ran.err).toMatch(
    /^API {2}http:\/\/127\.0\.0\.1:\d+\/v2 user integration@example\.com password simulator\nPage http:/,
  )
  const names = events.map(({ eventName }) => eventName).sort()
  expect(names).toEqual(
    [...Array<string>(3).fill('OrderIssuedByBuyer'), ...Array<string>(3).fill('OrderLinesAcceptedBySupplier')].sort(),
  )
  expect(new Set(events.map(({ orderId }) => orderId)).size).toBe(3)
  expect(events.flatMap(({ issues }) => issues)).toEqual([])
})

test('what is repeated arrives, and what is given up or cannot arrive decides the exit code', async () => {
  const failed = new Set<string>()
  const { url } = await start({
    onOrder: (event, { deliveryId }) => {
      if (failed.has(deliveryId)) return
      failed.add(deliveryId)
      throw new Error(`${event.orderId}: the ERP system is down`)
    },
  })
  const repeated = await cli(words(url, '--json'), { env })
  expect([repeated.code, modelIn(repeated)]).toMatchObject([0, { repeated: 6, counts: { delivered: 6 }, done: true }])
  const refused = await cli(words(url), { env: { WEBHOOK_PASSWORD: 'wrong' } })
  expect([refused.code, refused.out]).toEqual([
    1,
    expect.stringContaining('  6 given up: Tradecloud would not send them again\n'),
  ])
  expect(refused.out).toMatch(/PO-2026\/\d+ +OrderIssuedByBuyer +given up +1 +401 +unauthorized: The credentials/)
  const later = await cli(words(await listen(answering(503)), '--wait', '50ms'), { env })
  expect([later.code, later.out]).toEqual([3, expect.stringContaining('  6 still being repeated\n')])
  const either: RequestListener = (req, res) =>
    void text(req).then((body) => res.writeHead(body.includes('"OrderIssuedByBuyer"') ? 400 : 503).end())
  const both = await cli(words(await listen(either), '--wait', '5s'), { env })
  expect(both.out).toMatch(/3 given up[^]*3 still being repeated/)
  expect(both.code).toBe(1)
  const away = await cli(words('http://127.0.0.1:1/', '--orders', '1'), { env })
  expect([away.code, away.out]).toEqual([3, expect.stringMatching(/ECONNREFUSED[^]* 2 without a connection\n/)])
})

test('lost events: the API shows their orders, and tells whether they were fetched', async () => {
  const port = await freePort()
  const api = { baseUrl: `http://127.0.0.1:${port}/v2`, username: 'integration@example.com', password: 'simulator' }
  const { url, events } = await start({ api, fetch: 'always' })
  const run = (lose: string, seed: string) =>
    cli(words(url, '--lose', lose, '--api-port', String(port), '--seed', seed, '--json'), { env })
  expect(modelIn(await run('100%', '1'))).toMatchObject({ counts: { lost: 6, delivered: 0 }, recovered: 0 })
  expect(events).toEqual([])
  const model = modelIn(await run('40%', '5'))
  expect(model.counts.lost + model.counts.delivered).toBe(6)
  expect(model.counts.lost).toBeGreaterThan(0)
  expect(events).toHaveLength(model.counts.delivered)
  expect(events.map(({ completeness }) => completeness)).toEqual(events.map(() => 'all-lines'))
  const fetched = new Set(events.map(({ orderId }) => orderId))
  const recovered = model.events.filter(({ fate, orderId }) => fate === 'lost' && fetched.has(orderId))
  expect(model).toMatchObject({ recovered: recovered.length, api: { logins: 1, orderRequests: events.length } })
})

test('Ctrl-C ends it with the summary', async () => {
  const { url, events } = await start()
  const { child, ended } = startCli(['simulate', '--to', url, '--basic', 'me', '--rate', '1/h'], { env })
  await new Promise<void>((resolve) => child.stderr.on('data', (chunk: Buffer) => chunk.includes('Page') && resolve()))
  while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  child.kill('SIGINT')
  const { code, out } = await ended
  expect([code, out]).toEqual([expect.any(Number), expect.stringMatching(/\n? *1 order, 1 event:\n {2}[01] delivered/)])
})

test('another machine is asked for once', async () => {
  const to = 'http://erp.invalid/x'
  expect(await cli(['simulate', '--to', to])).toMatchObject({
    code: 2,
    err: expect.stringContaining('erp.invalid is not this machine: confirm with --yes.'),
  })
  const asked = await onTerminal(['simulate', '--to', to, '--orders', '5'], { answers: ['n'] })
  expect([asked.code, asked.out]).toEqual([
    1,
    expect.stringContaining('Send the events of 5 made-up orders to erp.invalid? [y/N]'),
  ])
  const sent = await cli(['simulate', '--to', to, '--orders', '1', '--rate', '100/s', '--wait', '0', '--yes'])
  expect(sent.code).toBe(3)
})

/** Requests a page, and resolves with its status, Content-Security-Policy and text. */
function load(url: string, host?: string): Promise<{ status: number; csp: string; text: string }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: host === undefined ? {} : { host } }, (res) => {
      let text = ''
      const csp = String(res.headers['content-security-policy'])
      res
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => resolve({ status: res.statusCode ?? 0, csp, text }))
    }).on('error', reject)
  })
}

test('the page: what became of each event, only under its own name, and as a file', async () => {
  const evil = `<script>alert(1)</script>${EVIL.filter((text) => text.length < 1_000).join('')}\u200b`
  // The responses wait until the page is loaded, because the simulation ends after the last response.
  let seen = (): void => undefined
  const loaded = new Promise<void>((resolve) => (seen = resolve))
  const url = await listen((req, res) => void loaded.then(() => answering(422, evil)(req, res)))
  const file = join(newFolder(), 'report.html')
  const { child, ended } = startCli(words(url, '--report', file), { env })
  const page = await new Promise<string>((resolve) => {
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
      const found = /Page (http\S+)\n/.exec(err)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  const live = await load(page)
  expect([live.status, live.text]).toEqual([200, expect.stringContaining('http-equiv="refresh"')])
  const style = /<style>([^]*?)<\/style>/.exec(live.text)?.[1] ?? ''
  expect(live.csp).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`)
  expect(live.csp).toContain("default-src 'none'")
  expect(await load(page, 'evil.example')).toMatchObject({ status: 403 })
  expect(await load(`${page}elsewhere`)).toMatchObject({ status: 404 })
  seen()
  const ran = await ended
  const report = readFileSync(file, 'utf8')
  expect(report).not.toContain('http-equiv="refresh"')
  for (const html of [live.text, report]) expect(html).not.toContain('<script')
  expect(report.match(/<td class="bad">given up<\/td>/g)).toHaveLength(6)
  for (const text of [live.text, report, ran.out, ran.err]) {
    for (const line of text.split('\n')) expect(line).not.toMatch(UNPRINTABLE)
    expect(text).not.toContain(SECRET)
  }
})

test('no secret in any output nor in ps', async () => {
  let processes = ''
  const url = await listen((req, res) => {
    processes += commandLines()
    // Some servers echo the request in their response.
    answering(400, `no: ${req.headers.authorization}, ${SECRET}`)(req, res)
  })
  const outputs = [await cli(words(url), { env })]
  outputs.push(await cli(['simulate', '--to', url, '--bearer', '--orders', '1', '--rate', '100', '--json'], { env }))
  expect(processes).toContain('simulate')
  for (const text of [processes, ...outputs.flatMap(({ out, err }) => [out, err])])
    for (const secret of [SECRET, Buffer.from(`me:${SECRET}`).toString('base64')]) expect(text).not.toContain(secret)
})

test('an API that cannot be started, and a report that cannot be written', async () => {
  const { url } = await start()
  const taken = new URL(url).port
  expect(await cli(words(url, '--api-port', taken), { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('EADDRINUSE'),
  })
  expect(await cli(words(url, '--report', '/nowhere/at/all'), { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('ENOENT'),
  })
})

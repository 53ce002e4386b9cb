/** Long lists over HTTP: interrupted runs, refused offsets, and slow pages. */
import { fork } from 'node:child_process'
import { createServer, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TradecloudClient } from 'tradecloud-webhook'
import { maximumOrderEvent, type TradecloudSimulator } from 'tradecloud-webhook/testing'
import { RateLimit } from '../../lib/api/rate-limit'
import { isFull } from '../size'
import { FROM, MINUTE, SETTLE, startClockedTradecloud, startPolling } from '../integration/catch-up-rig'
import { apiOf, closeAll, closeLater, temporaryFolder, temporaryInbox, until } from '../integration/harness'
import type { MemoryReport } from './catch-up-memory-process'

afterEach(closeAll)

/**
 * Returns the changed body of a response to a poll. If it returns `undefined`, the connection is closed before anything
 * is sent.
 */
type Amend = (body: Buffer) => Buffer | undefined

/** Starts a proxy for polls, and resolves with its base URL. */
async function startProxy(tradecloud: TradecloudSimulator, amend: Amend, bytesPerSecond = Infinity): Promise<string> {
  const { hostname, port } = new URL(tradecloud.baseUrl)
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const forwarded = request({ hostname, port, method, path, headers }, (answer: IncomingMessage) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const whole = Buffer.concat(chunks)
        const body = path?.endsWith('/poll') ? amend(whole) : whole
        if (body === undefined) return void outgoing.destroy()
        const kept = { ...answer.headers, 'content-length': body.length }
        delete kept['transfer-encoding']
        outgoing.writeHead(answer.statusCode ?? 200, kept)
        void write(body)
      })
    })
    const write = async (body: Buffer): Promise<void> => {
      const step = Math.min(body.length, Math.max(1, bytesPerSecond / 20))
      for (let at = 0; at < body.length && !outgoing.destroyed; at += step) {
        outgoing.write(body.subarray(at, at + step))
        if (bytesPerSecond < Infinity) await new Promise((resolve) => setTimeout(resolve, 50))
      }
      outgoing.end()
    }
    incoming.pipe(forwarded)
    forwarded.on('error', () => outgoing.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closeLater(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`
}

async function throughProxy(tradecloud: TradecloudSimulator, amend: Amend): Promise<TradecloudClient> {
  const baseUrl = await startProxy(tradecloud, amend)
  const client = new TradecloudClient({ ...apiOf(tradecloud), baseUrl, fetchTimeoutMs: 2_000 }, new RateLimit(Infinity))
  closeLater(() => client.close())
  return client
}

function lose(tradecloud: TradecloudSimulator, orders: number): void {
  for (let i = 0; i < orders; i++) {
    tradecloud.clock.advance(1_000)
    tradecloud.world.change(`PO-${i}`, { lines: ['a'], deliver: 'lose' })
  }
  tradecloud.clock.advance(SETTLE + MINUTE)
}

const ORDERS_ONLY = { shipments: false } as const

test('runs that are always cut off after 8 pages make progress, and nothing is missing', async () => {
  const tradecloud = await startClockedTradecloud()
  let pages = 0
  const api = await throughProxy(tradecloud, (body) => (++pages > 8 ? undefined : body))
  const { worker, calls } = startPolling(tradecloud, { api, catchUp: ORDERS_ONLY, inbox: temporaryInbox() })
  const count = 1_000
  lose(tradecloud, count)
  let runs = 0
  for (let error: unknown = true; error !== undefined && runs < 8; runs++) {
    pages = 0
    error = (await worker.catchUp()).error
  }
  expect(runs).toBeGreaterThan(1)
  expect(runs).toBeLessThan(8)
  await until(() => calls.length >= count)
  expect(new Set(calls.map(({ event }) => event.orderId)).size).toBe(count)
})

test('offsets above 1,000 are rejected: the list is begun again where it was reached', async () => {
  const tradecloud = await startClockedTradecloud({ poll: { maxOffset: 1_000 } })
  const { worker, calls } = startPolling(tradecloud, { catchUp: ORDERS_ONLY, inbox: temporaryInbox() })
  lose(tradecloud, 1_150)
  expect(await worker.catchUp()).toMatchObject({ error: undefined, recoveredTotal: 1_150 })
  await until(() => calls.length === 1_150)
})

test('an empty page before the total ends the run, and the cursor stays', async () => {
  const tradecloud = await startClockedTradecloud()
  let isBroken = true
  const api = await throughProxy(tradecloud, (body) => {
    const page = JSON.parse(body.toString()) as { data: unknown[]; total: number }
    const isLast = page.data.length < 100
    return Buffer.from(JSON.stringify(isBroken && isLast ? { ...page, data: [] } : page))
  })
  const { worker, calls } = startPolling(tradecloud, { api, catchUp: ORDERS_ONLY })
  lose(tradecloud, 150)
  const failed = await worker.catchUp()
  expect(failed).toMatchObject({
    to: undefined,
    error: { message: expect.stringContaining('page before the end is empty') },
  })
  isBroken = false
  expect((await worker.catchUp()).error).toBeUndefined()
  await until(() => calls.length === 150)
})

if (isFull)
  test('pages of maximum orders at 20 Mbit/s: continues with smaller pages, in at most 400 MB of memory', async () => {
    const tradecloud = await startClockedTradecloud()
    const [head = '', middle = '', tail = ''] = maximumOrder()
    let [pages, largest] = [0, 0]
    // The proxy generates the content, because the simulator would keep all of it in memory.
    const enlarge = (body: Buffer): Buffer => {
      const { data, ...rest } = JSON.parse(body.toString()) as { data: Array<{ id: string; lastUpdatedAt: string }> }
      const orders = data.map(({ id, lastUpdatedAt }) => `${head}${id}${middle}${lastUpdatedAt}${tail}`)
      const enlarged = Buffer.from(`{"data":[${orders.join()}],${JSON.stringify(rest).slice(1)}`)
      pages++
      largest = Math.max(largest, enlarged.length)
      return enlarged
    }
    const api = await startProxy(tradecloud, enlarge, 2_500_000)
    lose(tradecloud, 100)
    const options = {
      ...apiOf(tradecloud),
      baseUrl: api,
      file: join(temporaryFolder(), 'inbox.db'),
      from: FROM,
      orders: 100,
    }
    const child = fork(join(__dirname, 'catch-up-memory-process.ts'), [JSON.stringify(options)], {
      execArgv: ['--import', 'tsx'],
    })
    closeLater(async () => void child.kill('SIGKILL'))
    const [report] = (await once(child, 'message')) as [MemoryReport]
    expect([report.error, report.recoveredTotal]).toEqual([undefined, 100])
    expect(largest).toBeGreaterThan(100_000_000)
    expect(pages).toBeGreaterThan(4)
    process.stdout.write(
      `Peak of the memory: ${report.peak} MB, ${report.before} MB before the run, in ${pages} pages.\n`,
    )
    expect(report.peak).toBeLessThanOrEqual(400)
  })

/** An order as text, cut at its ID and its time, so that these can be inserted. */
function maximumOrder(): string[] {
  // A page of 100 of these orders has 140 MB, the size that Tradecloud documents.
  const { orderEvent } = maximumOrderEvent({ lines: 150, deliveries: 1 })
  return JSON.stringify({ id: 'ID-HERE', ...orderEvent, orderId: undefined, lastUpdatedAt: 'TIME-HERE' }).split(
    /ID-HERE|TIME-HERE/,
  )
}

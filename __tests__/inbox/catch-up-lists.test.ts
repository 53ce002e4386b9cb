/** Long lists over HTTP: interrupted runs, refused offsets, slow pages, and a long downtime. */
import { createServer, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { TradecloudClient } from 'tradecloud-webhook'
import { maximumOrderEvent, type TradecloudSimulator } from 'tradecloud-webhook/testing'
import { RateLimit } from '../../lib/api/rate-limit'
import { bySize, isFull } from '../size'
import { HOUR, MINUTE, SETTLE, startClockedTradecloud, startPolling } from '../integration/catch-up-rig'
import { apiOf, closeAll, closeLater, temporaryInbox, until } from '../integration/harness'

afterEach(closeAll)

/** Modifies the response to a poll: `undefined` closes the connection before anything is sent. */
type Amend = (body: Buffer) => Buffer | undefined

/** A client whose polls pass through a proxy. */
async function throughProxy(tradecloud: TradecloudSimulator, amend: Amend, bytesPerSecond = Infinity) {
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
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`
  const more = bytesPerSecond === Infinity ? { fetchTimeoutMs: 2_000 } : {}
  const client = new TradecloudClient({ ...apiOf(tradecloud), baseUrl, ...more }, new RateLimit(Infinity))
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

test('after two weeks of downtime no more than 1,000 found events wait, and each order is delivered in its last state', async () => {
  const tradecloud = await startClockedTradecloud()
  const inbox = temporaryInbox()
  const gate = { open: false, waiting: [] as Array<() => void> }
  const seen = new Map<string, string>()
  const { worker } = startPolling(tradecloud, {
    ...{ inbox, catchUp: ORDERS_ONLY, concurrency: 4 },
    onOrder: async (event) => {
      if (!gate.open) await new Promise<void>((resolve) => gate.waiting.push(resolve))
      expect((seen.get(event.orderId) ?? '') < (event.lastUpdatedAt ?? '')).toBe(true)
      seen.set(event.orderId, event.lastUpdatedAt ?? '')
    },
  })
  await worker.ready()
  const orders = bySize({ quick: 1_050, ci: 1_050, full: 5_000 })
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < orders; i++) {
      tradecloud.clock.advance(Math.floor((7 * 24 * HOUR) / orders))
      tradecloud.world.change(`PO-${i}`, { lines: ['a'], deliver: 'lose' })
    }
  }
  tradecloud.clock.advance(SETTLE + MINUTE)
  let isDone = false
  const running = worker.catchUp().finally(() => (isDone = true))
  await until(async () => (await inbox.stats()).waiting >= 990)
  // The run pauses and checks again a few times.
  for (let i = 0; i < 5; i++) await inbox.stats()
  const { waiting, running: atCallbacks } = await inbox.stats()
  expect([waiting + atCallbacks <= 1_000, isDone]).toEqual([true, false])
  gate.open = true
  for (const resolve of gate.waiting) resolve()
  expect(await running).toMatchObject({ error: undefined, recoveredTotal: orders })
  await until(() => seen.size === orders)
  for (const [id, lastUpdatedAt] of seen) expect(tradecloud.world.order(id)).toMatchObject({ lastUpdatedAt })
})

if (isFull)
  test('pages of maximum orders at 20 Mbit/s: continues with smaller pages', async () => {
    const tradecloud = await startClockedTradecloud()
    const [head = '', middle = '', tail = ''] = maximumOrder()
    let [pages, largest] = [0, 0]
    // Generated, because the simulator would hold all of them in memory.
    const enlarge = (body: Buffer): Buffer => {
      const { data, ...rest } = JSON.parse(body.toString()) as { data: Array<{ id: string; lastUpdatedAt: string }> }
      const orders = data.map(({ id, lastUpdatedAt }) => `${head}${id}${middle}${lastUpdatedAt}${tail}`)
      const enlarged = Buffer.from(`{"data":[${orders.join()}],${JSON.stringify(rest).slice(1)}`)
      pages++
      largest = Math.max(largest, enlarged.length)
      return enlarged
    }
    const api = await throughProxy(tradecloud, enlarge, 2_500_000)
    const delivered = new Set<string>()
    const { worker } = startPolling(tradecloud, {
      ...{ api, catchUp: ORDERS_ONLY, inbox: temporaryInbox(), concurrency: 2, validation: 'off' },
      onOrder: ({ orderId }) => void delivered.add(orderId),
    })
    lose(tradecloud, 100)
    expect(await worker.catchUp()).toMatchObject({ error: undefined, recoveredTotal: 100 })
    await until(() => delivered.size === 100)
    expect(largest).toBeGreaterThan(100_000_000)
    expect(pages).toBeGreaterThan(4)
  })

/** An order as text, split at its ID and its time. */
function maximumOrder(): string[] {
  // A page of 100 has 140 MB, the size that Tradecloud documents.
  const { orderEvent } = maximumOrderEvent({ lines: 150, deliveries: 1 })
  return JSON.stringify({ id: 'ID-HERE', ...orderEvent, orderId: undefined, lastUpdatedAt: 'TIME-HERE' }).split(
    /ID-HERE|TIME-HERE/,
  )
}

/**
 * Webhook, client and simulator together: dead tokens, a burst above the rate limit, and every fault of the API with the
 * answer that Tradecloud then gets. `BURST=1000` makes the burst longer.
 */
import express from 'express'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createTradecloudWebhook,
  TradecloudClient,
  type TradecloudClientOptions,
  type TradecloudWebhook,
  type TradecloudWebhookOptions,
} from 'tradecloud-webhook'
import { createTradecloudSimulator, order, type ApiFault, type TradecloudSimulator } from 'tradecloud-webhook/testing'

const auth = { type: 'bearer', token: 'webhook-canary' } as const
const BURST = Number(process.env.BURST ?? 40)

let tradecloud: TradecloudSimulator
let webhook: TradecloudWebhook
let client: TradecloudClient | undefined
let server: Server
let url: string
let delivered: string[]

type Access = Record<'baseUrl' | 'username' | 'password', string>

async function start(
  options: Partial<TradecloudWebhookOptions> = {},
  api: Partial<TradecloudClientOptions> | ((access: Access) => TradecloudClient) = {},
): Promise<void> {
  tradecloud = await createTradecloudSimulator({ retry: { startMs: 200, maxDelayMs: 2_000, jitter: true } })
  const { baseUrl, username, password } = tradecloud
  delivered = []
  client = typeof api === 'function' ? api({ baseUrl, username, password }) : undefined
  const settings = typeof api === 'function' ? {} : api
  webhook = createTradecloudWebhook({
    auth,
    api: client ?? { baseUrl, username, password, notFoundRetryMs: 0, ...settings },
    onOrder: (event) => void delivered.push(event.orderId),
    onOrderDocuments: () => undefined,
    onShipment: () => undefined,
    logger: { warn: () => undefined, error: () => undefined },
    ...options,
  })
  server = express().use('/tradecloud', webhook).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tradecloud/order/{orderId}`
}

afterEach(async () => {
  jest.restoreAllMocks()
  await webhook.close()
  await client?.close()
  await tradecloud.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Orders that the API knows, and a trigger for each. */
function triggersOf(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const known = order({ seed: i + 1, lines: 1 })
    tradecloud.api.setOrder(known.id, known)
    return { url, orderId: known.id, auth }
  })
}

test('30 GET triggers while both tokens are dead: one login, all delivered', async () => {
  await start()
  const [first, ...rest] = triggersOf(31)
  await tradecloud.send(first!)
  expect(tradecloud.api.counts.logins).toBe(1)
  tradecloud.api.expireTokens()
  tradecloud.api.expireRefreshTokens()
  const reports = await Promise.all(rest.map((trigger) => tradecloud.send(trigger)))
  expect(reports.map(({ attempts }) => attempts.map(({ status }) => status))).toEqual(rest.map(() => [200]))
  expect(tradecloud.api.counts.logins).toBe(2)
  expect(new Set(delivered).size).toBe(31)
  expect(tradecloud.api.busiestSecond()).toBeLessThanOrEqual(10)
})

test(
  `${BURST} GET triggers at once: never above 10 requests a second, none lost`,
  async () => {
    await start({ fetchTimeoutMs: 2_000, concurrency: 4 })
    const triggers = triggersOf(BURST)
    const report = await tradecloud.sendAll(triggers, { concurrency: BURST })
    expect(tradecloud.api.busiestSecond()).toBeLessThanOrEqual(10)
    const statuses = new Set(report.sent.flatMap(({ attempts }) => attempts.map(({ status }) => status)))
    expect([...statuses].filter((status) => ![200, 503, 504].includes(status ?? 0))).toEqual([])
    // More than the limit lets through in time: some have to come again.
    expect(statuses).toContain(504)
    expect(report.givenUp).toEqual([])
    expect(report.stillRetrying).toEqual([])
    expect(new Set(delivered).size).toBe(BURST)
  },
  60_000 + BURST * 400,
)

test('a client that is passed in keeps its own fetchTimeoutMs', async () => {
  const errors: Error[] = []
  await start({ onError: (error) => void errors.push(error.cause as Error) }, (access) => {
    return new TradecloudClient({ ...access, requestTimeoutMs: 5_000, fetchTimeoutMs: 700 })
  })
  const [trigger] = triggersOf(1)
  tradecloud.api.fault({ type: 'hang', endpoint: 'order' })
  const { attempts } = await tradecloud.send({ ...trigger!, retry: { maxAttempts: 1 } })
  expect(attempts.map(({ status }) => status)).toEqual([504])
  expect(errors[0]?.message).toContain('no answer within 700 ms')
})

describe('each fault of the API, the answer it makes, and the delivery once it is over', () => {
  const faults: Array<[string, ApiFault, number, string]> = [
    ['503', { type: 'status', status: 503 }, 502, 'fetch_failed'],
    ['500', { type: 'status', status: 500 }, 502, 'fetch_failed'],
    ['429', { type: 'status', status: 429 }, 502, 'fetch_failed'],
    ['403', { type: 'status', status: 403 }, 502, 'fetch_failed'],
    ['400', { type: 'status', status: 400 }, 502, 'fetch_failed'],
    ['a redirect', { type: 'status', status: 302, headers: { Location: 'http://127.0.0.1:9/' } }, 502, 'fetch_failed'],
    ['404', { type: 'status', status: 404 }, 503, 'not_found'],
    ['no answer', { type: 'hang' }, 504, 'fetch_timeout'],
    ['an answer that drips', { type: 'drip', everyMs: 20 }, 504, 'fetch_timeout'],
    ['an answer that is late', { type: 'delay', ms: 60_000 }, 504, 'fetch_timeout'],
    ['a connection that is cut', { type: 'cut', when: 'before' }, 502, 'fetch_failed'],
    ['an answer that is cut', { type: 'cut', when: 'middle' }, 502, 'fetch_failed'],
    ['HTML', { type: 'nonsense', body: 'html' }, 502, 'fetch_failed'],
    ['an empty body', { type: 'nonsense', body: 'nothing' }, 502, 'fetch_failed'],
    ['an object without an ID', { type: 'nonsense', body: 'object' }, 502, 'fetch_failed'],
    ['a list', { type: 'nonsense', body: 'list' }, 502, 'fetch_failed'],
    ['half a JSON', { type: 'nonsense', body: 'truncated' }, 502, 'fetch_failed'],
    ['no UTF-8', { type: 'nonsense', body: 'not-utf8' }, 502, 'fetch_failed'],
    ['300 MB of it', { type: 'huge', bytes: 300_000_000 }, 502, 'fetch_failed'],
  ]

  test.each(faults)('%s', async (_what, fault, status, code) => {
    // Attempts begin after 0, 225 and 675 ms, and there is no time for a fourth: chance must not let one be under way at the end.
    jest.spyOn(Math, 'random').mockReturnValue(0.9)
    await start({ fetchTimeoutMs: 1_500 }, { requestTimeoutMs: 400, maxResponseBytes: 1_000_000 })
    const [trigger] = triggersOf(1)
    const broken = tradecloud.api.fault({ ...fault, endpoint: 'order' })
    const failed = await tradecloud.send({ ...trigger!, retry: { maxAttempts: 1 } })
    expect(failed.attempts.map((attempt) => [attempt.status, JSON.parse(attempt.body)])).toMatchObject([
      [status, { code }],
    ])
    expect(JSON.stringify(failed)).not.toContain(tradecloud.password)
    expect(delivered).toEqual([])
    broken.clear()
    expect(await tradecloud.send(trigger!)).toMatchObject({ result: 'delivered' })
    expect(delivered).toEqual([trigger!.orderId])
  })

  test('our own credentials refused', async () => {
    await start({}, { password: 'wrong' })
    const [trigger] = triggersOf(1)
    const failed = await tradecloud.send({ ...trigger!, retry: { maxAttempts: 1 } })
    expect(failed.attempts.map(({ body }) => JSON.parse(body))).toMatchObject([{ status: 502, code: 'fetch_failed' }])
  })
})

/**
 * Webhook, client and simulator together, in real time: expired tokens, many triggers at once above the rate limit, and
 * a huge response. The environment variable `BURST` sets the number of triggers (default: 40).
 */
import { FetchingRig } from '../integration/fetching-rig'

const BURST = Number(process.env.BURST ?? 40)

let rig: FetchingRig

afterEach(() => rig.close())

test('30 GET triggers while both tokens are dead: one login, all delivered', async () => {
  rig = await FetchingRig.start()
  const [first, ...rest] = rig.triggers(31)
  await rig.tradecloud.send(first!)
  expect(rig.tradecloud.api.counts.logins).toBe(1)
  rig.tradecloud.api.expireTokens()
  rig.tradecloud.api.expireRefreshTokens()
  const reports = await Promise.all(rest.map((trigger) => rig.tradecloud.send(trigger)))
  expect(reports.map(({ attempts }) => attempts.map(({ status }) => status))).toEqual(rest.map(() => [200]))
  expect(rig.tradecloud.api.counts.logins).toBe(2)
  expect(new Set(rig.delivered).size).toBe(31)
  expect(rig.tradecloud.api.busiestSecond()).toBeLessThanOrEqual(10)
})

test(
  `${BURST} GET triggers at once: never above 10 requests a second, none lost`,
  async () => {
    rig = await FetchingRig.start({ fetchTimeoutMs: 2_000, concurrency: 4 })
    const triggers = rig.triggers(BURST)
    const report = await rig.tradecloud.sendAll(triggers, { concurrency: BURST })
    expect(rig.tradecloud.api.busiestSecond()).toBeLessThanOrEqual(10)
    const statuses = new Set(report.sent.flatMap(({ attempts }) => attempts.map(({ status }) => status)))
    expect([...statuses].filter((status) => ![200, 503, 504].includes(status ?? 0))).toEqual([])
    // There are more triggers than the rate limit allows within the time limit of a response, so some are retried.
    expect(statuses).toContain(504)
    expect(report.givenUp).toEqual([])
    expect(report.stillRetrying).toEqual([])
    expect(new Set(rig.delivered).size).toBe(BURST)
  },
  60_000 + BURST * 400,
)

test('300 MB in an answer of the API: 502', async () => {
  rig = await FetchingRig.start({}, { maxResponseBytes: 1_000_000 })
  const [trigger] = rig.triggers(1)
  const broken = rig.tradecloud.api.fault({ type: 'huge', bytes: 300_000_000, endpoint: 'order' })
  const failed = await rig.tradecloud.send({ ...trigger!, retry: { maxAttempts: 1 } })
  expect(failed.attempts.map(({ body }) => JSON.parse(body))).toMatchObject([{ status: 502, code: 'fetch_failed' }])
  broken.clear()
  expect(await rig.tradecloud.send(trigger!)).toMatchObject({ result: 'delivered' })
})

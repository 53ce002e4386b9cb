/** The rate limit of the simulated API, and its clock. */
import { busiestSecond, SimulatedRateLimit } from '../../lib/testing/api/rate-limit'
import { createTradecloudSimulator, type TradecloudSimulatorOptions } from '../../lib/testing/simulator'
import { ask, basicUser, bearer, login } from './simulator-client'

async function withSimulator<T>(
  options: TradecloudSimulatorOptions,
  run: (tradecloud: Awaited<ReturnType<typeof createTradecloudSimulator>>) => Promise<T>,
): Promise<T> {
  const tradecloud = await createTradecloudSimulator(options)
  try {
    return await run(tradecloud)
  } finally {
    await tradecloud.close()
  }
}

describe('the rate limit', () => {
  // Sends all requests at once, because a slow machine must not distribute them over more than a second.
  const burst = (baseUrl: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => ask(`${baseUrl}/order/1`)))

  it('answers ten and refuses the rest of a burst, login and unknown paths included, without Retry-After', async () => {
    await withSimulator({}, async ({ baseUrl, api }) => {
      const answers = await burst(baseUrl, 14)
      const refused = answers.filter(({ status }) => status === 429)
      expect(refused).toHaveLength(4)
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
      expect(refused[0]!.headers).not.toHaveProperty('retry-after')
      expect(api.requests.filter(({ status }) => status === 429)).toHaveLength(4)
      expect(api.busiestSecond()).toBe(14)
    })
  })

  it('does nothing for a request that it refuses, and uses up no fault', async () => {
    await withSimulator({ rateLimit: { perSecond: 1, retryAfter: 2 } }, async ({ baseUrl, api }) => {
      await ask(baseUrl)
      const fault = api.fault({ type: 'hang' })
      const refused = await ask(`${baseUrl}/authentication/login`, { headers: basicUser })
      expect(refused.status).toBe(429)
      expect(refused.headers['retry-after']).toBe('2')
      expect(refused.headers).not.toHaveProperty('set-authorization')
      expect(fault.hits).toBe(0)
    })
  })

  it('can be switched off', async () => {
    await withSimulator({ rateLimit: false }, async ({ baseUrl }) => {
      expect(new Set((await burst(baseUrl, 30)).map(({ status }) => status))).toEqual(new Set([401]))
    })
  })

  it('slides: a place is free a second after it was taken, and refusals take none', () => {
    const limit = new SimulatedRateLimit({ perSecond: 2 })
    const taken = [0, 600, 700, 999, 1000, 1001, 1599, 1600, 1601].filter((at) => limit.take(at))
    expect(taken).toEqual([0, 600, 1000, 1600])
  })

  it('is real time, whatever the clock says', async () => {
    await withSimulator({ rateLimit: { perSecond: 1 } }, async ({ baseUrl, clock }) => {
      await ask(baseUrl)
      clock.advance(60_000)
      expect((await ask(baseUrl)).status).toBe(429)
    })
  })

  it('counts the busiest second', () => {
    expect(busiestSecond([])).toBe(0)
    expect(busiestSecond([0, 999, 1000, 1999])).toBe(2)
    expect(busiestSecond([0, 500, 999, 1000])).toBe(3)
    expect(busiestSecond([0, 1, 2, 5000, 5001])).toBe(3)
  })

  it('notes when requests came', async () => {
    await withSimulator({}, async ({ baseUrl, api }) => {
      const before = performance.now()
      await ask(baseUrl)
      await ask(baseUrl)
      const [first, second] = api.requests.map(({ at }) => at)
      expect(first).toBeGreaterThanOrEqual(before)
      expect(second).toBeGreaterThan(first!)
      expect(second).toBeLessThanOrEqual(performance.now())
    })
  })
})

describe('the clock', () => {
  it('runs with the real one, and can be moved on', async () => {
    await withSimulator({}, async ({ clock }) => {
      expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
      clock.advance(3_600_000)
      expect(Math.abs(clock.now() - Date.now() - 3_600_000)).toBeLessThan(1000)
      expect(() => clock.advance(-1)).toThrow('-1')
      expect(() => clock.advance(NaN)).toThrow(TypeError)
    })
  })

  it('stands still where it was set, and writes times as Tradecloud does', async () => {
    await withSimulator({ startAt: new Date('2025-04-23T10:01:53.812Z') }, async ({ clock }) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(clock.timestamp()).toBe('2025-04-23T10:01:53.812Z')
      clock.advance(1)
      expect(clock.now()).toBe(Date.UTC(2025, 3, 23, 10, 1, 53, 813))
    })
  })

  it('decides when tokens end, and what time an answer says it is', async () => {
    await withSimulator({ startAt: new Date('2025-04-23T10:00:00Z') }, async (tradecloud) => {
      const { baseUrl, clock } = tradecloud
      const { access, refresh } = await login(tradecloud)
      const { exp } = JSON.parse(Buffer.from(access.split('.')[1]!, 'base64url').toString())
      expect(exp * 1000).toBe(Date.UTC(2025, 3, 23, 11))
      const statusNow = async () => (await ask(`${baseUrl}/order/1`, { headers: bearer(access) })).status
      clock.advance(3_599_999)
      expect(await statusNow()).toBe(404)
      clock.advance(1)
      expect(await statusNow()).toBe(401)
      clock.advance(23 * 3_600_000)
      const answer = await ask(`${baseUrl}/authentication/refresh`, { headers: { 'Refresh-Token': refresh } })
      expect(answer.status).toBe(401)
      expect(answer.headers.date).toBe('Thu, 24 Apr 2025 10:00:00 GMT')
    })
  })
})

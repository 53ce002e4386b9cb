/**
 * At most ten requests in any second, as the server counts them. Requests for a token go first; other waiters are
 * served first in, first out. An aborted waiter is removed.
 */
import { RateLimit } from '../../../lib/api/rate-limit'
import { busiestSecond, errorOf, setUp, status, until, withoutJitter, type Script } from './fake-api'

const { api, client } = setUp()

test('60 IDs at once: never above ten requests in any second, in order, with one login', async () => {
  const tradecloud = client({ requestsPerSecond: 10 })
  await Promise.all(Array.from({ length: 60 }, (_, i) => tradecloud.getOrder(`PO-${i}`)))
  expect(api().seen).toHaveLength(61)
  expect(busiestSecond(api().seen)).toBe(10)
  const batches = api()
    .seen.slice(1)
    .map(({ url }) => Math.floor((Number(url.split('-')[1]) + 1) / 10))
  expect(batches).toEqual([...batches].sort((one, other) => one - other))
})

test('the first requests, which need a connection each, are not caught up by the next ones', async () => {
  const tradecloud = client({ requestsPerSecond: 10 })
  // Sends the first request 300 ms after the client was created.
  const end = performance.now() + 300
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve))
  await Promise.all(Array.from({ length: 25 }, (_, i) => tradecloud.getOrder(`PO-${i}`)))
  expect(busiestSecond(api().seen)).toBeLessThanOrEqual(10)
})

test('retries, 401s and refreshes count as well', async () => {
  withoutJitter()
  const tradecloud = client({ requestsPerSecond: 5 })
  api().next('order', status(503), status(429), status(401), status(500))
  await Promise.all(Array.from({ length: 6 }, (_, i) => tradecloud.getOrder(`PO-${i}`)))
  expect(api().seen).toHaveLength(6 + 4 + 2)
  expect(busiestSecond(api().seen)).toBeLessThanOrEqual(5)
})

test('30 fetches at once with both tokens dead: one login, and no place is lost to a dead token', async () => {
  const tradecloud = client({ requestsPerSecond: 10 })
  await tradecloud.getOrder('1')
  api().accessTokens.clear()
  api().refreshTokens.clear()
  const from = api().seen.length
  const orders = await Promise.all(Array.from({ length: 30 }, (_, i) => tradecloud.getOrder(`PO-${i}`)))
  expect(orders).toHaveLength(30)
  const seen = api().seen.slice(from)
  expect(seen.filter(({ endpoint }) => endpoint === 'login')).toHaveLength(1)
  expect(seen.filter(({ endpoint }) => endpoint === 'refresh')).toHaveLength(1)
  // The API refuses only requests that were sent before the first 401 arrived. These are at most the requests of one
  // second.
  expect(seen.filter(({ endpoint }) => endpoint === 'order').length).toBeLessThanOrEqual(30 + 10)
  expect(busiestSecond(api().seen)).toBeLessThanOrEqual(10)
})

test('1,000 IDs at once: as many as fit into the deadline, the others end with it', async () => {
  const tradecloud = client({ requestsPerSecond: 10, fetchTimeoutMs: 4_000 })
  const started = performance.now()
  const ends = await Promise.allSettled(Array.from({ length: 1_000 }, (_, i) => tradecloud.getOrder(`PO-${i}`)))
  expect(performance.now() - started).toBeLessThan(6_000)
  const refused = ends.filter((end) => end.status === 'rejected')
  expect(1_000 - refused.length).toBeGreaterThanOrEqual(25)
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'fetch_timeout' })
  expect(busiestSecond(api().seen)).toBeLessThanOrEqual(10)
})

test('who waits ends at its deadline or signal, and the next in line takes the place', async () => {
  const tradecloud = client({ requestsPerSecond: 1 })
  const controller = new AbortController()
  const first = tradecloud.getOrder('1')
  const short = errorOf(tradecloud.fetchEntity('order', '2', { timeoutMs: 100 }))
  const aborted = errorOf(tradecloud.getOrder('3', { signal: controller.signal }))
  const last = tradecloud.getOrder('4')
  await until(() => api().count('login') === 1)
  controller.abort()
  expect(await short).toMatchObject({ code: 'fetch_timeout' })
  expect(await aborted).toMatchObject({ code: 'unavailable' })
  await Promise.all([first, last])
  expect(api().seen.map(({ url }) => url.split('/').at(-1))).toEqual(['login', '1', '4'])
})

test.each([1, 3])(
  'parallelRequests: %i',
  async (parallelRequests) => {
    const tradecloud = client({ parallelRequests, requestsPerSecond: 10 })
    const waiting: Array<() => void> = []
    let most = 0
    const hold: Script = (req, res) => {
      waiting.push(() => api().serve('order', req, res))
      most = Math.max(most, waiting.length)
    }
    api().always('order', hold)
    // A 401 in between causes a token refresh, which also counts towards `parallelRequests`.
    api().first('order', status(401))
    const orders = Promise.all(Array.from({ length: 6 }, (_, i) => tradecloud.getOrder(`PO-${i}`)))
    const letGo = setInterval(() => {
      if (waiting.length === parallelRequests || api().count('order') === 7) waiting.shift()?.()
    }, 5)
    expect((await orders).map(({ id }) => id)).toEqual(Array.from({ length: 6 }, (_, i) => `PO-${i}`))
    clearInterval(letGo)
    expect(most).toBe(parallelRequests)
  },
  15_000,
)

describe('RateLimit', () => {
  test('lets the next one in when a request ends, where only the number at the same time is limited', async () => {
    const limit = new RateLimit(Infinity, 2)
    const [first, second] = [await limit.take(), await limit.take()]
    const went: number[] = []
    const waiting = [3, 4].map((n) => limit.take().then((slot) => went.push(n) && slot))
    await new Promise((resolve) => setImmediate(resolve))
    expect(went).toEqual([])
    first?.done(true)
    await waiting[0]
    expect(went).toEqual([3])
    second?.done(false)
    await waiting[1]
    expect(went).toEqual([3, 4])
  })

  test('a cancelled place is free at once, a used one after a second and some slack', async () => {
    const limit = new RateLimit(1)
    ;(await limit.take())?.cancel()
    const slot = await limit.take()
    const started = performance.now()
    slot?.done(true)
    slot?.done(true)
    slot?.cancel()
    await limit.take()
    expect(performance.now() - started).toBeGreaterThan(1_000)
  })

  test('counts from when the request was answered, however long that takes', async () => {
    const limit = new RateLimit(1)
    const slot = await limit.take()
    const started = performance.now()
    setTimeout(() => slot?.done(true), 200)
    await limit.take()
    expect(performance.now() - started).toBeGreaterThan(1_200)
  })

  test('holds the place of a request without an answer for longer: it may still arrive', async () => {
    const limit = new RateLimit(2)
    const [unanswered, answered] = [await limit.take(), await limit.take()]
    const started = performance.now()
    unanswered?.done(false)
    answered?.done(true)
    await limit.take()
    expect(performance.now() - started).toBeGreaterThan(1_000)
    await limit.take()
    expect(performance.now() - started).toBeGreaterThan(2_000)
  })

  test('lets requests for a token go first, and forgets who gave up', async () => {
    const limit = new RateLimit(1)
    const slot = await limit.take()
    const went: string[] = []
    const controller = new AbortController()
    const take = async (name: string, first: boolean, signal?: AbortSignal) => {
      const taken = await limit.take({ first, signal })
      if (taken) went.push(name)
      taken?.cancel()
    }
    const all = [take('1', false), take('2', false, controller.signal), take('3', false), take('token', true)]
    controller.abort()
    expect(await limit.take({ signal: controller.signal })).toBeUndefined()
    slot?.cancel()
    await Promise.all(all)
    expect(went).toEqual(['token', '1', '3'])
  })

  test('sets no timer while no one waits', async () => {
    const limit = new RateLimit(2)
    const timers = () => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length
    const before = timers()
    ;(await limit.take())?.done(true)
    expect(timers()).toBe(before)
  })
})

/** Which events are taken from an inbox, and how long their callbacks occupy a slot. */
import type { Inbox, InboxDelivery } from '../../../../lib/inbox/inbox'
import { Taker } from '../../../../lib/deliver/stored/taker'

interface Due {
  bytes: number
  due: number
}

/** Returns the first due events that fit, as an inbox does. There is always a small event that is due. */
class Source {
  readonly taken: number[] = []
  waiting: Due[] = []

  take: Inbox['take'] = ({ limit, maxBytes }) => {
    this.waiting.push({ bytes: 1, due: performance.now() })
    const found = this.waiting
      .filter(({ bytes }) => bytes <= maxBytes)
      .sort((one, other) => one.due - other.due)
      .slice(0, limit)
    this.waiting = this.waiting.filter((one) => !found.includes(one))
    this.taken.push(...found.map(({ bytes }) => bytes))
    const deliveries = found.map(({ bytes }) => ({ bytes: { length: bytes } }) as InboxDelivery)
    return Promise.resolve({ deliveries, nextDueInMs: 0 })
  }
}

const inFlight = new Set<number>()
let most = 0

function start(
  source: Source,
  { concurrency = 4, shortestMs = 0, callbackMs = 100, handlerTimeoutMs = 60_000, fetchMs = 0 } = {},
) {
  const deliver = async ({ bytes: { length } }: InboxDelivery, onCall: () => void): Promise<void> => {
    const at = Math.random()
    inFlight.add(at)
    most = Math.max(most, inFlight.size)
    if (fetchMs > 0) await new Promise((resolve) => setTimeout(resolve, fetchMs))
    onCall()
    const smallMs = shortestMs + (callbackMs - shortestMs) * Math.random()
    await new Promise((resolve) => setTimeout(resolve, length > 1 ? 2 * callbackMs : smallMs))
    inFlight.delete(at)
  }
  const inbox = { take: source.take } as Inbox
  const taker = new Taker({ inbox, concurrency, maxBytesInFlight: 100, handlerTimeoutMs }, deliver)
  const running = taker.run()
  return async () => {
    taker.stop()
    await jest.advanceTimersByTimeAsync(10_000)
    await running
  }
}

beforeEach(() => {
  jest.useFakeTimers()
  inFlight.clear()
  most = 0
})
afterEach(() => jest.useRealTimers())

test.each([1, 4])(
  'bodies above maxBytesInFlight are taken beside small events that never end (%d slots)',
  async (slots) => {
    const source = new Source()
    source.waiting.push({ bytes: 500, due: 0 }, { bytes: 600, due: 1 }, { bytes: 101, due: 2 })
    const stop = start(source, { concurrency: slots })
    await jest.advanceTimersByTimeAsync(10_000)
    await stop()
    const large = source.taken.filter((bytes) => bytes > 1)
    expect(large).toEqual([500, 600, 101])
    // Small events were taken between the large ones.
    const between = source.taken.slice(source.taken.indexOf(500), source.taken.indexOf(600))
    expect(between.length).toBeGreaterThan(1)
  },
)

test('a callback frees its slot after handlerTimeoutMs, and the fetch before it does not count', async () => {
  const source = new Source()
  const stop = start(source, {
    concurrency: 1,
    fetchMs: 5_000,
    shortestMs: 50_000,
    callbackMs: 60_000,
    handlerTimeoutMs: 1_000,
  })
  source.waiting.push({ bytes: 2, due: 0 })
  await jest.advanceTimersByTimeAsync(5_900)
  expect(source.taken).toHaveLength(1)
  await jest.advanceTimersByTimeAsync(200)
  expect(source.taken).toHaveLength(2)
  expect(most).toBe(2)
  await stop()
})

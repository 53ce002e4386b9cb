/** How long to wait after failures in a row, and the loop that retries. */
import { backOffMs, persist } from '../../../lib/wait/back-off'
import { freezeClock, type Clock } from '../../clock'

it('each wait is twice the one before, up to the longest', () => {
  const waits = [1, 2, 3, 4, 5].map((failures) => backOffMs(failures, { firstMs: 100, maxMs: 1_000 }))
  expect(waits).toEqual([100, 200, 400, 800, 1_000])
  expect(backOffMs(3, { firstMs: 100, factor: 3 })).toBe(900)
  expect(backOffMs(5_000, { firstMs: 100, maxMs: 1_000 })).toBe(1_000)
})

it.each([
  [1, 0, 200],
  [0.5, 100, 200],
])('with a jitter of %p the second wait is between %p and %p ms', (jitter, least, most) => {
  const wait = (random: number) => backOffMs(2, { firstMs: 100, jitter }, () => random)
  expect(wait(0)).toBe(least)
  expect(wait(1)).toBe(most)
})

describe('persist', () => {
  let clock: Clock
  beforeEach(() => (clock = freezeClock()))
  afterEach(() => clock.stop())

  it('repeats the work until it succeeds, and reports each failure', async () => {
    const failures: unknown[] = []
    const calledAt: number[] = []
    const startedAt = performance.now()
    const done = persist(
      new AbortController().signal,
      async () => {
        calledAt.push(performance.now() - startedAt)
        if (calledAt.length < 4) throw calledAt.length
        return 'done'
      },
      (error) => failures.push(error),
    )
    await clock.wait(60_000)
    expect(await done).toBe('done')
    expect(failures).toEqual([1, 2, 3])
    expect(calledAt).toEqual([0, 50, 150, 350])
  })

  it('ends when the signal aborts', async () => {
    const abort = new AbortController()
    const work = jest.fn(() => Promise.reject(new Error('away')))
    const done = persist(abort.signal, work, () => undefined)
    await clock.wait(60)
    abort.abort()
    expect(await done).toBeUndefined()
    await clock.wait(60_000)
    expect(work).toHaveBeenCalledTimes(2)
  })
})

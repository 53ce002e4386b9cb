/** Interrupted runs, refused lists, and wrong clocks: at the end, nothing is missing. */
import { TradecloudApiError } from '../../../lib/api/api-error'
import { bySize } from '../../size'
import { EVERY, MINUTE, Rig, SETTLE, START, type RigOptions } from './rig'

const HOUR = 60 * MINUTE
const COUNT = bySize({ quick: 10, ci: 40, full: 1_000 })
const seeds = Array.from({ length: COUNT }, (_, i) => i + 1)

/** Makes changes while no catch-up runs. All their events are lost. */
function backlog(rig: Rig, { seed = 1, orders = 200, changes = 600, pauseMs = 20_000 } = {}): void {
  const history = { seed, orders, changes, pauseMs, lost: 1, delayed: 0, twice: 0, hidden: 0, busy: 0.05, shipments: 0 }
  for (const planned of rig.world.history(history)) {
    rig.clock.advance(planned.afterMs)
    rig.world.apply(planned)
  }
  startLater(rig)
}

/** Starts the catch-up after the settle time, so that all changes are old enough. */
function startLater(rig: Rig): void {
  rig.nextRunAt = rig.clock.now() + SETTLE + EVERY
}

async function runUntilDone(rig: Rig, mostRuns: number): Promise<number> {
  await rig.pass(SETTLE)
  for (let runs = 1; runs <= mostRuns; runs++) {
    rig.errors.length = 0
    await rig.pass(EVERY)
    if (rig.errors.length === 0) return runs
  }
  return Infinity
}

test('runs that are always cut off after 8 pages make progress, and nothing is missing', async () => {
  for (const seed of seeds.slice(0, COUNT / 10)) {
    const rig = new Rig({ limit: 10, pagesPerRun: 8 })
    backlog(rig, { seed })
    expect(await runUntilDone(rig, 12)).toBeLessThanOrEqual(12)
    expect({ seed, missing: rig.missing() }).toEqual({ seed, missing: [] })
  }
})

test('also if more has changed within the overlap than a run can read', async () => {
  const rig = new Rig({ limit: 10, pagesPerRun: 8 })
  backlog(rig, { pauseMs: 500 })
  expect(await runUntilDone(rig, 8)).toBeLessThanOrEqual(8)
  expect(rig.missing()).toEqual([])
})

test('a line that changed long before its order did is found by a run that continues another', async () => {
  const rig = new Rig({ limit: 2, pagesPerRun: 30, run: { sweep: false } })
  rig.world.change('busy', { lines: ['a'], deliver: 'lose' })
  for (let i = 0; i < 40; i++) {
    rig.clock.advance(MINUTE * 10)
    rig.world.change(`order-${i}`, { lines: [`${i}`], deliver: 'lose' })
  }
  rig.world.change('busy', { lines: ['b'], deliver: 'lose' })
  startLater(rig)
  expect(await runUntilDone(rig, 3)).toBe(2)
  expect(rig.missing()).toEqual([])
})

test('what becomes visible after a run was cut off, before the place where the next goes on, is found', async () => {
  const beforePage = ({ runs }: Rig, page: number) => {
    if (runs === 1 && page === 25) throw new TradecloudApiError('fetch_failed', 'cut off', { attempts: 1 })
  }
  const rig = new Rig({ limit: 2, beforePage, run: { sweep: false } })
  rig.nextRunAt = Infinity
  const change = async (id: string, visibleAfterMs = 0) => {
    rig.world.change(id, { lines: ['a'], deliver: 'lose', visibleAfterMs })
    await rig.pass(MINUTE / 2)
  }
  for (let i = 0; i < 10; i++) await change(`before-${i}`)
  await change('hidden', 20 * MINUTE)
  for (let i = 0; i < 30; i++) await change(`behind-${i}`)
  await expect(rig.run('order')).rejects.toThrow('cut off')
  expect(Date.parse(rig.storage.positions.get('order')?.partial?.after ?? '')).toBeGreaterThan(START + 6 * MINUTE)
  for (let i = 0; i < 120; i++) await change(`later-${i}`)
  await rig.run('order')
  await rig.pass(SETTLE)
  await rig.run('order')
  expect(rig.missing()).toEqual([])
})

test('a list continues behind more orders of the same millisecond than are read before it begins again', async () => {
  const rig = new Rig({ limit: 5 })
  for (let i = 0; i < 20; i++) {
    rig.clock.advance(1_000)
    rig.world.change(`before-${i}`, { lines: ['a'], deliver: 'lose' })
  }
  rig.clock.advance(1_000)
  for (let i = 0; i < 400; i++) rig.world.change(`same-${i}`, { lines: ['a'], deliver: 'lose' })
  rig.clock.advance(1_000)
  rig.world.change('behind', { lines: ['a'], deliver: 'lose' })
  startLater(rig)
  await rig.pass(SETTLE + EVERY)
  expect(rig.errors).toEqual([])
  expect(rig.ledger.given.size).toBe(2 * 421)
  expect(rig.requests).toBeLessThan(500)
})

test.each([2, 3, 4])(
  'a list by ID that only begins like one from the oldest change, cut off after %d pages: nothing is skipped',
  async (pagesPerRun) => {
    const rig = new Rig({ poll: { sort: 'id' }, limit: 20, pagesPerRun, run: { sweep: false } })
    rig.nextRunAt = Infinity
    const change = (id: string) => {
      rig.clock.advance(MINUTE)
      rig.world.change(id, { lines: ['a'], deliver: 'lose' })
    }
    // These orders change first, but are the last in the list, which is sorted by ID.
    for (let i = 0; i < 45; i++) change(`order-${900 + i}`)
    for (let i = 0; i < 45; i++) change(`order-${100 + i}`)
    await rig.pass(SETTLE)
    await expect(rig.run('order')).rejects.toThrow('cut off')
    rig.options.pagesPerRun = Infinity
    await rig.run('order')
    expect(rig.missing()).toEqual([])
  },
)

test('offsets above 1,000 are refused: the list is begun again where it was reached', async () => {
  const rig = new Rig({ poll: { maxOffset: 1_000 } })
  for (let i = 0; i < 2_500; i++) {
    rig.clock.advance(100)
    rig.world.change(`order-${i}`, { lines: [`${i}`], deliver: 'lose' })
  }
  startLater(rig)
  await rig.pass(SETTLE + EVERY)
  expect(rig.errors).toEqual([])
  expect(rig.ledger.given.size).toBe(5_000)
})

test.each([3, 10, 50])(
  'an empty page before the end is a failure, and the cursor stays: pages of %d',
  async (limit) => {
    let isBroken = true
    const rig = new Rig({ limit })
    const answer = rig.answer.bind(rig)
    rig.answer = function (...asked) {
      const page = answer.apply(this, asked)
      return isBroken && asked[2] + limit >= (page.total ?? 0) ? { ...page, data: [] } : page
    }
    backlog(rig, { orders: 30, changes: 60 })
    await rig.pass(SETTLE + 3 * EVERY)
    expect(rig.errors).toHaveLength(3)
    expect(rig.storage.positions.get('order')?.sweptAt).toBeUndefined()
    isBroken = false
    await rig.pass(EVERY)
    expect(rig.missing()).toEqual([])
  },
)

test('without the header Date nothing is delivered, and the cursor stays', async () => {
  const rig = new Rig()
  const answer = rig.answer.bind(rig)
  rig.answer = (...asked) => ({ ...answer(...asked), date: undefined })
  backlog(rig, { changes: 10 })
  await rig.pass(HOUR)
  expect(rig.errors).toHaveLength(rig.runs)
  expect(rig.errors[0]).toEqual(new Error('the answer of the API has no Date header, so nothing can be compared'))
  expect([rig.recovered, rig.storage.positions.get('order')]).toEqual([[], undefined])
})

async function playWith(options: RigOptions, seed: number, skews: Array<[at: number, ms: number]>, tailMs: number) {
  const rig = new Rig({ sinceMs: 3 * HOUR, ...options })
  let changes = 0
  for (const planned of rig.world.history({
    seed,
    existing: 0,
    changes: 60,
    untimed: 0,
    delayed: 0,
    twice: 0,
    gets: 0,
  })) {
    await rig.pass(planned.afterMs)
    for (const [at, ms] of skews) if (at === changes) rig.clock.skew(ms)
    changes++
    rig.world.apply(planned)
  }
  await rig.pass(tailMs)
  return rig
}

const TAIL = 5 * MINUTE + SETTLE + 2 * EVERY

test.each([HOUR, -HOUR])('a clock of the API that is wrong by %d ms all the time', async (skew) => {
  for (const seed of seeds) {
    const rig = await playWith({}, seed, [[0, skew]], TAIL)
    expect({ seed, missing: rig.missing() }).toEqual({ seed, missing: [] })
  }
})

test.each([HOUR, -HOUR])('a header Date that is wrong by %d ms', async (dateSkewMs) => {
  for (const seed of seeds) {
    const rig = await playWith({ dateSkewMs }, seed, [], TAIL)
    expect({ seed, missing: rig.missing() }).toEqual({ seed, missing: [] })
  }
})

test.each([HOUR, -HOUR])('a clock of the API that is wrong by %d ms for a while', async (skew) => {
  for (const seed of seeds) {
    const rig = await playWith(
      {},
      seed,
      [
        [15, skew],
        [40, 0],
      ],
      2 * HOUR,
    )
    expect({ seed, missing: rig.missing() }).toEqual({ seed, missing: [] })
  }
})

test.each(['asc', 'desc', 'id'] as const)('what changes while a run reads is not skipped: %s', async (sort) => {
  for (const seed of seeds) {
    const beforePage = (rig: Rig, page: number) => {
      if (rig.runs > 6) return
      rig.world.change(`order-${(page * seed) % 30}`, { lines: [`${rig.runs} ${page}`], deliver: 'lose' })
      rig.clock.advance(page * 100)
    }
    const rig = new Rig({ poll: { sort }, limit: 5, beforePage })
    backlog(rig, { seed, orders: 30, changes: 60 })
    while (rig.runs <= 6) await rig.pass(EVERY)
    await rig.pass(SETTLE + 2 * EVERY)
    expect({ seed, missing: rig.missing(), errors: rig.errors }).toEqual({ seed, missing: [], errors: [] })
  }
})

test('a change that becomes visible after hours is found by the sweep', async () => {
  const rig = new Rig({ run: { sweep: { everyMs: 6 * HOUR, backMs: 12 * HOUR } } })
  await rig.pass(HOUR)
  rig.world.change('late', { lines: ['a'], visibleAfterMs: 3 * HOUR, deliver: 'lose' })
  for (let i = 0; i < 24; i++) {
    await rig.pass(HOUR / 2)
    rig.world.change('other', { lines: [`${i}`] })
  }
  await rig.pass(EVERY)
  expect(rig.missing()).toEqual([])
  expect(rig.recovered.map(({ id }) => id)).toEqual(['late'])
})

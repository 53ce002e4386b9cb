/**
 * Several runs one after another, and their reports. Some runs are on demand, some lack the lease, and some read a list
 * that shows old states.
 */
import { LeaseLostError } from '../../../lib/inbox/catch-up/storage'
import { notOwnRequest } from '../../../lib/catch-up/want'
import { EVERY, MINUTE, Rig, SETTLE, START, type RigOptions } from './rig'

const lost = (rig: Rig, id: string, lines: string[] = ['a']) => rig.world.change(id, { lines, deliver: 'lose' })
const BEGIN = START + MINUTE
const at = (ms: number) => new Date(BEGIN + ms).toISOString()

function rigWith(options: RigOptions = {}): Rig {
  const rig = new Rig(options)
  rig.nextRunAt = Infinity
  // The changes of a test must be later than `START`, from which the first run reads.
  rig.clock.advance(MINUTE)
  return rig
}

describe('a run', () => {
  test('leaves a change to the webhook until it has settled, then delivers and names it', async () => {
    const rig = rigWith()
    lost(rig, 'o', ['a', 'b'])
    await rig.pass(SETTLE - 1)
    expect(await rig.run('order')).toMatchObject({ polled: 1, covered: 0, recoveredTotal: 0 })
    await rig.pass(1)
    expect(await rig.run('order')).toMatchObject({
      polled: 1,
      recovered: [{ kind: 'order', id: 'o', lines: ['a', 'b'], lastUpdatedAt: at(0) }],
    })
    expect(await rig.run('order')).toMatchObject({ polled: 1, covered: 1, recoveredTotal: 0 })
    expect(rig.storage.events.size).toBe(1)
  })

  test('compares by line: a newer event of another line covers neither', async () => {
    const rig = rigWith()
    lost(rig, 'o', ['a'])
    await rig.pass(MINUTE)
    rig.world.change('o', { lines: ['b'] })
    await rig.pass(SETTLE)
    expect((await rig.run('order')).recovered).toMatchObject([{ id: 'o', lines: ['a'] }])
  })

  test('delivers a documents change without calling it recovered', async () => {
    const rig = rigWith()
    rig.world.change('o', { eventName: 'OrderDocumentsAttachedBySupplier', lines: ['a'] })
    await rig.pass(SETTLE)
    expect(await rig.run('order')).toMatchObject({ covered: 1, recoveredTotal: 0 })
    expect([...rig.storage.events.values()]).toMatchObject([{ parts: [{ name: '' }, { name: 'line:a' }] }])
  })

  test('takes a GET trigger that waits for an arrival, until it was fetched', async () => {
    const rig = rigWith({ queueMs: 30 * MINUTE })
    rig.world.change('o', { lines: ['a'], method: 'GET' })
    await rig.pass(20 * MINUTE)
    expect(await rig.run('order')).toMatchObject({ covered: 1, recoveredTotal: 0 })
    await rig.pass(20 * MINUTE)
    expect(await rig.run('order')).toMatchObject({ covered: 1, recoveredTotal: 0 })
  })

  test('finds what has changed after the fetch of a GET trigger whose callback takes long, once it has ended', async () => {
    const rig = rigWith({ queueMs: MINUTE, run: { sweep: false } })
    rig.nextRunAt = rig.clock.now() + EVERY
    rig.storage.fetching.push('order o')
    lost(rig, 'o')
    lost(rig, 'other')
    for (let minute = 0; minute < 120; minute += 5) {
      await rig.pass(EVERY)
      rig.world.change('busy', { lines: ['a'] })
    }
    expect(rig.recovered.map(({ id }) => id)).toEqual(['other'])
    rig.storage.fetching.pop()
    await rig.pass(EVERY)
    expect(rig.recovered.map(({ id, lines }) => `${id} ${lines.join()}`)).toEqual(['other a', 'o a'])
  })

  test('does not compare lines with one ID by their time', async () => {
    const rig = rigWith({ form: 'singleDelivery' })
    const schedule = (...quantities: number[]) => quantities.map((quantity) => ({ quantity }))
    rig.world.change('o', { lines: [{ id: 'a', deliverySchedule: schedule(1, 2) }], form: 'singleDelivery' })
    await rig.pass(SETTLE)
    expect((await rig.run('order')).recovered).toEqual([])
    rig.world.change('o', {
      lines: [{ id: 'a', deliverySchedule: schedule(1, 3) }],
      form: 'singleDelivery',
      deliver: 'lose',
    })
    await rig.pass(SETTLE)
    expect((await rig.run('order')).recovered).toMatchObject([{ lines: ['a', 'a'] }])
  })

  test('compares a line without a time with the last that arrived', async () => {
    const rig = rigWith()
    const change = (reason: string, deliver: 'send' | 'lose') =>
      rig.world.change('o', { lines: [{ id: 'a', reason }], timed: false, deliver })
    for (const [reason, deliver] of [
      ['one', 'send'],
      ['two', 'send'],
      ['one', 'lose'],
    ] as const) {
      change(reason, deliver)
      await rig.pass(MINUTE)
    }
    await rig.pass(SETTLE)
    expect((await rig.run('order')).recovered).toMatchObject([{ id: 'o', lines: ['a'] }])
  })

  test('skips what is not wanted, and delivers it once it is', async () => {
    let isWanted = false
    const rig = rigWith({ want: () => isWanted })
    lost(rig, 'o')
    await rig.pass(SETTLE)
    expect(await rig.run('order')).toMatchObject({ skipped: 1, covered: 0, recoveredTotal: 0 })
    isWanted = true
    expect(await rig.run('order')).toMatchObject({ skipped: 0, recoveredTotal: 1 })
  })

  test('ends if want throws, and the cursor stays', async () => {
    const rig = rigWith({
      want: () => {
        throw new Error('no')
      },
    })
    lost(rig, 'o')
    await rig.pass(SETTLE)
    await expect(rig.run('order')).rejects.toThrow('no')
    expect(rig.storage.positions.size).toBe(0)
  })

  test('names the lines that are wanted, not the others', async () => {
    const rig = rigWith({ want: notOwnRequest('buyer') })
    const issued = { status: { processStatus: 'Issued' } }
    rig.world.change('o', {
      lines: [
        { id: 'a', ...issued },
        { id: 'b', status: { processStatus: 'Confirmed' } },
      ],
      deliver: 'lose',
    })
    await rig.pass(SETTLE)
    expect((await rig.run('order')).recovered).toMatchObject([{ lines: ['b'] }])
    expect((await rig.run('order')).recoveredTotal).toBe(0)
  })

  test('waits while too many found events wait', async () => {
    const pauses: number[] = []
    const rig = rigWith({
      run: {
        maxWaiting: { events: 2, bytes: 100 },
        pause: async () => void (rig.storage.waitingEvents.events = pauses.push(1) < 3 ? 2 : 1),
      },
    })
    lost(rig, 'o')
    await rig.pass(SETTLE)
    rig.storage.waitingEvents.events = 2
    expect((await rig.run('order')).recoveredTotal).toBe(1)
    expect(pauses).toHaveLength(3)
  })
})

describe('a list that is older than what arrived', () => {
  /**
   * The event about line a was lost. The event about lines b and c has arrived, but the list does not show their change
   * yet. With `isFetchOlder`, a fetched order does not show it either.
   */
  async function older(isFetchOlder: boolean) {
    const rig = rigWith({ poll: { listLagMs: () => (rig.clock.now() < START + 60 * MINUTE ? 30 * MINUTE : 0) } })
    lost(rig, 'o', ['a'])
    await rig.pass(SETTLE)
    rig.world.change('o', { lines: ['b', 'c'], visibleAfterMs: isFetchOlder ? 90 * MINUTE : 0 })
    await rig.pass(SETTLE)
    await rig.pass(15 * MINUTE)
    return rig
  }

  test('is fetched, and what the API shows is delivered', async () => {
    const rig = await older(false)
    expect((await rig.run('order')).recovered).toMatchObject([{ id: 'o', lines: ['a'], lastUpdatedAt: at(SETTLE) }])
  })

  test('is left for the next runs, and then delivered as outdated', async () => {
    const rig = await older(true)
    for (let i = 0; i < 3; i++) {
      expect((await rig.run('order')).recoveredTotal).toBe(0)
      expect(Date.parse(rig.storage.positions.get('order')!.cursor)).toBeLessThan(BEGIN)
      await rig.pass(EVERY)
    }
    expect((await rig.run('order')).recoveredTotal).toBe(1)
    expect([...rig.storage.events.values()]).toMatchObject([{ outdated: true, parts: [{ name: 'line:a' }] }])
  })
})

describe('on demand', () => {
  test('from a time, the cursor stays where it is', async () => {
    const rig = rigWith()
    rig.world.change('old', { lines: ['a'], agoMs: 60 * MINUTE, deliver: 'none' })
    await rig.pass(MINUTE)
    await rig.run('order')
    const before = rig.storage.positions.get('order')
    const result = await rig.run('order', { onDemand: { from: at(-90 * MINUTE) } })
    expect(result).toMatchObject({ from: at(-90 * MINUTE), recovered: [{ id: 'old' }] })
    expect(rig.storage.positions.get('order')).toBe(before)
  })

  test('dry: says what would be delivered, and stores nothing', async () => {
    const rig = rigWith()
    lost(rig, 'o')
    await rig.pass(SETTLE)
    expect(await rig.run('order', { onDemand: { dryRun: true } })).toMatchObject({ recovered: [{ id: 'o' }] })
    expect([rig.storage.events.size, rig.storage.rows, rig.storage.positions.size]).toEqual([0, 0, 0])
  })

  test.each([{ all: 'run 1' }, { from: at(-MINUTE) }])(
    '%j: a list that is older than what arrived is delivered as outdated',
    async (onDemand) => {
      const rig = rigWith()
      lost(rig, 'o', ['a'])
      await rig.pass(MINUTE)
      rig.world.change('o', { lines: ['b'], visibleAfterMs: 30 * MINUTE })
      await rig.pass(SETTLE)
      expect((await rig.run('order')).recoveredTotal).toBe(0)
      expect(await rig.run('order', { onDemand })).toMatchObject({ recovered: [{ id: 'o', lines: ['a'] }] })
      expect([...rig.storage.events.values()]).toMatchObject([{ outdated: true }])
    },
  )

  test('all, from a time: only the lines that changed since then', async () => {
    const rig = rigWith()
    rig.world.change('o', { lines: ['a'] })
    await rig.pass(MINUTE)
    rig.world.change('o', { lines: ['b'] })
    await rig.pass(SETTLE)
    expect(await rig.run('order', { onDemand: { from: at(1), all: 'run 1' } })).toMatchObject({
      recovered: [{ id: 'o', lines: ['b'] }],
    })
  })

  test('all: also what arrived before, under keys of its own', async () => {
    const rig = rigWith()
    rig.world.change('o', { lines: ['a'] })
    await rig.pass(SETTLE)
    expect(await rig.run('order', { onDemand: { all: 'run 1' } })).toMatchObject({
      recovered: [{ id: 'o', lines: ['a'] }],
    })
    await rig.run('order', { onDemand: { all: 'run 2' } })
    await rig.run('order', { onDemand: { all: 'run 2' } })
    expect(rig.storage.events.size).toBe(2)
    expect(rig.storage.positions.size).toBe(0)
  })

  test('from a time whose records are deleted: what a run has delivered before does not count as recovered', async () => {
    const rig = rigWith({ run: { sweep: false } })
    for (const id of ['o', 'p']) {
      lost(rig, id)
      for (let minute = 0; minute < 120; minute += 5) {
        await rig.pass(EVERY)
        await rig.run('order')
      }
    }
    expect(rig.storage.marks.has('order deliverySchedule o')).toBe(false)
    const result = await rig.run('order', { onDemand: { from: new Date(START).toISOString() } })
    expect(result).toMatchObject({ polled: 2, covered: 2, recoveredTotal: 0 })
    expect(rig.storage.events.size).toBe(2)
  })
})

test('a process that lost the lease while it stood still saves nothing', async () => {
  for (const lostAt of [1, 2]) {
    const rig = rigWith({
      beforePage: ({ storage }, page) => {
        if (page === lostAt) storage.holder = 'another'
      },
      limit: 10,
    })
    for (let i = 0; i < 15; i++) {
      lost(rig, `order-${i}`)
      await rig.pass(1)
    }
    await rig.pass(SETTLE + 1000)
    await expect(rig.run('order')).rejects.toThrow(LeaseLostError)
    expect(rig.storage.events.size).toBe(lostAt === 1 ? 0 : 10)
    expect(rig.storage.positions.size).toBe(0)
  }
})

test('a run that is killed is repeated, and stores nothing twice', async () => {
  for (let killedAt = 0; killedAt < 20; killedAt++) {
    let writes = 0
    const rig = rigWith({ limit: 3 })
    for (let i = 0; i < 20; i++) {
      lost(rig, `order-${i}`)
      await rig.pass(1)
    }
    await rig.pass(SETTLE + 1000)
    const save = rig.storage.savePosition.bind(rig.storage)
    const store = rig.storage.store.bind(rig.storage)
    const step = async <T>(write: () => Promise<T>): Promise<T> => {
      const done = await write()
      if (writes++ === killedAt) throw new Error('killed')
      return done
    }
    rig.storage.savePosition = (...given) => step(() => save(...given))
    rig.storage.store = (...given) => step(() => store(...given))
    await expect(rig.run('order')).rejects.toThrow('killed')
    await rig.run('order')
    expect(rig.missing()).toEqual([])
    expect(rig.storage.events.size).toBe(20)
  }
})

test('the cursor is saved after the events are stored, never before', async () => {
  const rig = rigWith({ limit: 3 })
  for (let i = 0; i < 30; i++) {
    lost(rig, `order-${i}`)
    await rig.pass(1000)
  }
  await rig.pass(2 * SETTLE)
  const save = rig.storage.savePosition.bind(rig.storage)
  const stored: number[] = []
  rig.storage.savePosition = async (lease, position) => {
    const reached = Date.parse(position.partial?.after ?? position.cursor)
    const passed = Array.from({ length: 30 }, (_, i) => i).filter((i) => BEGIN + i * 1000 <= reached)
    expect(rig.storage.events.size).toBeGreaterThanOrEqual(passed.length)
    stored.push(reached)
    return save(lease, position)
  }
  await rig.run('order')
  expect(stored.length).toBeGreaterThan(3)
})

test('the cursor goes by the clock at the beginning of a long run: what became visible during it is found', async () => {
  const rig = rigWith({
    limit: 3,
    run: { sweep: false, settleMs: 0 },
    beforePage: (rig, page) => {
      if (rig.runs > 1 || page > 40) return
      for (const id of [`new-${page}`, `more-${page}`]) {
        lost(rig, id)
        rig.clock.advance(1)
      }
      rig.clock.advance(page < 20 ? MINUTE / 2 : 4 * MINUTE)
    },
  })
  for (let i = 0; i < 10; i++) {
    lost(rig, `order-${i}`)
    await rig.pass(1000)
  }
  await rig.pass(30 * MINUTE)
  rig.world.change('hidden', { lines: ['a'], deliver: 'lose', visibleAfterMs: 9 * MINUTE })
  expect((await rig.run('order')).recovered.some(({ id }) => id === 'hidden')).toBe(false)
  await rig.pass(MINUTE)
  expect((await rig.run('order')).recovered.some(({ id }) => id === 'hidden')).toBe(true)
})

test('records of what arrived are bounded by the time that they are kept', async () => {
  const rig = new Rig({ run: { sweep: { everyMs: 20 * MINUTE, backMs: 40 * MINUTE } } })
  let most = 0
  for (let i = 0; i < 400; i++) {
    rig.world.change(`order-${i % 7}`, { lines: [`${i % 5}`] })
    await rig.pass(MINUTE)
    if (i === 100) most = rig.storage.rows
  }
  expect(rig.recovered).toEqual([])
  expect(rig.storage.rows).toBeLessThanOrEqual(most + 10)
})

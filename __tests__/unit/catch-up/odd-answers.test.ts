/** The API or the function `want` returns something invalid: nothing is lost, and the problem is reported. */
import { poll } from '../../../lib/api/poll'
import { EVERY, MINUTE, Rig, SETTLE, START, type RigOptions } from './rig'

const at = (ms: number) => new Date(START + ms).toISOString()

interface ListedOrder {
  id: string
  lastUpdatedAt: unknown
  lines: Array<{ id: string; lastUpdatedAt: string }>
}

/** Creates a rig whose API returns exactly these orders. */
function rigOf(orders: readonly unknown[], options: RigOptions = {}): Rig {
  const rig = new Rig(options)
  rig.nextRunAt = Infinity
  const answer = () => ({ data: [...orders], total: orders.length, lastUpdatedAt: undefined, date: rig.clock.now() })
  rig.source = () => ({
    read: (after) => poll({ after, limit: 100, ask: async () => answer(), fail: (text) => new Error(text) }),
    fetch: async () => undefined,
  })
  return rig
}

const order = (id: string, ms: number, lastUpdatedAt: unknown = at(ms)): ListedOrder => ({
  ...{ id, lastUpdatedAt },
  lines: [{ id: 'a', lastUpdatedAt: at(ms) }],
})

test.each([['middle'], ['last']])(
  'an order whose time cannot be parsed does not move the cursor: %s',
  async (place) => {
    const orders = [order('first', MINUTE), order('second', 2 * MINUTE)]
    orders.splice(place === 'last' ? 2 : 1, 0, order('odd', 1.5 * MINUTE, 'not a time'))
    const rig = rigOf(orders)
    await rig.pass(2 * SETTLE)
    expect(await rig.run('order')).toMatchObject({ recoveredTotal: 3 })
    expect(rig.storage.positions.get('order')?.cursor).toBe(at(2 * MINUTE))
    expect(await rig.run('order')).toMatchObject({ recoveredTotal: 0, covered: 3 })
  },
)

test('an empty list does not move the cursor', async () => {
  const orders = [order('only', 30 * MINUTE)]
  const rig = rigOf(orders)
  await rig.pass(2 * SETTLE + 30 * MINUTE)
  await rig.run('order')
  orders.pop()
  for (let runs = 0; runs < 3; runs++) expect(await rig.run('order')).toMatchObject({ polled: 0 })
  expect(rig.storage.positions.get('order')?.cursor).toBe(at(30 * MINUTE))
})

test('a run that continues another one and finds an empty list keeps what the other one has read', async () => {
  const rig = rigOf([])
  const position = { cursor: at(0), since: START, clock: START + 60 * MINUTE }
  const partial = { after: at(30 * MINUTE), horizon: START + 50 * MINUTE, isSweep: false }
  rig.storage.positions.set('order', { ...position, partial })
  await rig.pass(2 * SETTLE + 60 * MINUTE)
  expect(await rig.run('order')).toMatchObject({ polled: 0 })
  expect(rig.storage.positions.get('order')?.cursor).toBe(at(30 * MINUTE))
})

test('the cursor stays before a young line of an order whose time cannot be parsed', async () => {
  const rig = rigOf([order('odd', 2 * MINUTE, 'not a time'), order('other', 3 * MINUTE)], {
    run: { settleMs: 60 * MINUTE },
  })
  await rig.pass(30 * MINUTE)
  await rig.run('order')
  expect(rig.storage.positions.get('order')?.cursor).toBe(at(2 * MINUTE - 1))
})

test.each([
  ['a promise', async () => false],
  ['a promise that rejects', () => Promise.reject(new Error('no'))],
])('a want that returns %s ends the run', async (_what, want) => {
  const rig = rigOf([order('o', MINUTE)], { want: want as unknown as () => boolean })
  await rig.pass(SETTLE + EVERY)
  await expect(rig.run('order')).rejects.toThrow('`catchUp.want` returned a promise')
  expect([rig.storage.events.size, rig.storage.positions.size]).toEqual([0, 0])
})

test.each([[null], ['text'], [[]], [{}], [{ id: '' }]])(
  'what has no ID, such as %j, does not hold up the others, and is logged',
  async (odd) => {
    const rig = rigOf([order('first', MINUTE), odd, order('last', 2 * MINUTE)])
    await rig.pass(2 * SETTLE)
    expect(await rig.run('order')).toMatchObject({ polled: 2, recoveredTotal: 2 })
    expect(rig.withoutId).toEqual(['first'])
  },
)

test('if only the first response has no header Date, the next run finds its orders', async () => {
  const rig = new Rig({ limit: 10, run: { sweep: false } })
  const answer = rig.answer.bind(rig)
  rig.answer = (...asked) => ({ ...answer(...asked), ...(rig.requests === 1 && { date: undefined }) })
  rig.nextRunAt = START + 120 * MINUTE
  for (let i = 0; i < 30; i++) {
    rig.clock.advance(2 * MINUTE)
    rig.world.change(`order-${i}`, { lines: ['a'], deliver: 'lose' })
  }
  await rig.pass(60 * MINUTE + 2 * EVERY)
  expect([rig.missing(), rig.errors.length]).toEqual([[], 1])
})

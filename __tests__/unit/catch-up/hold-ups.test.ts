/** Changes that cannot be read, or are read too late, do not delay the other changes. */
import { TradecloudApiError } from '../../../lib/api/api-error'
import { EVERY, MINUTE, Rig, SETTLE, START } from './rig'

const HOUR = 60 * MINUTE
const ids = (rig: Rig) => rig.recovered.map(({ id, lines }) => `${id} ${lines.join()}`)

test.each([403, 500, undefined])(
  'an order whose fetch always fails with %p: the others are delivered, and it is too, as outdated',
  async (apiStatus) => {
    const rig = new Rig({ poll: { listLagMs: 30_000 } })
    const [source, outdated] = [rig.source.bind(rig), [] as boolean[]]
    const fetch = () => Promise.reject(new TradecloudApiError('fetch_failed', 'failed', { attempts: 1, apiStatus }))
    rig.source = (kind) => ({ ...source(kind), fetch })
    rig.storage.onStored = (found) => void outdated.push(found.outdated)
    rig.clock.advance(MINUTE)
    rig.world.change('odd', { lines: ['a', 'b'] })
    await rig.pass(1_000)
    rig.world.change('odd', { lines: ['b'], deliver: 'lose' })
    await rig.pass(1_000)
    rig.world.change('other', { lines: ['c'], deliver: 'lose' })
    // A newer state of line a has arrived. The list never shows this state, so the catch-up fetches the order.
    const marks = [{ name: 'line:a', time: START + 10 * HOUR, hash: 'newer' }]
    rig.storage.arrive({ kind: 'order', id: 'odd', form: 'deliverySchedule', marks })
    await rig.pass(SETTLE + 2 * EVERY)
    expect(ids(rig)).toEqual(['other c'])
    await rig.pass(15 * MINUTE)
    expect([ids(rig), rig.errors, outdated]).toEqual([['other c', 'odd b'], [], [false, true]])
  },
)

test('a run that is ended while it fetches an order stores nothing more', async () => {
  const rig = new Rig()
  const source = rig.source.bind(rig)
  const stop = new AbortController()
  const fetch = async () => {
    stop.abort(new Error('closing'))
    throw new TradecloudApiError('unavailable', 'aborted', { attempts: 1 })
  }
  rig.source = (kind) => ({ ...source(kind), fetch })
  rig.nextRunAt = Infinity
  rig.clock.advance(MINUTE)
  rig.world.change('o', { lines: ['b'], deliver: 'lose' })
  const marks = [
    { name: 'line:b', time: START, hash: 'older' },
    { name: '', time: START + HOUR, hash: 'newer' },
  ]
  rig.storage.arrive({ kind: 'order', id: 'o', form: 'deliverySchedule', marks })
  await rig.pass(SETTLE)
  await expect(rig.run('order', { signal: stop.signal })).rejects.toThrow('closing')
  expect([rig.storage.positions.size, rig.storage.seen.size]).toEqual([0, 0])
})

test.each(['asc', 'desc', 'id'] as const)(
  'a list in order %s that is too long for a sweep: what never arrived is found without one',
  async (sort) => {
    const sweep = { everyMs: 2 * HOUR, backMs: 6 * HOUR }
    const rig = new Rig({ poll: { sort, maxOffset: 100 }, limit: 10, run: { sweep } })
    for (let i = 0; i < 300; i++) {
      const id = `order-${String((i * 7_919) % 300).padStart(3, '0')}`
      rig.world.change(id, { lines: ['a'], deliver: i >= 290 ? 'lose' : 'send' })
      await rig.pass(MINUTE)
    }
    await rig.pass(SETTLE + 2 * EVERY)
    expect(rig.storage.events.size).toBe(10)
    // With the sort order `asc`, the list is read in parts, and no run fails. With the other sort orders, some runs try
    // a sweep and fail.
    expect(rig.errors.length === 0).toBe(sort === 'asc')
    expect(rig.storage.positions.get('order')!.clock).toBeGreaterThan(rig.clock.now() - 2 * EVERY)
  },
)

test('a busy order whose list is always behind: what never arrived is delivered as outdated', async () => {
  const rig = new Rig({ form: 'singleDelivery', poll: { listLagMs: 2 * MINUTE } })
  rig.clock.advance(MINUTE)
  rig.world.change('o', { lines: ['a', 'b'], form: 'singleDelivery' })
  await rig.pass(MINUTE)
  rig.world.change('o', { lines: ['b'], form: 'singleDelivery', deliver: 'lose' })
  for (let i = 0; i < 90; i++) {
    await rig.pass(MINUTE / 2)
    rig.world.change('o', { lines: ['a'], form: 'singleDelivery' })
  }
  expect(ids(rig)).toEqual(['o b'])
})

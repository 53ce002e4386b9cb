/** The header `Date` of the API jumps back: in a single wrong response, or because the API's clock was set back. */
import { EVERY, MINUTE, Rig, SETTLE } from './rig'

const DAY = 24 * 60 * MINUTE
const WRONG = expect.objectContaining({ message: expect.stringContaining('earlier than in the last run') })

/** Creates a rig with changes during half a day, whose events have all arrived. */
async function healthy(): Promise<Rig> {
  const rig = new Rig()
  for (let i = 0; i < 12; i++) {
    await rig.pass(60 * MINUTE)
    rig.world.change(`order-${i}`, { lines: ['a'] })
    rig.world.changeShipment(`shipment-${i}`)
  }
  await rig.pass(SETTLE + EVERY)
  return rig
}

test('one wrong answer ends the run: nothing is forgotten, and nothing is delivered again', async () => {
  const rig = await healthy()
  const { rows } = rig.storage
  const cursor = rig.storage.positions.get('order')?.cursor
  rig.options.dateSkewMs = -DAY
  await rig.pass(EVERY)
  expect(rig.errors).toEqual([WRONG, WRONG])
  expect([rig.storage.rows, rig.storage.positions.get('order')?.cursor]).toEqual([rows, cursor])
  rig.options.dateSkewMs = 0
  expect(Date.parse((await rig.run('order')).from)).toBeGreaterThan(rig.clock.now() - 60 * MINUTE)
  await rig.pass(DAY)
  expect(rig.recovered).toEqual([])
  expect(rig.errors).toHaveLength(2)
})

test('neither does the same answer, given again by a cache, nor another one after some good ones', async () => {
  const rig = await healthy()
  const answer = rig.answer.bind(rig)
  const date = rig.clock.now() - DAY
  const wrongRuns = async (runs: number): Promise<void> => {
    rig.answer = (...asked) => ({ ...answer(...asked), date })
    await rig.pass(runs * EVERY)
    rig.answer = answer
    await rig.pass(2 * EVERY)
  }
  await wrongRuns(3)
  rig.options.dateSkewMs = -DAY + 60 * MINUTE
  await rig.pass(EVERY)
  rig.options.dateSkewMs = 0
  await rig.pass(DAY)
  expect(rig.recovered).toEqual([])
  expect(rig.errors).toEqual(Array.from({ length: 8 }, () => WRONG))
})

test('a clock that was set back is noticed by one run and confirmed by the next, which finds all changes since', async () => {
  const rig = await healthy()
  rig.nextRunAt = Infinity
  rig.clock.skew(-DAY / 4)
  rig.world.change('order-11', { lines: ['a'], deliver: 'lose' })
  await rig.pass(20 * MINUTE)
  await expect(rig.run('order')).rejects.toEqual(WRONG)
  await rig.pass(20 * MINUTE)
  expect((await rig.run('order')).recovered).toMatchObject([{ id: 'order-11', lines: ['a'] }])
  expect((await rig.run('order')).recovered).toEqual([])
})

test('an on-demand run forgets nothing', async () => {
  const rig = await healthy()
  const { rows } = rig.storage
  rig.options.dateSkewMs = -DAY
  for (const onDemand of [{ all: 'run 1' }, { from: new Date(rig.since).toISOString() }, { dryRun: true }])
    await rig.run('order', { onDemand: { dryRun: true, ...onDemand } })
  await rig.run('order', { onDemand: { from: new Date(rig.clock.now()).toISOString() } })
  expect(rig.storage.rows).toBe(rows)
})

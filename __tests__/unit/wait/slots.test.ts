/** The limit of concurrent callbacks is never exceeded, slots are given in order of arrival, and no slot is lost. */
import { Slots } from '../../../lib/wait/queues'

function take(slots: Slots) {
  const seen: { got?: boolean } = {}
  if (slots.tryTake()) return { seen: { got: true }, cancel: () => undefined }
  const { taken, cancel } = slots.wait()
  void taken.then((got) => (seen.got = got))
  return { seen, cancel }
}

const settle = () => new Promise(setImmediate)

it('gives as many as there are, and then one for each that comes back, in order', async () => {
  const slots = new Slots(2)
  const takers = [1, 2, 3, 4].map(() => take(slots))
  const got = async () => {
    await settle()
    return takers.map(({ seen }) => seen.got)
  }
  expect(await got()).toEqual([true, true, undefined, undefined])
  slots.give()
  expect(await got()).toEqual([true, true, true, undefined])
  slots.give()
  expect(await got()).toEqual([true, true, true, true])
})

it('one that cancels gets none, and the next is not held up', async () => {
  const slots = new Slots(1)
  const [, second, third] = [take(slots), take(slots), take(slots)]
  second.cancel()
  second.cancel()
  await settle()
  expect([second.seen.got, third.seen.got]).toEqual([false, undefined])
  slots.give()
  await settle()
  expect(third.seen.got).toBe(true)
})

it('cancelling does not take a slot back that was given, nor give one twice', async () => {
  const slots = new Slots(1)
  const first = take(slots)
  const second = take(slots)
  first.cancel()
  slots.give()
  second.cancel()
  await settle()
  expect([first.seen.got, second.seen.got]).toEqual([true, true])
  const third = take(slots)
  await settle()
  expect(third.seen.got).toBeUndefined()
})

it('slots that all came back are all there again', async () => {
  const slots = new Slots(3)
  for (let round = 0; round < 3; round++) {
    const takers = Array.from({ length: 6 }, () => take(slots))
    takers.slice(3).forEach(({ cancel }) => cancel())
    await settle()
    expect(takers.map(({ seen }) => seen.got)).toEqual([true, true, true, false, false, false])
    for (let i = 0; i < 3; i++) slots.give()
  }
})

it('runs work in a slot, in order, also after work that failed', async () => {
  const slots = new Slots(1)
  const order: string[] = []
  const work = (name: string, fails = false) =>
    slots.run(async () => {
      order.push(`${name} begins`)
      await settle()
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  expect(await Promise.allSettled([work('a', true), work('b')])).toMatchObject([
    { reason: new Error('a') },
    { value: 'b' },
  ])
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

/** The order of arrival while some bodies take long to read. */
import { ArrivalOrder } from '../../../lib/wait/arrivals'

/** Waits until all promises that can settle have settled. */
const settled = (): Promise<void> => new Promise(setImmediate)

function setUp() {
  const arrivals = new ArrivalOrder()
  const passed: string[] = []
  const arrive = (name: string, key?: string) => {
    const arrival = arrivals.begin(key)
    return { arrival, wait: () => void arrivals.turnOf(arrival).then(() => passed.push(name)) }
  }
  return { arrivals, passed, arrive }
}

it('those of the same key pass in the order of arrival, others at once', async () => {
  const { arrivals, passed, arrive } = setUp()
  const [first, second, other, third] = [arrive('1', 'A'), arrive('2', 'A'), arrive('other', 'B'), arrive('3', 'A')]
  for (const one of [third, other, second]) one.wait()
  await settled()
  expect(passed).toEqual(['other'])
  first.arrival.leave()
  await settled()
  expect(passed).toEqual(['other', '2'])
  second.arrival.leave()
  await settled()
  expect(passed).toEqual(['other', '2', '3'])
  for (const one of [other, third]) one.arrival.leave()
  expect(arrivals.open.size).toBe(0)
})

it('while a key is not known, everything that came later waits', async () => {
  const { passed, arrive } = setUp()
  const before = arrive('before', 'B')
  const unknown = arrive('unknown')
  const [other, same] = [arrive('other', 'B'), arrive('same', 'A')]
  for (const one of [before, other, same]) one.wait()
  await settled()
  expect(passed).toEqual(['before'])
  before.arrival.leave()
  unknown.arrival.key = 'A'
  unknown.arrival.leave()
  await settled()
  expect(passed).toEqual(['before', 'other', 'same'])
})

it('once a key is known, only what has the same key waits on', async () => {
  const { passed, arrive } = setUp()
  const unknown = arrive('unknown')
  const [other, same] = [arrive('other', 'B'), arrive('same', 'A')]
  for (const one of [other, same]) one.wait()
  await settled()
  unknown.arrival.key = 'A'
  await settled()
  expect(passed).toEqual(['other'])
  unknown.arrival.leave()
  await settled()
  expect(passed).toEqual(['other', 'same'])
})

it('what is given up holds nothing up', async () => {
  const { arrivals, passed, arrive } = setUp()
  const given = arrive('given up')
  const next = arrive('next', 'A')
  next.wait()
  given.arrival.leave()
  given.arrival.leave()
  await settled()
  expect(passed).toEqual(['next'])
  next.arrival.leave()
  expect(arrivals.open.size).toBe(0)
})

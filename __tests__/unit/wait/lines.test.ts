/** One queue per key: its entries run one after another, other keys do not wait, and no entry is forgotten. */
import { Lines, type Place, type Turn } from '../../../lib/wait/queues'

const WAIT = 10_000

beforeEach(() => jest.useFakeTimers())
afterEach(() => jest.useRealTimers())

const settle = () => jest.advanceTimersByTimeAsync(0)

/** Records how the wait in the queue ended. */
function watch(place: Place | undefined): { turn?: Turn } {
  const seen: { turn?: Turn } = {}
  void Promise.resolve(place!.turn).then((turn) => (seen.turn = turn))
  return seen
}

it('lets one go after the other, in order of arrival', async () => {
  const lines = new Lines(8, WAIT)
  const places = [1, 2, 3].map(() => lines.enter('order:1')!)
  const seen = places.map(watch)
  for (const i of [0, 1, 2]) {
    await settle()
    expect(seen.map(({ turn }) => turn)).toEqual([0, 1, 2].map((n) => (n <= i ? 'mine' : undefined)))
    lines.leave(places[i]!)
  }
})

it('does not hold up other entities', async () => {
  const lines = new Lines(8, WAIT)
  lines.enter('order:1')
  const other = watch(lines.enter('order:2'))
  await settle()
  expect(other.turn).toBe('mine')
})

it('lets eight wait and sends the ninth away', () => {
  const lines = new Lines(8, WAIT)
  const places = Array.from({ length: 9 }, () => lines.enter('order:1'))
  expect(places.every((place) => place !== undefined)).toBe(true)
  expect(lines.enter('order:1')).toBeUndefined()
  expect(lines.enter('order:2')).toBeDefined()
  lines.leave(places[4]!)
  expect(lines.enter('order:1')).toBeDefined()
  expect(lines.enter('order:1')).toBeUndefined()
})

it('ends the waiting after its time, counted from the arrival', async () => {
  const lines = new Lines(8, WAIT)
  lines.enter('order:1')
  const second = lines.enter('order:1')!
  const third = lines.enter('order:1')!
  const seen = watch(second)
  await jest.advanceTimersByTimeAsync(4000)
  const seenLater = watch(third)
  await jest.advanceTimersByTimeAsync(5999)
  expect([seen.turn, seenLater.turn]).toEqual([undefined, undefined])
  await jest.advanceTimersByTimeAsync(1)
  expect([seen.turn, seenLater.turn]).toEqual(['waited_too_long', 'waited_too_long'])
})

it('one that asks when its time is over already is told so', async () => {
  const lines = new Lines(8, WAIT)
  lines.enter('order:1')
  const second = lines.enter('order:1')!
  await jest.advanceTimersByTimeAsync(WAIT + 5000)
  const seen = watch(second)
  await settle()
  expect(seen.turn).toBe('waited_too_long')
})

it('the one whose turn it is has all the time in the world', async () => {
  const lines = new Lines(8, WAIT)
  const first = lines.enter('order:1')!
  await jest.advanceTimersByTimeAsync(100 * WAIT)
  expect(await first.turn).toBe('mine')
  expect(jest.getTimerCount()).toBe(0)
})

it('one that is abandoned leaves, and the next goes on', async () => {
  const lines = new Lines(8, WAIT)
  const [first, second, third] = [1, 2, 3].map(() => lines.enter('order:1')!) as [Place, Place, Place]
  const seen = [watch(first), watch(second), watch(third)]
  second.wake!('abandoned')
  lines.leave(second)
  await settle()
  expect(seen.map(({ turn }) => turn)).toEqual(['mine', 'abandoned', undefined])
  lines.leave(first)
  await settle()
  expect(seen[2]!.turn).toBe('mine')
})

it('one that was abandoned before it asked is told so', async () => {
  const lines = new Lines(8, WAIT)
  lines.enter('order:1')
  const second = lines.enter('order:1')!
  second.wake!('abandoned')
  expect(await second.turn).toBe('abandoned')
  expect(jest.getTimerCount()).toBe(0)
})

it('one that is still leaving when its turn comes passes it on', async () => {
  const lines = new Lines(8, WAIT)
  const [first, second, third] = [1, 2, 3].map(() => lines.enter('order:1')!) as [Place, Place, Place]
  const seen = [watch(first), watch(second), watch(third)]
  second.wake!('waited_too_long')
  lines.leave(first)
  await settle()
  expect(seen[1]!.turn).toBe('waited_too_long')
  lines.leave(second)
  await settle()
  expect(seen[2]!.turn).toBe('mine')
})

it('a turn does not change once it is told', async () => {
  const lines = new Lines(8, WAIT)
  const first = lines.enter('order:1')!
  const second = lines.enter('order:1')!
  lines.leave(first)
  second.wake!('abandoned')
  expect([await first.turn, await second.turn]).toEqual(['mine', 'mine'])
})

it('leaving twice wakes no event too early', async () => {
  const lines = new Lines(8, WAIT)
  const [first, second, third] = [1, 2, 3].map(() => lines.enter('order:1')!) as [Place, Place, Place]
  const seen = [watch(second), watch(third)]
  lines.leave(first)
  lines.leave(first)
  await settle()
  expect(seen.map(({ turn }) => turn)).toEqual(['mine', undefined])
  lines.leave(second)
  await settle()
  expect(seen[1]!.turn).toBe('mine')
})

it('leaves no timer behind', async () => {
  const lines = new Lines(8, WAIT)
  const places = [1, 2, 3].map(() => lines.enter('order:1')!)
  places.forEach(watch)
  expect(jest.getTimerCount()).toBe(2)
  lines.leave(places[2]!)
  expect(jest.getTimerCount()).toBe(1)
  lines.leave(places[0]!)
  await settle()
  expect(jest.getTimerCount()).toBe(0)
})

it('a line that has become empty begins anew', async () => {
  const lines = new Lines(8, WAIT)
  lines.leave(lines.enter('order:1')!)
  expect(await lines.enter('order:1')!.turn).toBe('mine')
})

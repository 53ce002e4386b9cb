/** Whose turn it is: one at a time for each entity, in order, and nobody held up by others. */
import { Lines, type Entry } from '../../../lib/inbox/file/lines'

const now = 1_700_000_000_000
beforeEach(() => {
  jest.useFakeTimers({ now })
})
afterEach(() => {
  jest.useRealTimers()
})

let sequence = 0
function entry(id: string, entity?: string, more: Partial<Entry> = {}): Entry {
  return {
    info: {
      id,
      trigger: 'body',
      kind: 'order',
      eventName: undefined,
      entity: entity === undefined ? undefined : { kind: 'order', id: entity },
      receivedAt: '',
      requestId: '',
      bytes: 0,
    },
    place: 'waiting',
    state: 'waiting',
    size: 0,
    stored: undefined,
    sequence: ++sequence,
    attempts: 0,
    firstAttemptAt: undefined,
    dueAt: 0,
    reason: undefined,
    replay: false,
    ...more,
  }
}

function setup() {
  const state = { ready: 0 }
  const lines = new Lines(() => {
    state.ready++
  })
  const next = () => lines.next()?.info.id
  return { lines, next, state }
}

test('the head of each line, the next one only when it has left', () => {
  const { lines, next } = setup()
  const first = entry('a1', 'A')
  for (const one of [first, entry('a2', 'A'), entry('b1', 'B')]) lines.add(one)
  expect([next(), next(), next()]).toEqual(['a1', 'b1', undefined])
  lines.remove(first)
  expect([next(), next()]).toEqual(['a2', undefined])
})

test('an order and a shipment with the same ID, and events of nobody, do not wait for each other', () => {
  const { lines, next } = setup()
  const shipment = entry('s', 'X')
  shipment.info.entity = { kind: 'shipment', id: 'X' }
  for (const one of [entry('o', 'X'), shipment, entry('n1'), entry('n2')]) lines.add(one)
  expect([next(), next(), next(), next()]).toEqual(['o', 's', 'n1', 'n2'])
})

test('one that is being stored holds its place: those behind it wait', () => {
  const { lines, next, state } = setup()
  const storing = entry('a1', 'A', { state: 'storing' })
  lines.add(storing)
  lines.add(entry('a2', 'A'))
  expect(next()).toBeUndefined()
  storing.state = 'waiting'
  const before = state.ready
  lines.update(storing)
  expect(state.ready).toBe(before + 1)
  expect([next(), next()]).toEqual(['a1', undefined])
})

test('one that could not be stored leaves, and those behind it go on', () => {
  const { lines, next } = setup()
  const storing = entry('a1', 'A', { state: 'storing' })
  lines.add(storing)
  lines.add(entry('a2', 'A'))
  lines.remove(storing)
  expect(next()).toBe('a2')
})

test('one that is not due holds up its own line until it is', () => {
  const { lines, next, state } = setup()
  lines.add(entry('a1', 'A', { dueAt: now + 1000 }))
  lines.add(entry('a2', 'A'))
  lines.add(entry('b1', 'B'))
  expect([next(), next()]).toEqual(['b1', undefined])
  const before = state.ready
  jest.advanceTimersByTime(999)
  expect([state.ready, next()]).toEqual([before, undefined])
  jest.advanceTimersByTime(1)
  expect([state.ready, next(), next()]).toEqual([before + 1, 'a1', undefined])
})

test('one that was due and is put off before its turn is not handed out', () => {
  const { lines, next } = setup()
  const one = entry('a1', 'A')
  lines.add(one)
  one.dueAt = now + 50
  lines.update(one)
  expect(next()).toBeUndefined()
  one.dueAt = 0
  lines.update(one)
  expect(next()).toBe('a1')
})

test('one that is read from disk later takes its place by its number, but never before one that runs', () => {
  const { lines, next } = setup()
  const [first, second, third] = [entry('a1', 'A'), entry('a2', 'A'), entry('a3', 'A')]
  for (const one of [third, first]) lines.add(one)
  expect(next()).toBe('a1')
  lines.add(second)
  lines.remove(first)
  const zero = entry('a0', 'A', { sequence: 0 })
  expect(next()).toBe('a2')
  lines.add(zero)
  expect(next()).toBeUndefined()
  lines.remove(second)
  expect(next()).toBe('a0')
})

test('one that is too large for now waits, and nothing overtakes it', () => {
  const { lines } = setup()
  const large = entry('a1', 'A')
  large.info.bytes = 100
  for (const one of [large, entry('b1', 'B')]) lines.add(one)
  expect(lines.next(99)).toBeUndefined()
  expect(lines.next(100)?.info.id).toBe('a1')
  expect(lines.next(0)?.info.id).toBe('b1')
})

test('a line that is served goes behind those that wait', () => {
  const { lines, next } = setup()
  const first = entry('a1', 'A')
  for (const one of [first, entry('a2', 'A'), entry('b1', 'B'), entry('c1', 'C')]) lines.add(one)
  next()
  lines.remove(first)
  expect([next(), next(), next()]).toEqual(['b1', 'c1', 'a2'])
})

test('only a trigger with an ID that has not begun can stand for another', () => {
  const { lines, next } = setup()
  const entity = { kind: 'order', id: 'A' } as const
  lines.add(entry('a1', 'A'))
  const get = entry('g', 'A')
  get.info.trigger = 'id'
  expect(lines.joinable(entity)).toBeUndefined()
  lines.add(get)
  expect(lines.joinable(entity)).toBe(get)
  expect(lines.joinable({ kind: 'shipment', id: 'A' })).toBeUndefined()
  const [a1] = [next()]
  expect(a1).toBe('a1')
  get.state = 'running'
  expect(lines.joinable(entity)).toBeUndefined()
  get.state = 'storing'
  expect(lines.joinable(entity)).toBe(get)
})

test('after clear() nothing is handed out and no timer is left', () => {
  const { lines, next } = setup()
  lines.add(entry('a1', 'A', { dueAt: now + 1000 }))
  lines.add(entry('b1', 'B'))
  lines.clear()
  expect(next()).toBeUndefined()
  expect(jest.getTimerCount()).toBe(0)
})

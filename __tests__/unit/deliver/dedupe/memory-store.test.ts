/** The store of one process: which keys are claimed and remembered, and for how long. */
import fc from 'fast-check'
import { MemoryStore } from '../../../../lib/deliver/dedupe/memory-store'
import { isTradecloudWebhookError } from '../../../../lib/errors/errors'

const TTL = 1000

beforeEach(() => jest.useFakeTimers({ now: 1_000_000 }))
afterEach(() => jest.useRealTimers())

function claim(store: MemoryStore, key: string): string {
  const result = store.claim(key)
  if (result.status !== 'claimed') throw new Error(`${key} is ${result.status}`)
  return result.token
}

function complete(store: MemoryStore, ...keys: string[]): void {
  for (const key of keys) store.complete(key, claim(store, key), TTL)
}

it('gives a key to one at a time', () => {
  const store = new MemoryStore()
  const token = claim(store, 'a')
  expect(store.claim('a')).toEqual({ status: 'in_progress' })
  expect(store.claim('b').status).toBe('claimed')
  expect(store.renew('a', token)).toBe(true)
})

it('a claim never runs out by itself', () => {
  const store = new MemoryStore()
  const token = claim(store, 'a')
  jest.advanceTimersByTime(10 * 24 * 3_600_000)
  expect(store.claim('a')).toEqual({ status: 'in_progress' })
  expect(store.renew('a', token)).toBe(true)
  expect(store.complete('a', token, TTL)).toBe(true)
})

it('a released key can be claimed again', () => {
  const store = new MemoryStore()
  const first = claim(store, 'a')
  store.release('a', first)
  const second = claim(store, 'a')
  expect(second).not.toBe(first)
})

it('a completed key is remembered for its time and no longer', () => {
  const store = new MemoryStore()
  expect(store.complete('a', claim(store, 'a'), TTL)).toBe(true)
  expect(store.claim('a')).toEqual({ status: 'completed' })
  jest.advanceTimersByTime(TTL - 1)
  expect(store.claim('a')).toEqual({ status: 'completed' })
  jest.advanceTimersByTime(1)
  expect(store.claim('a').status).toBe('claimed')
})

it.each([0, -1, -1e12, NaN])('a key that is remembered for %p ms can be claimed again', (ttlMs) => {
  const store = new MemoryStore({ maxKeys: 4 })
  for (let i = 0; i < 20; i++) {
    store.complete('a', claim(store, 'a'), ttlMs)
    jest.advanceTimersByTime(1)
  }
  complete(store, 'b')
  expect(store.claim('b')).toEqual({ status: 'completed' })
})

it('a key that is completed again is remembered from then on', () => {
  const store = new MemoryStore()
  complete(store, 'a')
  jest.advanceTimersByTime(TTL)
  complete(store, 'a')
  jest.advanceTimersByTime(TTL - 1)
  expect(store.claim('a')).toEqual({ status: 'completed' })
})

const methods = ['renew', 'complete', 'release'] as const
it.each(methods)('%s with a token that does not hold the key changes nothing', (method) => {
  const store = new MemoryStore()
  const old = claim(store, 'a')
  store.release('a', old)
  const now = claim(store, 'a')
  const call = (key: string, token: string) =>
    method === 'complete' ? store.complete(key, token, TTL) : store[method](key, token)
  for (const [key, token] of [
    ['a', old],
    ['a', 'x'],
    ['b', now],
  ] as const) {
    expect(call(key, token)).toBe(method === 'release' ? undefined : false)
  }
  expect(store.claim('a')).toEqual({ status: 'in_progress' })
  expect(store.claim('b').status).toBe('claimed')
  expect(store.complete('a', now, TTL)).toBe(true)
})

it('a claim can be settled once', () => {
  const store = new MemoryStore()
  const token = claim(store, 'a')
  store.complete('a', token, TTL)
  expect(store.renew('a', token)).toBe(false)
  expect(store.complete('a', token, 5 * TTL)).toBe(false)
  store.release('a', token)
  expect(store.claim('a')).toEqual({ status: 'completed' })
  jest.advanceTimersByTime(TTL)
  expect(store.claim('a').status).toBe('claimed')
})

it('forgets the keys that were completed first, and at least the newer half stays', () => {
  const store = new MemoryStore({ maxKeys: 10 })
  const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`)
  complete(store, ...keys)
  const remembered = keys.filter((key) => {
    const result = store.claim(key)
    if (result.status === 'claimed') store.release(key, result.token)
    return result.status === 'completed'
  })
  expect(remembered.length).toBeLessThanOrEqual(10)
  expect(remembered).toEqual(keys.slice(-remembered.length))
  expect(remembered.length).toBeGreaterThanOrEqual(5)
})

it('never forgets a claim that runs, however many keys come after it', () => {
  const store = new MemoryStore({ maxKeys: 2 })
  const token = claim(store, 'running')
  complete(store, ...Array.from({ length: 50 }, (_, i) => `key ${i}`))
  expect(store.claim('running')).toEqual({ status: 'in_progress' })
  expect(store.complete('running', token, TTL)).toBe(true)
  expect(store.claim('running')).toEqual({ status: 'completed' })
})

it.each(['complete', 'release'] as const)('a claim that outlives many others can still be settled: %s', (method) => {
  const store = new MemoryStore({ maxKeys: 4 })
  const token = claim(store, 'running')
  complete(store, ...Array.from({ length: 50 }, (_, i) => `key ${i}`))
  expect(store.renew('running', token)).toBe(true)
  if (method === 'complete') store.complete('running', token, TTL)
  else store.release('running', token)
  expect(store.claim('running').status).toBe(method === 'complete' ? 'completed' : 'claimed')
})

it('claims that run take no room from completed keys', () => {
  const store = new MemoryStore({ maxKeys: 10 })
  for (let i = 0; i < 50; i++) claim(store, `running ${i}`)
  const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`)
  complete(store, ...keys)
  for (const key of keys.slice(-5)) expect(store.claim(key)).toEqual({ status: 'completed' })
  for (const key of keys.slice(0, -10)) expect(store.claim(key).status).toBe('claimed')
})

it('remembers by the clock of the process: a system clock that is set changes nothing', () => {
  const store = new MemoryStore()
  complete(store, 'a')
  jest.setSystemTime(0)
  expect(store.claim('a')).toEqual({ status: 'completed' })
  jest.setSystemTime(1_000_000 + 10 * TTL)
  expect(store.claim('a')).toEqual({ status: 'completed' })
})

it('whatever happens, tells of each key what is true of it, also of keys that end alike', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'same ending', 'other, same ending', 'a third, same ending')
  const step = fc.record({ key, then: fc.constantFrom('complete', 'release', 'run on') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      // There is room for all keys, so none is forgotten.
      const store = new MemoryStore({ maxKeys: 12 })
      const running = new Map<string, string>()
      const completed = new Set<string>()
      for (const { key, then } of steps) {
        const result = store.claim(key)
        expect(result.status).toBe(completed.has(key) ? 'completed' : running.has(key) ? 'in_progress' : 'claimed')
        const token = result.status === 'claimed' ? result.token : running.get(key)
        if (token === undefined) continue
        running.set(key, token)
        if (then === 'run on') continue
        running.delete(key)
        if (then === 'release') store.release(key, token)
        else if (store.complete(key, token, TTL)) completed.add(key)
      }
    }),
  )
})

it('does not mix up keys with names of object properties', () => {
  const store = new MemoryStore()
  for (const key of ['__proto__', 'constructor', '']) expect(store.claim(key).status).toBe('claimed')
})

it('remembers 100,000 keys, the newer half at least, unless told otherwise', () => {
  const store = new MemoryStore()
  const keys = Array.from({ length: 120_000 }, (_, i) => `key ${i}`)
  complete(store, ...keys)
  expect(store.claim(keys.at(-50_000)!)).toEqual({ status: 'completed' })
  expect(store.claim(keys[0]!).status).toBe('claimed')
})

it.each([0, 1, -5, 1.5, NaN, Infinity, '10', null])('maxKeys %p is refused', (maxKeys) => {
  let thrown: unknown
  try {
    new MemoryStore({ maxKeys: maxKeys as number })
  } catch (error) {
    thrown = error
  }
  expect(isTradecloudWebhookError(thrown)).toBe(true)
  expect(thrown).toMatchObject({ code: 'invalid_option' })
  expect((thrown as Error).message).toMatch(/`maxKeys` is .*; it must be a whole number from 2 /)
})

it.each([{}, { maxKeys: undefined }, { maxKeys: 2 }])('%j is fine', (options) => {
  expect(new MemoryStore(options).claim('a').status).toBe('claimed')
})

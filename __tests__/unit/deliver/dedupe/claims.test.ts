/**
 * Claims on a store that may hang, throw, respond late or return nonsense: no claim stays behind, nothing rejects, and
 * no event is delivered without a claim.
 */
import { Claims } from '../../../../lib/deliver/dedupe/claims'
import { MemoryStore } from '../../../../lib/deliver/dedupe/memory-store'
import type { Store } from '../../../../lib/deliver/dedupe/store'

const OPTIONS = { ttlMs: 1000, leaseMs: 60_000, timeoutMs: 2000 }

type Call = [method: string, ...args: unknown[]]

/** Creates a store that records its calls, and whose methods a test can replace. */
function fakeStore(methods: Partial<Record<keyof Store, (...args: never[]) => unknown>>) {
  const calls: Call[] = []
  const answer =
    (method: keyof Store, otherwise: unknown) =>
    (...args: unknown[]) => {
      calls.push([method, ...args])
      const given = methods[method] as ((...args: unknown[]) => unknown) | undefined
      return given ? given(...args) : otherwise
    }
  const store = {
    claim: answer('claim', { status: 'claimed', token: 't' }),
    renew: answer('renew', true),
    complete: answer('complete', true),
    release: answer('release', undefined),
  } as Store
  return { store, calls }
}

const claimsOn = (store: Store) => new Claims({ ...OPTIONS, store })

async function claimOf(store: Store) {
  const claims = claimsOn(store)
  const { claim, outcome } = await claims.take('key')
  if (!claim) throw new Error(outcome)
  return {
    renew: () => claims.renew(claim),
    complete: () => claims.complete(claim),
    release: () => claims.release(claim),
  }
}

const never = () => new Promise<never>(() => undefined)
const throwing = () => {
  throw new Error('store is down')
}
const rejecting = () => Promise.reject(new Error('store is down'))

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)

beforeEach(() => {
  jest.useFakeTimers()
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(() => {
  jest.useRealTimers()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

describe('taking', () => {
  it.each([
    ['sync', (value: unknown) => value],
    ['async', (value: unknown) => Promise.resolve(value)],
    ['a promise of any library', (value: unknown) => ({ then: (resolve: (value: unknown) => void) => resolve(value) })],
  ])('passes on what the store answers (%s)', async (_how, wrap) => {
    for (const [status, outcome] of [
      ['in_progress', 'in_progress'],
      ['completed', 'duplicate'],
    ]) {
      const { store } = fakeStore({ claim: () => wrap({ status }) })
      expect(await claimsOn(store).take('key')).toEqual({ outcome })
    }
    const { store, calls } = fakeStore({ claim: () => wrap({ status: 'claimed', token: 't' }) })
    expect(await claimsOn(store).take('key')).toEqual({ claim: { key: 'key', token: 't' } })
    expect(calls).toEqual([['claim', 'key', 60_000]])
    expect(jest.getTimerCount()).toBe(0)
  })

  it.each([
    ['throws', throwing],
    ['rejects', rejecting],
  ])('from a store that %s tells that it is away, and why', async (_how, claim) => {
    const { store } = fakeStore({ claim })
    const taken = await claimsOn(store).take('key')
    expect(taken).toMatchObject({ outcome: 'unavailable', cause: { message: 'store is down' } })
    expect(jest.getTimerCount()).toBe(0)
  })

  const nonsense = [undefined, null, 'claimed', {}, { status: 'weird' }, { status: 'claimed' }]
  it.each(nonsense)('from a store that answers %p tells that it is away', async (answer) => {
    for (const claim of [() => answer, () => Promise.resolve(answer)]) {
      const { store } = fakeStore({ claim })
      expect((await claimsOn(store).take('key')).outcome).toBe('unavailable')
    }
  })

  it('from a store that hangs tells that it is away after its time, not before', async () => {
    const { store } = fakeStore({ claim: never })
    let outcome: string | undefined
    void Promise.resolve(claimsOn(store).take('key')).then((taken) => (outcome = taken.outcome))
    await jest.advanceTimersByTimeAsync(1999)
    expect(outcome).toBeUndefined()
    await jest.advanceTimersByTimeAsync(1)
    expect(outcome).toBe('unavailable')
  })

  it('says how long a store that hangs was waited for', async () => {
    const { store } = fakeStore({ claim: never })
    const taking = claimsOn(store).take('key')
    await jest.advanceTimersByTimeAsync(2000)
    expect(await taking).toMatchObject({ cause: { message: expect.stringContaining('2000 ms') } })
  })
})

describe('a store that responds after the time limit', () => {
  /** Takes a claim from a store that does not respond in time, and then lets the store respond. */
  async function late(answer: unknown, methods: Parameters<typeof fakeStore>[0] = {}) {
    let thaw: (value: unknown) => void = () => undefined
    const { store, calls } = fakeStore({ ...methods, claim: () => new Promise((resolve) => (thaw = resolve)) })
    const taking = claimsOn(store).take('key')
    await jest.advanceTimersByTimeAsync(2000)
    expect((await taking).outcome).toBe('unavailable')
    thaw(answer)
    await jest.advanceTimersByTimeAsync(5000)
    return calls.slice(1)
  }

  it('with a claim gets it back', async () => {
    expect(await late({ status: 'claimed', token: 'late' })).toEqual([['release', 'key', 'late']])
  })

  it.each([
    ['throws', throwing],
    ['rejects', rejecting],
    ['hangs', never],
  ])('with a claim, and %s when it is released, does no harm', async (_how, release) => {
    expect(await late({ status: 'claimed', token: 'late' }, { release })).toEqual([['release', 'key', 'late']])
  })

  it.each(['in_progress', 'completed'])('with %s gets nothing back', async (status) => {
    expect(await late({ status })).toEqual([])
  })

  it.each([undefined, null, 'x'])('with %p does no harm', async (answer) => {
    expect(await late(answer)).toEqual([])
    jest.useRealTimers()
    await new Promise((resolve) => setTimeout(resolve, 5))
  })

  it('by rejecting does no harm', async () => {
    expect(await late(Promise.reject(new Error('too late')))).toEqual([])
  })

  it('in time does not get its claim back', async () => {
    const { store, calls } = fakeStore({
      claim: () => new Promise((resolve) => setTimeout(() => resolve({ status: 'claimed', token: 't' }), 1999)),
    })
    const taking = claimsOn(store).take('key')
    await jest.advanceTimersByTimeAsync(1999)
    expect((await taking).claim).toEqual({ key: 'key', token: 't' })
    await jest.advanceTimersByTimeAsync(10_000)
    expect(calls).toHaveLength(1)
  })
})

describe('a claim', () => {
  it('renews, completes and releases with its key and token', async () => {
    const { store, calls } = fakeStore({})
    const claim = await claimOf(store)
    expect(await claim.renew()).toBe(true)
    expect(await claim.complete()).toBe(true)
    expect(await claim.release()).toBeUndefined()
    expect(calls.slice(1)).toEqual([
      ['renew', 'key', 't', 60_000],
      ['complete', 'key', 't', 1000],
      ['release', 'key', 't'],
    ])
  })

  it('is settled only once the store has noted it', async () => {
    let noted = (): void => undefined
    const slow = () => new Promise<void>((resolve) => (noted = resolve))
    const claim = await claimOf(fakeStore({ complete: slow }).store)
    let settled = false
    void Promise.resolve(claim.complete()).then(() => (settled = true))
    await jest.advanceTimersByTimeAsync(1000)
    expect(settled).toBe(false)
    noted()
    await jest.advanceTimersByTimeAsync(0)
    expect(settled).toBe(true)
  })

  it('reports that another process holds the lease', async () => {
    const { store } = fakeStore({ renew: () => false, complete: () => Promise.resolve(false) })
    const claim = await claimOf(store)
    expect(await claim.renew()).toBe(false)
    expect(await claim.complete()).toBe(false)
  })

  const throwingNonsense = () => {
    throw Object.assign(new Error('x'), { message: { not: 'a text' } })
  }
  const failing = [
    ['throws', throwing],
    ['throws nonsense', throwingNonsense],
    ['rejects', rejecting],
    ['hangs', never],
  ] as const

  it.each(failing)('on a store that %s is not lost by renewing', async (_how, renew) => {
    const renewing = (await claimOf(fakeStore({ renew }).store)).renew()
    await jest.advanceTimersByTimeAsync(2000)
    expect(await renewing).toBe(true)
  })

  it.each(failing)('on a store that %s cannot be noted as completed', async (_how, complete) => {
    const completing = (await claimOf(fakeStore({ complete }).store)).complete()
    await jest.advanceTimersByTimeAsync(2000)
    expect(await completing).toBe(false)
  })

  it.each(failing)('on a store that %s comes to an end all the same', async (_how, release) => {
    const { store } = fakeStore({ release })
    const releasing = (await claimOf(store)).release()
    await jest.advanceTimersByTimeAsync(2000)
    expect(await releasing).toBeUndefined()
  })

  it.each<[string, () => Promise<boolean>]>([
    ['well', () => Promise.resolve(true)],
    ['badly', () => Promise.reject(new Error('too late'))],
  ])('that the store settles %s after its time does no harm', async (_how, end) => {
    const { store } = fakeStore({ complete: () => new Promise((resolve) => setTimeout(() => resolve(end()), 3000)) })
    const completing = (await claimOf(store)).complete()
    await jest.advanceTimersByTimeAsync(5000)
    expect(await completing).toBe(false)
    jest.useRealTimers()
    await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

it('works on a real store', async () => {
  const claims = claimsOn(new MemoryStore())
  const first = await claims.take('a')
  expect(await claims.take('a')).toEqual({ outcome: 'in_progress' })
  await claims.complete(first.claim!)
  expect(await claims.take('a')).toEqual({ outcome: 'duplicate' })
  const second = await claims.take('b')
  await claims.release(second.claim!)
  expect((await claims.take('b')).claim).toBeDefined()
})

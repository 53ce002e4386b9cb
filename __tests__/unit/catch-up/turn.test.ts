/** The lease for polling: waiting for it, renewing it during a run, and losing it. */
import { LeaseLostError } from '../../../lib/inbox/catch-up/storage'
import { inTurn } from '../../../lib/catch-up/turn'
import { freezeClock, type Clock } from '../../clock'
import { MemoryCatchUpInbox } from './memory-catch-up-inbox'

let clock: Clock
beforeEach(() => {
  clock = freezeClock()
})
afterEach(() => clock.stop())

const never = new AbortController().signal
const untilAborted = (_token: string, signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

test('waits until the other process has ended its run, and gives the lease back', async () => {
  const inbox = new MemoryCatchUpInbox()
  inbox.holder = 'another'
  const turn = inTurn(inbox, never, async (token) => token)
  await clock.wait(5_000)
  inbox.holder = undefined
  await clock.wait(1_000)
  expect(await turn).toBe('token 1')
  expect(inbox.holder).toBeUndefined()
})

test('renews the lease as long as the run lasts', async () => {
  const inbox = new MemoryCatchUpInbox()
  const renew = jest.spyOn(inbox, 'renew')
  let end: () => void = () => undefined
  const turn = inTurn(inbox, never, () => new Promise<void>((resolve) => (end = resolve)))
  await clock.wait(60_000)
  expect(renew.mock.calls.length).toBeGreaterThanOrEqual(12)
  end()
  await turn
  const calls = renew.mock.calls.length
  await clock.wait(60_000)
  expect(renew).toHaveBeenCalledTimes(calls)
})

test('ends the run once another process has the lease, and does not take it away again', async () => {
  const inbox = new MemoryCatchUpInbox()
  const turn = inTurn(inbox, never, untilAborted).catch((error: unknown) => error)
  await clock.wait(1_000)
  inbox.holder = 'another'
  await clock.wait(5_000)
  expect(await turn).toBeInstanceOf(LeaseLostError)
  expect(inbox.holder).toBe('another')
})

test('ends the run before the lease does if it cannot be renewed', async () => {
  const inbox = new MemoryCatchUpInbox()
  jest.spyOn(inbox, 'renew').mockRejectedValue(new Error('the database is down'))
  let isEnded = false
  const turn = inTurn(inbox, never, untilAborted).catch((error: unknown) => {
    isEnded = true
    return error
  })
  await clock.wait(8_000)
  expect(isEnded).toBe(false)
  await clock.wait(6_000)
  expect(await turn).toBeInstanceOf(LeaseLostError)
})

test('a signal ends the wait and the run, with its reason', async () => {
  const inbox = new MemoryCatchUpInbox()
  for (const holder of ['another', undefined]) {
    inbox.holder = holder
    const stop = new AbortController()
    const turn = inTurn(inbox, stop.signal, untilAborted).catch((error: unknown) => error)
    await clock.wait(500)
    stop.abort(new Error('enough'))
    await clock.wait(1_000)
    expect(await turn).toEqual(new Error('enough'))
  }
})

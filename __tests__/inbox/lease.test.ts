/** The lease of a process that could not renew it for a while, although it still has it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { attach } from '../../lib/testing/inbox-contract/harness'
import { eventOf } from './numbered-event'

const LATE_MS = 11_000

/** Longer than a lease. */
const CALLBACK_S = 40

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

test('a callback runs for longer than a lease: it is renewed, and no other process gets the event', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'inbox-lease-'))
  const [inbox, other] = [0, 1].map(() => sqliteInbox({ file: join(folder, 'inbox.db') })) as [Inbox, Inbox]
  try {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date'] })
    const { takeOne } = attach(inbox, [{ kind: 'order' }], 'faults')
    const { takeNow } = attach(other, [{ kind: 'order' }], 'faults')
    await inbox.accept(...eventOf({ number: 1, entity: 'order' }, 100))
    const delivery = await takeOne()
    for (let second = 0; second < CALLBACK_S; second++) {
      jest.advanceTimersByTime(1_000)
      // What the timers have started is over, as requests are served in order.
      for (const one of [inbox, other]) for (let step = 0; step < 3; step++) await one.stats()
      expect(delivery.isOwned()).toBe(true)
      expect(await takeNow()).toEqual([])
    }
    expect(await inbox.settle(delivery, { result: 'delivered' })).toBe(true)
  } finally {
    jest.useRealTimers()
    await Promise.all([inbox.close(), other.close()])
    rmSync(folder, { recursive: true, force: true })
  }
})

test('what is taken after an outage can be delivered, and what came too late is handed out again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'inbox-lease-'))
  const inbox = sqliteInbox({ file: join(folder, 'inbox.db') })
  try {
    const { takeOne, takeNow } = attach(inbox, [{ kind: 'order' }], 'faults')
    await inbox.accept(...eventOf({ number: 1, entity: 'order' }, 100))
    await takeNow(0)
    const now = performance.now.bind(performance)
    const clock = jest.spyOn(performance, 'now')
    clock.mockImplementation(() => now() + LATE_MS)
    const delivery = await takeOne()
    expect(delivery.isOwned()).toBe(true)
    clock.mockImplementation(() => now() + 2 * LATE_MS)
    expect(delivery.isOwned()).toBe(false)
    const late = { result: 'retry', delayMs: 0, outcome: 'unavailable', reason: 'too late' } as const
    expect(await inbox.settle(delivery, late)).toBe(true)
    expect((await takeOne()).isOwned()).toBe(true)
  } finally {
    await inbox.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

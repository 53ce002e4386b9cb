/** The lease of a process that could not renew it for a while, although it still has it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { attach } from '../../lib/testing/inbox-contract/harness'
import { eventOf } from './numbered-event'

const LATE_MS = 11_000

afterEach(() => jest.restoreAllMocks())

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

/** Leases of processes: during long callbacks, after an outage, and when a process stops renewing its lease. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox } from '../../lib/inbox/inbox'
import type { Engine } from '../../lib/inbox/sql/engine'
import { resolveKeep } from '../../lib/inbox/sql/options'
import { ownIdentity } from '../../lib/inbox/sql/process-identity'
import { LEASE_MS, register } from '../../lib/inbox/sql/processes'
import { SqlInbox } from '../../lib/inbox/sql/sql-inbox'
import { take } from '../../lib/inbox/sql/take'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { SqliteEngine } from '../../lib/inbox/sqlite/engine'
import { openTables } from '../../lib/inbox/sqlite/open'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { resolveSqliteInbox } from '../../lib/inbox/sqlite/options'
import { attach } from '../../lib/testing/inbox-contract/harness'
import { until } from '../wait'
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
      // Each inbox serves requests in order. After these calls, everything that the timers started has finished.
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

test('ready: waits until the other processes know the callbacks of this one, also if that fails at first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'inbox-lease-'))
  const file = join(folder, 'inbox.db')
  const registered: Array<(fails: boolean) => void> = []
  const inbox = new SqlInbox(resolveKeep({}), (events) => {
    const engine = new SqliteEngine(resolveSqliteInbox({ file }), events)
    const run: Engine['run'] = (name, argument) => {
      if (name !== 'register') return engine.run(name, argument)
      const fails = new Promise<boolean>((resolve) => registered.push(resolve))
      return fails.then((isFailing) => (isFailing ? Promise.reject(new Error('busy')) : engine.run(name, argument)))
    }
    return { uploads: 1, open: () => engine.open(), run, close: () => engine.close() }
  })
  const other = sqliteInbox({ file })
  try {
    await other.ready()
    attach(inbox, [{ kind: 'shipment' }], 'faults')
    let isReady = false
    const ready = inbox.ready().then(() => (isReady = true))
    for (const fails of [true, false]) {
      await until(() => registered.length > 0, 'no registration')
      expect([isReady, await other.isWanted('faults', 'shipment', undefined)]).toEqual([false, false])
      registered.shift()?.(fails)
    }
    await ready
    expect(await other.isWanted('faults', 'shipment', undefined)).toBe(true)
  } finally {
    registered.forEach((register) => register(true))
    await Promise.all([inbox.close(), other.close()])
    rmSync(folder, { recursive: true, force: true })
  }
})

describe('a process looks at the others, each time after a while', () => {
  /** Time between two looks, by the fake clock. It is longer than the interval at which leases are renewed. */
  const LOOK_EVERY_MS = 6_000
  let folder: string
  let file: string
  let inboxes: Inbox[]
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'inbox-lease-'))
    file = join(folder, 'inbox.db')
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date'] })
    inboxes = [0, 1].map(() => sqliteInbox({ file }))
  })
  afterEach(async () => {
    jest.useRealTimers()
    await Promise.all(inboxes.map((inbox) => inbox.close()))
    rmSync(folder, { recursive: true, force: true })
  })

  const pass = async (ms: number): Promise<void> => {
    jest.advanceTimersByTime(ms)
    for (const inbox of inboxes) for (let step = 0; step < 4; step++) await inbox.stats()
  }

  test('one that stands still is found, also while many events are pruned', async () => {
    const [inbox] = inboxes as [Inbox]
    const { takeNow } = attach(inbox, [{ kind: 'order' }], 'faults')
    await inbox.ready()
    const { tables } = openTables(chooseDriver(), file, false)
    // One call of `prune` removes at most 200 of these 7,901 events, so pruning takes about 40 calls.
    tables.run(`INSERT INTO events (event, seq, id, state, name, kind, received, due, bytes, has_body, settled, head)
      WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
      SELECT i, i, 'pruned ' || i, 2, 'faults', 'order', 0, 0, 0, 0, 0, '{}' FROM n`)
    for (let i = 0; i < 12; i++) await pass(LOOK_EVERY_MS)
    await inbox.accept(...eventOf({ number: 1, entity: 'order' }, 100))
    tables.begin(false)
    const wanted = { name: 'faults', wanted: [{ kind: 'order' }] } as const
    const owner = await register(tables, { ...wanted, identity: ownIdentity() })
    expect((await take(tables, { ...wanted, owner, token: 1, limit: 1, maxBytes: 1_000 })).taken).toHaveLength(1)
    tables.commit()
    tables.database.close()
    let looks = 0
    for (let found = 0; found === 0 && looks < 20; looks++) {
      await pass(LOOK_EVERY_MS)
      found = (await takeNow()).length
    }
    expect(looks).toBeGreaterThan(LEASE_MS / LOOK_EVERY_MS)
    expect(looks).toBeLessThan(20)
  })

  test('one that renews its lease after all of them stood still keeps what it has', async () => {
    const [inbox, other] = inboxes as [Inbox, Inbox]
    const { takeOne } = attach(inbox, [{ kind: 'order' }], 'faults')
    const { takeNow } = attach(other, [{ kind: 'order' }], 'faults')
    await inbox.accept(...eventOf({ number: 1, entity: 'order' }, 100))
    const delivery = await takeOne()
    for (const ms of [1_000, 3_000, 60_000, 1_000, 60_000, 60_000]) {
      await pass(ms)
      expect(await takeNow()).toEqual([])
    }
    expect(await inbox.settle(delivery, { result: 'delivered' })).toBe(true)
  })
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

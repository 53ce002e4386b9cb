/** The system clock is wrong by 10 or 60 days, and is changed while the processes run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beginUpload, accept, writePart } from '../../lib/inbox/sql/accept'
import { prune } from '../../lib/inbox/sql/prune'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { openTables } from '../../lib/inbox/sqlite/open'
import { isFull } from '../size'
import { until } from '../wait'
import { delivered, disorder, Member, readLedger, sendAll } from './members'
import { eventOf } from './numbered-event'
import { preloaded, SharedNumber } from './preload'
import type { MemberOptions } from './protocol'

const DAY_MS = 86_400_000
/** Days by which the clock is wrong: the first number at the start, the others one after another during the run. */
const JUMPS = [60, 0, -60, 0, 10, -10, 60, -60, 0]
const EVENTS = isFull ? 10_000 : 1_200

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-clock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('whatever the clock says, every event is delivered, in order, one at a time, and none waits for the clock', async () => {
  const clock = new SharedNumber(join(folder, 'clock'))
  const file = join(folder, 'inbox.db')
  const options: MemberOptions = {
    engine: { type: 'sqlite', file },
    ...{ ledger: join(folder, 'ledger'), callbackMs: 20, failing: 0.3, concurrency: 8, bodyBytes: 500 },
    maxDelayMs: 1_000,
  }
  clock.set(JUMPS[0]! * DAY_MS)
  const start = () => new Member(options, preloaded(folder, { CLOCK_OFFSET: clock.path }))
  const members = [start(), start(), start()]
  try {
    await Promise.all(members.map(({ ready }) => ready))
    let accepted = 0
    let round = 0
    const sending = sendAll(
      { events: EVENTS, entities: 40, connections: 10 },
      () => members[round++ % members.length],
      (count) => (accepted = count),
    )
    for (const [i, days] of JUMPS.entries()) {
      clock.set(days * DAY_MS)
      await until(() => accepted >= ((i + 1) * EVENTS) / (JUMPS.length + 1), 'events to be accepted')
    }
    await sending
    await until(() => delivered(readLedger(options.ledger)).size === EVENTS, 'all events to be delivered')
    expect(disorder(readLedger(options.ledger), new Map())).toEqual({ overlaps: [], outOfOrder: [] })
    expect(members.map(({ leasesLost }) => leasesLost)).toEqual([0, 0, 0])
    await Promise.all(members.map((member) => member.end()))
    const inbox = sqliteInbox({ file })
    expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, dead: 0, quarantined: 0 })
    await inbox.close()
  } finally {
    await Promise.all(members.map((member) => member.kill()))
  }
})

test('a clock that is corrected wakes the process: it is not told to wait for longer than maxDelayMs', async () => {
  const file = join(folder, 'inbox.db')
  const { tables } = openTables(chooseDriver(), file)
  tables.now = Date.now() + 60 * DAY_MS
  const [event, bytes] = eventOf({ number: 1, entity: 'order' }, 100)
  await accept(tables, { event, size: bytes.length, bytes })
  tables.database.close()
  const inbox = sqliteInbox({ file })
  let wakes = 0
  const host = { name: 'faults', wanted: [{ kind: 'order' }] as const, maxDelayMs: 5_000 }
  inbox.attach({ ...host, wake: () => wakes++, leaseLost: () => undefined, alarm: () => undefined })
  expect((await inbox.take({ limit: 1, maxBytes: 1_000 })).nextDueInMs).toBe(5_000)
  await until(() => wakes > 0, 'the process to be woken')
  expect((await inbox.take({ limit: 1, maxBytes: 1_000 })).deliveries).toHaveLength(1)
  await inbox.close()
})

test('a clock that is set ahead while a large body is being stored: it is refused, and never stored without its first parts', async () => {
  const { tables } = openTables(chooseDriver(), join(folder, 'inbox.db'))
  const keep = { keepDelivered: false, dedupeTtlMs: 0 } as const
  const [event] = eventOf({ number: 1, entity: 'order' }, 100)
  tables.now = Date.now()
  const upload = await beginUpload(tables)
  await writePart(tables, { event: upload, part: 0, bytes: Buffer.alloc(10) })
  tables.now += 60 * DAY_MS
  // An upload is kept as long as parts arrive.
  await writePart(tables, { event: upload, part: 1, bytes: Buffer.alloc(10) })
  await prune(tables, keep)
  await writePart(tables, { event: upload, part: 2, bytes: Buffer.alloc(10) })
  tables.now += 60 * DAY_MS
  await prune(tables, keep)
  await expect(writePart(tables, { event: upload, part: 3, bytes: Buffer.alloc(10) })).rejects.toThrow('were removed')
  await expect(accept(tables, { event, size: 40, upload })).rejects.toThrow('were removed')
  expect(tables.get('SELECT count(*) AS parts FROM bodies')).toEqual({ parts: 0 })
  tables.database.close()
})

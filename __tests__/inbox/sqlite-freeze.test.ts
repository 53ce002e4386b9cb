/** Processes that share an inbox in SQLite are frozen for longer than their lease, and then continue. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { freeze } from '../freeze'
import { isFull } from '../size'
import { pause, until } from '../wait'
import { delivered, disorder, Member, readLedger, sendAll, stopping, type Stop } from './members'
import type { MemberOptions } from './protocol'

const EVENTS = isFull ? 5_000 : 1_000

let folder: string
let members: Member[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-freeze-'))
  members = []
})
afterEach(async () => {
  await Promise.all(members.map((member) => member.kill()))
  rmSync(folder, { recursive: true, force: true })
})

async function start(count: number, more: Partial<MemberOptions> = {}): Promise<MemberOptions> {
  const options: MemberOptions = {
    engine: { type: 'sqlite', file: join(folder, 'inbox.db') },
    ledger: join(folder, 'ledger'),
    callbackMs: 20,
    failing: 0.1,
    concurrency: 16,
    bodyBytes: 1_024,
    ...more,
  }
  members = Array.from({ length: count }, () => new Member(options))
  await Promise.all(members.map(({ ready }) => ready))
  return options
}

/**
 * Freezes a process outside a transaction. If the process was frozen inside a transaction, it holds the write lock, so
 * it is continued and frozen again later.
 */
async function freezeOutsideTransaction(member: Member): Promise<Stop> {
  const inbox = sqliteInbox({ file: join(folder, 'inbox.db') })
  try {
    for (let tries = 0; tries < 200; tries++) {
      const stop = await stopping(() => freeze(member.process.pid!))
      if (await canWrite(inbox)) return stop
      member.process.kill('SIGCONT')
      await pause(Math.random() * 20)
    }
    throw new Error('The process is never outside a transaction.')
  } finally {
    await inbox.close()
  }
}

function countProcesses(): number {
  const { DatabaseSync } = require(chooseDriver().module) as {
    DatabaseSync: new (file: string) => { prepare: (sql: string) => { get: () => unknown }; close: () => void }
  }
  const database = new DatabaseSync(join(folder, 'inbox.db'))
  const { count } = database.prepare('SELECT count(*) AS count FROM processes').get() as { count: number }
  database.close()
  return count
}

function canWrite(inbox: Inbox): Promise<boolean> {
  return inbox.replay('00000000-0000-8000-8000-000000000000').then(
    () => true,
    () => false,
  )
}

test('others take over from a process that is frozen, which then neither delivers nor settles what it had', async () => {
  const { ledger } = await start(3, { callbackMs: 100 })
  const frozen = members[0]!
  let accepted = 0
  let round = 0
  const sending = sendAll(
    { events: EVENTS, entities: 100, connections: 20 },
    () => members[1 + (round++ % 2)],
    (count) => (accepted = count),
  )
  await until(
    () => accepted > EVENTS / 4 && readLedger(ledger).some(({ pid }) => pid === frozen.process.pid),
    'the first process to deliver',
  )
  const stops = new Map([[frozen.process.pid!, await freezeOutsideTransaction(frozen)]])
  await sending
  await until(() => delivered(readLedger(ledger)).size === EVENTS, 'the others to take over')
  // Also waits until the frozen process is removed. Its lease may still be valid here: if the process had no event, the
  // others could deliver everything before the lease expired.
  await until(() => countProcesses() === 2, 'the others to remove the frozen process')
  frozen.process.kill('SIGCONT')
  await until(() => frozen.leasesLost > 0, 'the process to notice that its lease was lost')
  await pause(500)
  const { overlaps, outOfOrder } = disorder(readLedger(ledger), stops)
  expect(overlaps).toEqual([])
  expect(outOfOrder).toEqual([])
  const inbox = sqliteInbox({ file: join(folder, 'inbox.db') })
  expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, delivered: EVENTS, dead: 0 })
  await inbox.close()
})

test('a process that is frozen while it holds the write lock: events are refused in time, and the process is named', async () => {
  await start(1)
  const inbox = sqliteInbox({ file: join(folder, 'inbox.db') })
  await inbox.ready()
  const holder = members[0]!
  const ending = new AbortController()
  const sending = sendAll({ events: 100_000, entities: 50, connections: 50, signal: ending.signal }, () => holder)
  // Repeats until the process is frozen inside a transaction.
  let error: unknown
  for (let tries = 0; error === undefined && tries < 200; tries++) {
    await freeze(holder.process.pid!)
    error = await inbox.replay('00000000-0000-8000-8000-000000000000').then(
      () => undefined,
      (reason: unknown) => reason,
    )
    holder.process.kill('SIGCONT')
    await pause(Math.random() * 20)
  }
  expect(String(error)).toContain(`process ${String(holder.process.pid)}`)
  await until(() => canWrite(inbox), 'the inbox to work again')
  ending.abort()
  await holder.kill()
  await sending
  await inbox.close()
})

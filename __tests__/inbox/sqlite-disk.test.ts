/**
 * The disk fails, or the process has no file descriptors left. Refusals name the cause, and nothing is lost.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { mountMemory } from '../faults/mounts'
import { endAll } from '../faults/receiver-process'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { until } from '../wait'
import { delivered, Member, readLedger } from './members'
import { eventOf } from './numbered-event'
import { preloaded, SharedNumber } from './preload'
import { openInbox, type Numbered } from './protocol'

const { EROFS, EIO, ENOSPC } = constants.errno

let folder: string
let file: string
let member: Member | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-disk-'))
  file = join(folder, 'data', 'inbox.db')
})
afterEach(async () => {
  await member?.kill()
  await endAll()
  rmSync(folder, { recursive: true, force: true })
})

const order = (number: number): Numbered => ({ number, entity: `order-${number}` })

async function start(under: string[], concurrency: number): Promise<Member> {
  const engine = { type: 'sqlite', file } as const
  const options = { engine, ledger: join(folder, 'ledger'), callbackMs: 0, failing: 0, concurrency, bodyBytes: 2_000 }
  member = new Member(options, under)
  await member.ready
  return member
}

async function expectDelivered(...numbers: number[]): Promise<void> {
  await until(() => numbers.every((number) => delivered(readLedger(join(folder, 'ledger'))).has(number)), 'deliveries')
}

/** Resolves with the numbers of the waiting events, and closes the inbox. */
async function waiting(inbox: Inbox): Promise<number[]> {
  const { entries } = await inbox.list({ state: 'waiting' })
  await inbox.close()
  return entries.map(({ requestId }) => Number(requestId)).toSorted()
}

async function acceptInTheEnd(inbox: Inbox, number: number): Promise<void> {
  await until(() =>
    inbox.accept(...eventOf(order(number), 2_000)).then(
      () => true,
      () => false,
    ),
  )
}

test.each([
  ['read-only', EROFS],
  ['broken', EIO],
  ['full', ENOSPC],
])(
  'the disk becomes %s while the file is open: refused and reported with the path, until it works again',
  async (_is, error) => {
    const writes = new SharedNumber(join(folder, 'writes'))
    const process = await start(preloaded(folder, { WRITES: writes.path }), 4)
    expect(await process.accept(order(1))).toBe(true)
    writes.set(error)
    for (let number = 2; number < 5; number++) expect(await process.accept(order(number))).toBe(false)
    await until(() => process.alarms.length > 0, 'an alarm')
    for (const text of [...process.refusals, ...process.alarms]) {
      expect(text).toContain(file)
      expect(text).toContain('disk')
    }
    writes.set(0)
    for (let number = 2; number < 6; number++)
      await until(() => process.accept(order(number)), 'the inbox to work again')
    await expectDelivered(1, 2, 3, 4, 5)
  },
)

test('the disk is read-only when the process starts: it says so, and works once the disk can be written to', async () => {
  const mount = await mountMemory(16)
  file = join(mount.folder, 'inbox.db')
  const before = sqliteInbox({ file })
  await before.accept(...eventOf(order(1), 2_000))
  await before.close()
  await mount.readOnly(true)
  const inbox = sqliteInbox({ file })
  try {
    for (const work of [() => inbox.ready(), () => inbox.check?.(), () => inbox.accept(...eventOf(order(2), 2_000))])
      await expect(work()).rejects.toThrow(/inbox.db could not be opened: .*its disk is read-only/)
    await mount.readOnly(false)
    await inbox.check?.()
    await inbox.accept(...eventOf(order(2), 2_000))
    expect(await inbox.stats()).toMatchObject({ waiting: 2 })
  } finally {
    await inbox.close()
  }
})

test('the disk is taken away and put back: what was stored before, meanwhile and afterwards is there', async () => {
  const mount = await mountMemory(16)
  file = join(mount.folder, 'inbox.db')
  const inbox = sqliteInbox({ file })
  try {
    await acceptInTheEnd(inbox, 1)
    await mount.detach()
    await acceptInTheEnd(inbox, 2)
    await mount.attach()
    await acceptInTheEnd(inbox, 3)
    expect(await waiting(inbox)).toEqual([1, 2, 3])
  } finally {
    await inbox.close()
  }
})

test('the process may open no more files: events are stored, and refused only while a lost file has to be opened again', async () => {
  const process = await start(['prlimit', '--nofile=128'], 0)
  process.process.send('exhaust')
  await until(() => process.isExhausted, 'the limit')
  expect(await process.accept(order(1))).toBe(true)
  rmSync(join(folder, 'data'), { recursive: true })
  for (let number = 2; number < 5; number++) expect(await process.accept(order(number))).toBe(false)
  for (const text of process.refusals) expect(text).toContain(join(folder, 'data'))
  process.process.send('release')
  for (let number = 2; number < 6; number++) await until(() => process.accept(order(number)), 'the inbox to work again')
  expect(await waiting(openInbox({ type: 'sqlite', file }))).toEqual([1, 2, 3, 4, 5])
})

test('the folder is removed and cannot be made again: refused with its path, and nothing is lost once it can', async () => {
  const inbox = sqliteInbox({ file })
  try {
    await inbox.accept(...eventOf(order(1), 2_000))
    rmSync(join(folder, 'data'), { recursive: true })
    execFileSync('chattr', ['+i', folder])
    for (let number = 2; number < 5; number++)
      await expect(inbox.accept(...eventOf(order(number), 2_000))).rejects.toThrow(join(folder, 'data'))
  } finally {
    execFileSync('chattr', ['-i', folder])
  }
  for (let number = 2; number < 5; number++) await acceptInTheEnd(inbox, number)
  expect(await waiting(inbox)).toEqual([1, 2, 3, 4])
})

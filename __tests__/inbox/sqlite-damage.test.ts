/**
 * A file was damaged while no process ran. The damage is reported, the file is never treated as empty, and its readable
 * events are delivered.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { until } from '../wait'
import { Member } from './members'
import { eventOf } from './numbered-event'

let folder: string
let file: string
const open: Inbox[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-damage-'))
  file = join(folder, 'inbox.db')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((inbox) => inbox.close()))
  rmSync(folder, { recursive: true, force: true })
})

function start(): { inbox: Inbox; alarms: string[]; take: () => Promise<number[]> } {
  const inbox = sqliteInbox({ file })
  open.push(inbox)
  const alarms: string[] = []
  const alarm = (error: Error): void => void alarms.push(error.message)
  const host = { name: 'faults', maxDelayMs: 1_000, wake: () => undefined, leaseLost: () => undefined, alarm }
  const attach = () => inbox.attach({ ...host, wanted: [{ kind: 'order' }] })
  void inbox.ready().then(attach, () => undefined)
  const take = async () =>
    (await inbox.take({ limit: 1_000, maxBytes: 1e9 })).deliveries.map(({ event }) => Number(event.requestId))
  return { inbox, alarms, take }
}

/** Stores events in a process that is then killed, so that the last events are only in the log. */
async function storeAndKill(numbers: number[]): Promise<void> {
  const options = { ledger: join(folder, 'ledger'), callbackMs: 0, failing: 0, concurrency: 0, bodyBytes: 2_000 }
  const member = new Member({ engine: { type: 'sqlite', file }, ...options })
  await member.ready
  for (const number of numbers) await member.accept({ number, entity: `order-${number}` })
  await member.kill()
}

async function store(numbers: number[]): Promise<void> {
  const { inbox } = start()
  for (const number of numbers) await inbox.accept(...eventOf({ number, entity: `order-${number}` }, 2_000))
  await inbox.close()
  // Removes earlier versions of pages. This runs in another process, which closes the file when it ends.
  const { module } = chooseDriver()
  const vacuum =
    'new (require(process.argv[1]).DatabaseSync)(process.argv[2]).exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")'
  execFileSync(process.execPath, ['-e', vacuum, module, file], { stdio: 'ignore' })
}

const LOG_MISSING = /was in use when its log .*inbox\.db-wal was removed.*put the log back/

test('the log was removed while the file was in use: an alarm says so, and what is in the file is delivered', async () => {
  await store([1, 2])
  await storeAndKill([3, 4])
  copyFileSync(`${file}-wal`, join(folder, 'log'))
  rmSync(`${file}-wal`)
  rmSync(`${file}-shm`)
  const { inbox, alarms, take } = start()
  await inbox.ready()
  await until(() => alarms.length > 0, 'an alarm')
  expect(alarms).toEqual([expect.stringMatching(LOG_MISSING)])
  expect(await take()).toEqual([1, 2])
})

test('no alarm: the log is there, was written into the file by the last of several processes, or by one that exited', async () => {
  await store([1])
  await storeAndKill([2])
  const [one, other] = [start(), start()]
  await Promise.all([one.inbox.ready(), other.inbox.ready()])
  await Promise.all([one.inbox.close(), other.inbox.close()])
  const options = { ledger: join(folder, 'ledger'), callbackMs: 0, failing: 0, concurrency: 0, bodyBytes: 2_000 }
  const member = new Member({ engine: { type: 'sqlite', file }, ...options })
  await member.ready
  await member.accept({ number: 3, entity: 'order-3' })
  const ended = new Promise((resolve) => member.process.once('exit', resolve))
  member.process.send('exit')
  await ended
  const { inbox, alarms, take } = start()
  await inbox.ready()
  expect(await take()).toEqual([1, 2, 3])
  expect(alarms).toEqual([])
})

test('one process has closed the file and another is killed: its missing log is noticed all the same', async () => {
  await store([1])
  const { inbox } = start()
  await inbox.ready()
  const closed = new Promise((resolve) => setTimeout(resolve, 600)).then(() => inbox.close())
  const options = { ledger: join(folder, 'ledger'), callbackMs: 0, failing: 0, concurrency: 0, bodyBytes: 2_000 }
  const member = new Member({ engine: { type: 'sqlite', file }, ...options })
  await member.ready
  await closed
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await member.accept({ number: 2, entity: 'order-2' })
  await member.kill()
  rmSync(`${file}-wal`)
  const { inbox: again, alarms } = start()
  await again.ready()
  await until(() => alarms.length > 0, 'an alarm')
  expect(alarms).toEqual([expect.stringMatching(LOG_MISSING)])
})

test('the file was emptied, and its log is there: refused, and both stay as they are', async () => {
  await storeAndKill([1, 2])
  truncateSync(file, 0)
  const log = readFileSync(`${file}-wal`)
  await expect(start().inbox.ready()).rejects.toThrow(/is empty, although its log .* is not.*restore a backup/)
  expect(readFileSync(`${file}-wal`).equals(log)).toBe(true)
})

test('the file was cut off: reported with what to do', async () => {
  await store(Array.from({ length: 40 }, (_, i) => i))
  truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096)
  const { inbox } = start()
  await expect(inbox.ready()).rejects.toThrow(/inbox\.db is damaged: stop all processes, keep a copy, and recover it/)
})

test('bytes of a body were changed: that event is put aside, and the others are delivered', async () => {
  await store([1, 2, 3])
  const bytes = readFileSync(file)
  const body = Buffer.alloc(1_000, '2 ')
  for (let at = bytes.indexOf(body); at >= 0; at = bytes.indexOf(body, at)) bytes[at + 500] = 0x39
  writeFileSync(file, bytes)
  const { inbox, alarms, take } = start()
  await inbox.ready()
  expect(await take()).toEqual([1, 3])
  expect(alarms.join()).toMatch(/The stored body of event .* is damaged/)
  const { entries } = await inbox.list({ state: 'quarantined' })
  expect(entries.map(({ requestId, outcome }) => [requestId, outcome])).toEqual([['2', 'damaged']])
})

test('the record of an event cannot be read: its order waits, with an alarm, and the others are delivered', async () => {
  await store([1, 2, 3])
  const bytes = readFileSync(file)
  const record = '"requestId":"2"'
  for (let at = bytes.indexOf(record); at >= 0; at = bytes.indexOf(record, at)) bytes.write('!', at)
  writeFileSync(file, bytes)
  const { inbox, alarms, take } = start()
  await inbox.ready()
  expect((await take()).sort()).toEqual([1, 3])
  await until(() => alarms.length === 1, 'an alarm')
  expect(alarms.join()).toMatch(/faults:order:order-2 cannot be read.*\.recover/)
  expect((await inbox.list()).entries).toHaveLength(3)
  expect(await take()).toEqual([])
})

test('a page of the table was overwritten: its events wait, with an alarm, and the others are delivered', async () => {
  await store(Array.from({ length: 60 }, (_, i) => i))
  const damaged = overwrite('"requestId":"30"')
  const { inbox, alarms, take } = start()
  await inbox.ready()
  const delivered = await take()
  const all = Array.from({ length: 60 }, (_, i) => i)
  expect(delivered.sort((a, b) => a - b)).toEqual(all.filter((number) => !damaged.includes(number)))
  await until(() => alarms.length === damaged.length, 'an alarm for each')
  expect(alarms.join()).toMatch(/faults:order:order-30 cannot be read.*\.recover/)
  expect(await take()).toEqual([])
  await expect(inbox.list({ limit: 1_000 })).rejects.toThrow(/inbox\.db is damaged: stop all processes, keep a copy/)
})

test('a page of a large body was overwritten: that event is put aside, and the others are delivered', async () => {
  await store([1, 2])
  const { inbox: before } = start()
  const [event] = eventOf({ number: 3, entity: 'order-3' }, 10)
  const large = Buffer.alloc(3_000_000, '3 ')
  large.write('here', 2_500_000)
  await before.accept(event, large)
  await before.close()
  overwrite('here')
  const { inbox, alarms, take } = start()
  await inbox.ready()
  expect(await take()).toEqual([1, 2])
  expect(alarms.join()).toMatch(/The stored body of event .* is damaged/)
})

/** Damages all pages that contain this text, and returns the numbers of their events. */
function overwrite(text: string): number[] {
  const bytes = readFileSync(file)
  const found: number[] = []
  for (let at = 0; at < bytes.length; at += 4096) {
    const page = bytes.subarray(at, at + 4096)
    if (!page.includes(text)) continue
    for (const [, number] of page.toString('latin1').matchAll(/"requestId":"(\d+)"/g)) found.push(Number(number))
    page.fill(0xff)
  }
  writeFileSync(file, bytes)
  return found
}

/**
 * Problems with the file: it is deleted or replaced while it is open; it is locked; it is not an inbox; its folder is
 * removed; or its disk is full.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { chooseDriver, type Database } from '../../lib/inbox/sqlite/driver'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fillDisk, mountMemory } from '../faults/mounts'
import { endAll } from '../faults/receiver-process'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { isFull } from '../size'
import { until } from '../wait'
import { eventOf } from './numbered-event'

const BODY_BYTES = 2_000
let folder: string
let file: string
const open: Inbox[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-file-'))
  file = join(folder, 'data', 'inbox.db')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((inbox) => inbox.close()))
  await endAll()
  rmSync(folder, { recursive: true, force: true })
})

async function start(path = file): Promise<{ inbox: Inbox; alarms: string[] }> {
  const inbox = sqliteInbox({ file: path })
  open.push(inbox)
  await inbox.ready()
  const alarms: string[] = []
  const alarm = (error: Error): void => void alarms.push(error.message)
  const host = { name: 'faults', maxDelayMs: 1_000, wake: () => undefined, leaseLost: () => undefined, alarm }
  inbox.attach({ ...host, wanted: [{ kind: 'order' }] })
  return { inbox, alarms }
}

function accept(inbox: Inbox, number: number): Promise<unknown> {
  return inbox.accept(...eventOf({ number, entity: `order-${number}` }, BODY_BYTES))
}

/** Sends the event again until it is accepted, as Tradecloud does. Resolves with the first refusal. */
async function acceptInTheEnd(inbox: Inbox, number: number): Promise<Error | undefined> {
  let refusal: Error | undefined
  await until(
    () =>
      accept(inbox, number).then(
        () => true,
        (error: unknown) => {
          refusal ??= error as Error
          return false
        },
      ),
    `event ${number} to be accepted`,
  )
  return refusal
}

/** The numbers of all waiting events. */
async function waiting(inbox: Inbox): Promise<number[]> {
  const { entries } = await inbox.list({ state: 'waiting', limit: 1_000 })
  return entries.map(({ requestId }) => Number(requestId)).sort((a, b) => a - b)
}

test.each([
  ['the file is deleted', () => unlinkSync(file)],
  [
    'the file and its log are deleted',
    () => readdirSync(join(folder, 'data')).forEach((name) => unlinkSync(join(folder, 'data', name))),
  ],
  ['the folder is removed', () => rmSync(join(folder, 'data'), { recursive: true })],
  ['the folder is renamed', () => renameSync(join(folder, 'data'), join(folder, 'other'))],
])('%s: the next event is refused, and then everything is there again', async (_what, act) => {
  const { inbox, alarms } = await start()
  await accept(inbox, 1)
  act()
  const refusal = await acceptInTheEnd(inbox, 2)
  expect(refusal?.message).toContain(file)
  expect(await waiting(inbox)).toEqual([1, 2])
  // The inbox notices either the loss of the file first, or the loss of its log: this depends on timing.
  expect(alarms.join().replace('-wal', '')).toContain(`${file} was deleted while it was open. It was restored.`)
  await inbox.close()
  const { inbox: again } = await start()
  expect(await waiting(again)).toEqual([1, 2])
  expect(existsSync(file)).toBe(true)
})

test('the file is replaced by another one: the undelivered events of both are there', async () => {
  const other = join(folder, 'other.db')
  const { inbox: elsewhere } = await start(other)
  await accept(elsewhere, 7)
  await elsewhere.close()
  const { inbox, alarms } = await start()
  await accept(inbox, 1)
  await accept(inbox, 2)
  for (const name of readdirSync(join(folder, 'data'))) unlinkSync(join(folder, 'data', name))
  copyFileSync(other, file)
  const refusal = await acceptInTheEnd(inbox, 3)
  expect(refusal?.message).toContain('was replaced while it was open')
  expect(await waiting(inbox)).toEqual([1, 2, 3, 7])
  expect(alarms.join()).toMatch(/Its undelivered events were stored again; a copy of the whole file is .*rescued-/)
})

test('several processes on a file that is deleted: nothing is lost', async () => {
  const [one, other] = [await start(), await start()]
  await accept(one.inbox, 1)
  await accept(other.inbox, 2)
  unlinkSync(file)
  await Promise.all([acceptInTheEnd(one.inbox, 3), acceptInTheEnd(other.inbox, 4)])
  await acceptInTheEnd(one.inbox, 5)
  expect(await waiting(one.inbox)).toEqual([1, 2, 3, 4, 5])
  expect(await waiting(other.inbox)).toEqual([1, 2, 3, 4, 5])
})

test('the file is locked while it is opened, as by another process that creates it: ready() waits', async () => {
  mkdirSync(join(folder, 'data'))
  const { module } = chooseDriver()
  const { DatabaseSync } = require(module) as { DatabaseSync: new (file: string) => Database }
  const database = new DatabaseSync(file)
  database.exec('BEGIN EXCLUSIVE')
  const inbox = sqliteInbox({ file })
  open.push(inbox)
  const ready = inbox.ready()
  // Meanwhile, requests fail within their time limit. An error that names the lock shows that an attempt to open the
  // file has failed.
  const refused = () => accept(inbox, 1).then(String, String)
  await until(async () => (await refused()).includes('is locked by another process'), 'opening to fail')
  database.exec('COMMIT')
  database.close()
  await ready
  await accept(inbox, 1)
})

test('several processes create the file at the same time: each of them opens it', async () => {
  for (let round = 0; round < (isFull ? 200 : 12); round++) {
    const inboxes = Array.from({ length: 8 }, () => sqliteInbox({ file: join(folder, String(round), 'inbox.db') }))
    await Promise.all(inboxes.map((inbox) => inbox.ready()))
    await Promise.all(inboxes.map((inbox) => inbox.close()))
  }
})

test('the disk is full: refused with the path, and accepted once there is room', async () => {
  const mount = await mountMemory(16)
  const path = join(mount.folder, 'inbox.db')
  const { inbox, alarms } = await start(path)
  await accept(inbox, 1)
  const filling = fillDisk(mount.folder)
  let refusal: Error | undefined
  for (let number = 100; !refusal; number++)
    refusal = await accept(inbox, number).then(
      () => undefined,
      (error: unknown) => error as Error,
    )
  expect(refusal.message).toContain(`${path} is on a disk that is full`)
  await until(() => alarms.length > 0, 'an alarm')
  expect(alarms[0]).toContain(`${path} is on a disk that is full`)
  const before = await waiting(inbox)
  filling.release()
  await acceptInTheEnd(inbox, 2)
  expect(await waiting(inbox)).toEqual([...before, 2].sort((a, b) => a - b))
})

test.each([
  ['text', () => writeFileSync(file, 'This is no database. '.repeat(200)), /is not a database: name another file/],
  ['a database of something else', () => withDatabase('CREATE TABLE invoices (id)'), /the database of another program/],
  [
    'tables of a later version',
    () => withDatabase('PRAGMA user_version = 99'),
    /version 99.*install the newer package/,
  ],
])('a file that holds %s is refused, and stays as it is', async (_what, write, message) => {
  mkdirSync(join(folder, 'data'))
  write()
  const before = readFileSync(file)
  const inbox = sqliteInbox({ file })
  open.push(inbox)
  await expect(inbox.ready()).rejects.toThrow(message)
  await expect(accept(inbox, 1)).rejects.toThrow(message)
  expect(readFileSync(file).subarray(100).equals(before.subarray(100))).toBe(true)
})

function withDatabase(sql: string): void {
  const { module } = chooseDriver()
  const { DatabaseSync } = require(module) as { DatabaseSync: new (file: string) => Database }
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

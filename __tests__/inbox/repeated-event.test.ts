/**
 * The third occurrence of a repeatable event arrives. The inbox contains only the second occurrence, as if that one had
 * been copied from a deleted file.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { eventOf } from './numbered-event'
import { attach, takeOne } from './postgres-inboxes'

let folder: string
const opened: Inbox[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-repeated-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((inbox) => inbox.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function open(file: string): Promise<Inbox> {
  const inbox = sqliteInbox({ file: join(folder, file) })
  opened.push(inbox)
  await inbox.ready()
  attach(inbox)
  return inbox
}

const [event, bytes] = eventOf({ number: 1, entity: 'order' }, 100)
const repeatable = { ...event, repeatable: true } as const

test('it is stored under an ID that no event has', async () => {
  const [before, after] = [await open('before.db'), await open('after.db')]
  const ids: string[] = []
  for (let occurrence = 0; occurrence < 3; occurrence++) {
    ids.push((await before.accept(repeatable, bytes)).id)
    await before.settle(await takeOne(before), { result: 'delivered' })
  }
  const [, second = '', third] = ids
  await after.accept({ ...repeatable, id: second }, bytes)
  await after.settle(await takeOne(after), { result: 'delivered' })
  expect(await after.accept(repeatable, bytes)).toEqual({ result: 'queued', id: third })
})

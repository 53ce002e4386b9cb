/** With 100,000 events, the first page is fast, and memory does not grow with the number of events. */
import { DatabaseSync } from '@photostructure/sqlite'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { cleanUp, cli, COMPANY, newSqlite, opened, piped, put } from './cli'

afterEach(cleanUp)

const EVENTS = 100_000
/** A heap limit that is too small for the entries of all events together. */
const LITTLE_MEMORY = ['--max-old-space-size=32']

async function fill(): Promise<string> {
  const { target } = await newSqlite()
  const inbox = await opened(sqliteInbox({ file: target }))
  const id = await put(inbox, 'PO-000000', { receivedAt: '2026-01-01T00:00:00.000Z' })
  await inbox.close()
  const database = new DatabaseSync(target)
  // Copies the first event, which is waiting. The copies are dead.
  database.exec(`
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${EVENTS - 1}),
      copies AS (SELECT n, substr(id, 1, 24) || printf('%012x', n) AS id, events.* FROM numbers, events)
    INSERT INTO events (seq, id, occurrence, queue, state, name, kind, event_name, reversed_entity_id, received, due,
        attempts, bytes, has_body, settled, outcome, reason, head)
      SELECT seq + n, id, 0, queue, 3, name, kind, event_name, reversed_entity_id, received, due, 1, bytes, 0, due,
        'rejected', 'no such item', replace(replace(head, '${id}', id), 'PO-000000', 'PO-' || printf('%06d', n)) FROM copies`)
  database.close()
  return target
}

let target: string
beforeEach(async () => {
  target = await fill()
})

test('all of them are listed with little memory, and the first page does not wait for the rest', async () => {
  const first = await piped(['inbox', target, 'list'], 'head -2')
  expect(first.out).toContain(`${COMPANY}-PO-000000`)
  expect(first.code).toBe(0)
  const { code, out, err } = await cli(['inbox', target, 'list', '--json'], { nodeArgs: LITTLE_MEMORY })
  expect([code, err]).toEqual([0, ''])
  const numbers = out
    .trimEnd()
    .split('\n')
    .map((line) => Number(line.slice(line.indexOf('PO-') + 3, line.indexOf('PO-') + 9)))
  expect(numbers).toEqual(Array.from({ length: EVENTS }, (_, i) => i))
})

test('all dead ones are purged with little memory, and progress is shown', async () => {
  const { code, out } = await cli(['inbox', target, 'purge', '--state', 'dead', '--yes', '--json'], {
    nodeArgs: LITTLE_MEMORY,
  })
  expect([code, JSON.parse(out)]).toEqual([0, { purged: EVENTS - 1, left: 0 }])
  expect((await cli(['inbox', target, 'stats', '--json'])).out).toContain('"waiting":1')
})

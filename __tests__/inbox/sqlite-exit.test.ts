/** Processes that end under load without closing the inbox: `process.exit()` and SIGTERM. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { isFull } from '../size'
import { until } from '../wait'
import { disorder, Member, readLedger, sendAll, stopping, type Stop } from './members'
import type { MemberOptions, Order } from './protocol'

const EVENTS = isFull ? 10_000 : 1_000
const ENDS = isFull ? 100 : 6

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-exit-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('the exit code stays as it is, the process does not abort, and no event is lost', async () => {
  const file = join(folder, 'inbox.db')
  const options: MemberOptions = {
    engine: { type: 'sqlite', file },
    ...{ ledger: join(folder, 'ledger'), callbackMs: 5, failing: 0.1, concurrency: 16, bodyBytes: 8_192 },
  }
  const members = [new Member(options), new Member(options)]
  const stops = new Map<number, Stop>()
  let accepted = 0
  let round = 0
  await Promise.all(members.map(({ ready }) => ready))
  const sending = sendAll(
    { events: EVENTS, entities: 200, connections: 50 },
    () => members[round++ % members.length],
    (count) => (accepted = count),
  )
  const ends: Array<[number | null, NodeJS.Signals | null]> = []
  for (let i = 1; i <= ENDS; i++) {
    await until(() => accepted >= (EVENTS * i) / (ENDS + 1), 'events to be accepted')
    const { process: ending } = members[i % 2]!
    const ended = new Promise<void>((resolve) => {
      ending.once('exit', (...end) => {
        ends.push(end)
        resolve()
      })
    })
    const isExit = i % 3 > 0
    const stop = await stopping(() => {
      if (isExit) ending.send('exit' satisfies Order)
      else ending.kill('SIGTERM')
      return ended
    })
    stops.set(ending.pid!, stop)
    members[i % 2] = new Member(options)
    await members[i % 2]!.ready
  }
  await sending
  await Promise.all(members.map((member) => member.end()))
  expect(ends).toEqual(ends.map((_, i) => ((i + 1) % 3 > 0 ? [7, null] : [null, 'SIGTERM'])))
  const inbox = sqliteInbox({ file })
  const found: number[] = []
  for (let after: string | undefined, more = true; more;) {
    const page = await inbox.list({ limit: 1_000, ...(after !== undefined && { after }) })
    found.push(...page.entries.map(({ requestId }) => Number(requestId)))
    after = page.next
    more = after !== undefined
  }
  await inbox.close()
  expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: EVENTS }, (_, i) => i + 1))
  expect(disorder(readLedger(join(folder, 'ledger')), stops)).toEqual({ overlaps: [], outOfOrder: [] })
  // The last process has written the log into the database file.
  expect(readFileSync(file).length).toBeGreaterThan(0)
})

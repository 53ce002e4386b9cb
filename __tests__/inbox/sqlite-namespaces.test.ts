/** Processes in containers of their own, which cannot see each other's PIDs, share a file. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFull } from '../size'
import { until } from '../wait'
import { delivered, disorder, Member, readLedger, sendAll } from './members'
import type { MemberOptions } from './protocol'

const EVENTS = isFull ? 10_000 : 1_500
const MAX_LOG_BYTES = 64 * 1024 * 1024
const CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-namespaces-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('no two deliver the same order at a time, and what one had taken when it was killed is taken over', async () => {
  const file = join(folder, 'inbox.db')
  const options: MemberOptions = {
    engine: { type: 'sqlite', file },
    ...{ ledger: join(folder, 'ledger'), callbackMs: 20, failing: 0.3, concurrency: 16, bodyBytes: 64 * 1024 },
  }
  const members = [0, 1, 2].map(() => new Member(options, CONTAINER))
  try {
    await Promise.all(members.map(({ ready }) => ready))
    let accepted = 0
    let round = 0
    let alive = members.length
    let largestLog = 0
    const sending = sendAll(
      { events: EVENTS, entities: 200, connections: 50 },
      () => members[round++ % alive],
      (count) => {
        accepted = count
        largestLog = Math.max(largestLog, statSync(`${file}-wal`).size)
      },
    )
    await until(() => accepted > EVENTS / 2, 'events to be accepted')
    alive = 2
    await members[2]!.kill()
    const killedAt = process.hrtime.bigint()
    await sending
    await until(() => delivered(readLedger(options.ledger)).size === EVENTS, 'all events to be delivered')
    // Each is process 1 of its container.
    const { overlaps, outOfOrder } = disorder(readLedger(options.ledger), new Map([[1, killedAt]]))
    expect({ overlaps, outOfOrder }).toEqual({ overlaps: [], outOfOrder: [] })
    expect(new Set(readLedger(options.ledger).map(({ pid }) => pid))).toEqual(new Set([1]))
    expect(largestLog).toBeLessThanOrEqual(MAX_LOG_BYTES)
  } finally {
    await Promise.all(members.map((member) => member.kill()))
  }
}, 300_000)

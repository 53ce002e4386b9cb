/** Processes in separate containers, which cannot see each other's PIDs, share an inbox. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { isFull } from '../size'
import { until } from '../wait'
import { delivered, disorder, Member, readLedger, sendAll, stopping } from './members'
import type { EngineOptions, MemberOptions } from './protocol'

const EVENTS = isFull ? 10_000 : 1_500
const MAX_LOG_BYTES = 64 * 1024 * 1024
const CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-namespaces-'))
  file = join(folder, 'inbox.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(stopPostgresServers)

async function killOneOfThree(engine: EngineOptions, onAccepted: () => void = () => undefined): Promise<void> {
  const options: MemberOptions = {
    engine,
    ...{ ledger: join(folder, 'ledger'), callbackMs: 20, failing: 0.3, concurrency: 16, bodyBytes: 64 * 1024 },
  }
  const members = [0, 1, 2].map((name) => new Member({ ...options, name }, CONTAINER))
  try {
    await Promise.all(members.map(({ ready }) => ready))
    let accepted = 0
    let round = 0
    let alive = members.length
    const sending = sendAll(
      { events: EVENTS, entities: 200, connections: 50 },
      () => members[round++ % alive],
      (count) => {
        accepted = count
        onAccepted()
      },
    )
    await until(() => accepted > EVENTS / 2, 'events to be accepted')
    alive = 2
    const stops = new Map([[2, await stopping(() => members[2]!.kill())]])
    await sending
    await until(() => delivered(readLedger(options.ledger)).size === EVENTS, 'all events to be delivered')
    expect(disorder(readLedger(options.ledger), stops)).toEqual({ overlaps: [], outOfOrder: [] })
    // Each process is process 1 of its container.
    expect(new Set(readLedger(options.ledger).map(({ pid }) => pid))).toEqual(new Set([1]))
  } finally {
    await Promise.all(members.map((member) => member.kill()))
  }
}

test('SQLite: no two deliver the same order at a time, and what one had taken when it was killed is taken over', async () => {
  let largestLog = 0
  await killOneOfThree({ type: 'sqlite', file }, () => {
    largestLog = Math.max(largestLog, statSync(`${file}-wal`).size)
  })
  expect(largestLog).toBeLessThanOrEqual(MAX_LOG_BYTES)
})

test('PostgreSQL: the same', async () => {
  const { connectionString: url } = await startPostgres()
  await killOneOfThree({ type: 'postgres', url, schema: 'namespaces' })
})

/** Processes share an inbox, and are repeatedly killed with -9 under load. So is the PostgreSQL server. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { isFull } from '../size'
import { until } from '../wait'
import { delivered, disorder, Member, readLedger, sendAll, stopping, type Stop } from './members'
import type { EngineOptions, MemberOptions } from './protocol'

const EVENTS = isFull ? 20_000 : 1_500
const KILLS = isFull ? 60 : 8
const SERVER_KILLS = isFull ? 12 : 2
const PROCESSES = 3

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-kill-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(stopPostgresServers)

/** Kills one process after another. Calls `alsoKill` after each group of `every` killed processes. */
async function killUnderLoad(
  engine: EngineOptions,
  { every = Infinity, alsoKill = () => Promise.resolve() }: { every?: number; alsoKill?: () => Promise<void> } = {},
): Promise<void> {
  const ledger = join(folder, 'ledger')
  const options: MemberOptions = { engine, ledger, callbackMs: 20, failing: 0.1, concurrency: 16, bodyBytes: 8_192 }
  const members = Array.from({ length: PROCESSES }, () => new Member(options))
  const stops = new Map<number, Stop>()
  try {
    await Promise.all(members.map(({ ready }) => ready))
    let accepted = 0
    let round = 0
    const sending = sendAll(
      { events: EVENTS, entities: 200, connections: 50 },
      () => members[round++ % PROCESSES],
      (count) => (accepted = count),
    )
    for (let kill = 1; kill <= KILLS; kill++) {
      await until(() => accepted >= (EVENTS * kill) / (KILLS + 2), 'events to be accepted')
      const at = kill % PROCESSES
      const victim = members[at]!
      stops.set(victim.process.pid ?? 0, await stopping(() => victim.kill()))
      if (kill % every === 0) await alsoKill()
      members[at] = new Member(options)
      await members[at].ready
    }
    await sending
    await until(() => delivered(readLedger(ledger)).size === EVENTS, 'all events to be delivered')
    const { overlaps, outOfOrder } = disorder(readLedger(ledger), stops)
    expect(overlaps).toEqual([])
    expect(outOfOrder).toEqual([])
  } finally {
    await Promise.all(members.map((member) => member.kill()))
  }
}

test('SQLite: what was stored is delivered, in order and one at a time, however often processes are killed', async () => {
  await killUnderLoad({ type: 'sqlite', file: join(folder, 'inbox.db') })
})

test('PostgreSQL: the same, and the server is killed too', async () => {
  const server = await startPostgres()
  const engine = { type: 'postgres', url: server.connectionString, schema: 'kill' } as const
  await killUnderLoad(engine, { every: Math.floor(KILLS / SERVER_KILLS), alsoKill: () => server.restart() })
})

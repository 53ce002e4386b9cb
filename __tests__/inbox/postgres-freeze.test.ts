/**
 * Processes share an inbox in PostgreSQL. One process is frozen for longer than a lease. At full size, the server is
 * frozen afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { freeze } from '../freeze'
import { isFull } from '../size'
import { pause, until } from '../wait'
import { delivered, disorder, Member, readLedger, sendAll, stopping } from './members'
import type { MemberOptions } from './protocol'

const EVENTS = isFull ? 5_000 : 400

afterAll(stopPostgresServers)

test('others take over from a process that is frozen, and not from one that runs, also after the server stood still', async () => {
  const server = await startPostgres()
  const folder = mkdtempSync(join(tmpdir(), 'postgres-freeze-'))
  const options: MemberOptions = {
    engine: { type: 'postgres', url: server.connectionString, schema: 'freeze' },
    ledger: join(folder, 'ledger'),
    callbackMs: 100,
    failing: 0.1,
    concurrency: 16,
    bodyBytes: 1_024,
  }
  const members = Array.from({ length: 3 }, () => new Member(options))
  try {
    await Promise.all(members.map(({ ready }) => ready))
    const frozen = members[0]!
    let accepted = 0
    let round = 0
    const sending = sendAll(
      { events: EVENTS, entities: 60, connections: 20 },
      () => members[1 + (round++ % 2)],
      (count) => (accepted = count),
    )
    const hasBegun = () => readLedger(options.ledger).some(({ pid }) => pid === frozen.process.pid)
    await until(() => accepted > EVENTS / 4 && hasBegun(), 'the first process to deliver')
    const stops = new Map([[frozen.process.pid!, await stopping(() => freeze(frozen.process.pid!))]])
    await sending
    await until(() => delivered(readLedger(options.ledger)).size === EVENTS, 'the others to take over')
    // Also waits until the frozen process is removed. If the frozen process had no event, everything was delivered
    // before the lease of that process expired.
    const countProcesses = async () =>
      Number((await server.query<{ count: string }>('SELECT count(*) FROM "freeze".processes')).rows[0]?.count ?? 0)
    await until(async () => (await countProcesses()) === 2, 'the others to remove the frozen process')
    frozen.process.kill('SIGCONT')
    await until(() => frozen.leasesLost > 0, 'the process to notice that its lease was lost')
    if (isFull) {
      // Freezes the server for longer than a lease, so that no process can renew its lease meanwhile.
      await server.freeze()
      await pause(20_000)
      server.thaw()
      await pause(6_000)
    }
    expect(members.map(({ leasesLost }) => leasesLost)).toEqual([1, 0, 0])
    const { overlaps, outOfOrder } = disorder(readLedger(options.ledger), stops)
    expect(overlaps).toEqual([])
    expect(outOfOrder).toEqual([])
  } finally {
    await Promise.all(members.map((member) => member.kill()))
    rmSync(folder, { recursive: true, force: true })
  }
})

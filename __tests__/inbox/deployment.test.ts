/** A rolling deployment. Only the new release has a callback for shipments; both releases share an inbox. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { isFull } from '../size'
import { until } from '../wait'
import { insist } from './insist'
import { disorder, Member, readLedger, sendAll, stopping, type Stop } from './members'
import { openInbox, type EngineOptions, type MemberOptions } from './protocol'

const EVENTS = isFull ? 5_000 : 500
const PROCESSES = 4
/** Number of processes of the old release, which are replaced one by one. */
const OLD = 3

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-deployment-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(stopPostgresServers)

async function deploy(engine: EngineOptions): Promise<void> {
  const options: MemberOptions = {
    engine,
    ...{ ledger: join(folder, 'ledger'), callbackMs: 10, failing: 0.1, concurrency: 8, bodyBytes: 2_000 },
  }
  const start = (name: number, isNew: boolean) =>
    new Member({ ...options, name, wanted: isNew ? [{ kind: 'order' }, { kind: 'shipment' }] : [{ kind: 'order' }] })
  const inbox = openInbox(engine)
  const stats = () => insist(() => inbox.stats())
  const members = Array.from({ length: PROCESSES }, (_, name) => start(name, name >= OLD))
  const stops = new Map<number, Stop>()
  try {
    await Promise.all(members.map(({ ready }) => ready))
    expect(await inbox.isWanted('faults', 'shipment', undefined)).toBe(true)
    let accepted = 0
    let round = 0
    let ignored = 0
    // Each process stores events of all kinds, including kinds for which it has no callback itself.
    const sending = sendAll(
      { events: EVENTS, entities: 60, connections: 20, kindOf: (number) => (number % 3 === 0 ? 'shipment' : 'order') },
      () => members[round++ % PROCESSES],
      (count) => (accepted = count),
    )
    for (let i = 0; i < OLD; i++) {
      await until(() => accepted >= ((i + 1) * EVENTS) / (OLD + 2), 'events to be accepted')
      const old = members[i]!
      members[i] = start(PROCESSES + i, true)
      await members[i]!.ready
      // The second process is killed; the others are closed, as in a deployment.
      stops.set(i, await stopping(() => (i === 1 ? old.kill() : old.end())))
      ignored += old.ignored
    }
    await sending
    expect(members.reduce((sum, member) => sum + member.ignored, ignored)).toBe(0)
    // Waits for the inbox, not for the ledger: if a process was killed between the end of a callback and the settlement
    // of its event, the event is delivered again.
    await until(async () => (await stats()).delivered === EVENTS, 'all events to be delivered')
    const steps = readLedger(options.ledger)
    expect(disorder(steps, stops)).toEqual({ overlaps: [], outOfOrder: [] })
    const byOld = steps.filter(({ by }) => by < OLD)
    expect(byOld.some(({ number }) => number % 3 > 0)).toBe(true)
    expect(byOld.filter(({ number }) => number % 3 === 0)).toEqual([])
  } finally {
    await Promise.all(members.map((member) => member.kill()))
  }
  expect(await stats()).toMatchObject({ waiting: 0, running: 0, delivered: EVENTS, dead: 0, quarantined: 0 })
  await inbox.close()
}

test('SQLite: each event is delivered by a process that has a callback for it, and none is given up', async () => {
  await deploy({ type: 'sqlite', file: join(folder, 'inbox.db') })
})

test('PostgreSQL: the same', async () => {
  const { connectionString: url } = await startPostgres()
  await deploy({ type: 'postgres', url, schema: 'deployment' })
})

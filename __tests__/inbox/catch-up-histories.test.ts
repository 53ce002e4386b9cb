/**
 * Random histories by seed through real inboxes: in the end nothing is missing, and the catch-up finds only what was
 * lost.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { notOwnRequest } from '../../lib/catch-up/want'
import type { Inbox } from '../../lib/inbox/inbox'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import type { HistoryOptions } from '../../lib/testing'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { bySize } from '../size'
import { HEALTHY, OWN_CHANGES } from '../unit/catch-up/kinds-of-history'
import { EVERY, MINUTE, SETTLE, type RigOptions } from '../unit/catch-up/rig'
import { InboxRig } from './catch-up-rig'
import { closeInboxes, open, poolOf } from './postgres-inboxes'

const HIDDEN = 5 * MINUTE
/** Several processes can share a full run, each with its own FIRST_SEED. */
const { FIRST_SEED = 1, SEEDS } = process.env
const COUNTS = {
  SQLite: bySize({ quick: 2, ci: 5, full: 3_000 }),
  PostgreSQL: bySize({ quick: 1, ci: 1, full: 3_000 }),
}
const SORTS = ['asc', 'desc', 'id'] as const

let folder: string
let server: PostgresServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'catch-up-'))
  server = await startPostgres()
})
afterAll(async () => {
  await closeInboxes()
  await stopPostgresServers()
  rmSync(folder, { recursive: true, force: true })
})

type Engine = 'SQLite' | 'PostgreSQL'

function openInbox(engine: Engine, number: number): Inbox {
  // Histories share the tables, so each has its own name.
  if (engine === 'PostgreSQL')
    return open({ pool: poolOf(server.connectionString, 6), schema: `histories_${Math.floor(number / 50)}` })
  return sqliteInbox({ file: join(folder, `inbox-${Math.floor(number / 50)}.db`) })
}

let histories = 0

/** Plays a history, then advances the clock until the last change must have been delivered. */
async function play(engine: Engine, history: HistoryOptions, options: RigOptions, lagMs = 0): Promise<InboxRig> {
  const inbox = openInbox(engine, ++histories)
  await inbox.ready()
  const rig = new InboxRig(inbox, `history ${histories}`, options)
  try {
    for (const planned of rig.world.history({ hiddenMs: HIDDEN, ...history, form: options.form })) {
      await rig.pass(planned.afterMs)
      rig.world.apply(planned)
    }
    await rig.pass((history.hiddenMs ?? HIDDEN) + lagMs + SETTLE + 2 * EVERY)
  } finally {
    await rig.close()
    if (engine === 'PostgreSQL') await closeInboxes()
  }
  return rig
}

/** Each seed uses one order of the list; neighbouring seeds use different ones. */
const sortOf = (seed: number) => SORTS[seed % SORTS.length] ?? 'asc'

describe.each<Engine>(['SQLite', 'PostgreSQL'])('%s', (engine) => {
  const seeds = Array.from({ length: Number(SEEDS ?? COUNTS[engine]) }, (_, i) => Number(FIRST_SEED) + i)

  test('a third of the events lost: the last state of everything was delivered and named', async () => {
    let recovered = 0
    for (const seed of seeds) {
      const fetch = seed % 2 === 0 ? 'always' : 'get'
      const limit = [3, 10, 100][Math.floor(seed / 6) % 3]
      const options = { poll: { sort: sortOf(seed) }, fetch, limit, queueMs: (seed % 4) * MINUTE } as const
      const rig = await play(engine, { seed }, options)
      const { errors } = rig
      expect({ seed, missing: rig.missing(), errors }).toEqual({ seed, missing: [], errors: [] })
      recovered += rig.recovered.length
    }
    expect(recovered).toBeGreaterThanOrEqual(seeds.length)
  })

  test('in single deliveries as well', async () => {
    for (const seed of seeds.slice(0, Math.ceil(seeds.length / 10))) {
      const rig = await play(engine, { seed, gets: 0 }, { poll: { sort: sortOf(seed) }, form: 'singleDelivery' })
      const { errors } = rig
      expect({ seed, missing: rig.missing(), errors }).toEqual({ seed, missing: [], errors: [] })
    }
  })

  test('a healthy webhook: nothing is recovered, also while records are being deleted', async () => {
    for (const seed of seeds) {
      const sweep = seed % 2 === 0 && ({ everyMs: 20 * MINUTE, backMs: 40 * MINUTE } as const)
      const options = { poll: { sort: sortOf(seed) }, queueMs: (seed % 4) * MINUTE, run: { sweep } }
      const rig = await play(engine, { seed, ...HEALTHY, changes: 120 }, options)
      expect({ seed, recovered: rig.recovered, errors: rig.errors }).toEqual({ seed, recovered: [], errors: [] })
    }
  })

  test('own changes, whose events are switched off, are not recovered', async () => {
    for (const seed of seeds.slice(0, Math.ceil(seeds.length / 3))) {
      const party = seed % 2 === 0 ? 'buyer' : 'supplier'
      const rig = await play(engine, { seed, party, ...OWN_CHANGES }, { want: notOwnRequest(party) })
      expect({ seed, recovered: rig.recovered }).toEqual({ seed, recovered: [] })
    }
  })

  test('a list that lags by up to two minutes: no callback gets an older line from the catch-up last', async () => {
    const lag = 2 * MINUTE
    for (const seed of seeds.slice(0, Math.ceil(seeds.length / 3))) {
      let asked = seed
      const listLagMs = () => (asked = (asked * 7_919) % 120_011) % lag
      const options = { poll: { sort: sortOf(seed), listLagMs }, limit: [5, 100][seed % 2] }
      const rig = await play(engine, { seed, busy: 0.6 }, options, lag)
      const { backwards } = rig.ledger
      expect({ seed, missing: rig.missing(), backwards }).toEqual({ seed, missing: [], backwards: [] })
    }
  })
})

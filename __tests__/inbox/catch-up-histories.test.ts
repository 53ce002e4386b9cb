/**
 * Random histories, each from a seed, with real inboxes: at the end nothing is missing, and the catch-up finds only
 * what was lost.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { notOwnRequest } from '../../lib/catch-up/want'
import { isTradecloudWebhookError } from '../../lib/errors/errors'
import { PostgresEngine } from '../../lib/inbox/postgres/engine'
import { resolvePostgresInbox } from '../../lib/inbox/postgres/options'
import { SqliteEngine } from '../../lib/inbox/sqlite/engine'
import { resolveSqliteInbox } from '../../lib/inbox/sqlite/options'
import type { HistoryOptions } from '../../lib/testing'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { bySize } from '../size'
import { HEALTHY, OWN_CHANGES } from '../unit/catch-up/kinds-of-history'
import { EVERY, MINUTE, SETTLE, type RigOptions } from '../unit/catch-up/rig'
import { InboxRig } from './catch-up-rig'
import { closeInboxes, poolOf, prepareStatements } from './postgres-inboxes'
import { SharedEngine } from './shared-engine'

const HIDDEN = 5 * MINUTE
/** To split a full run among several processes, each gets its own FIRST_SEED. */
const { FIRST_SEED = 1, SEEDS } = process.env
const COUNTS = {
  SQLite: bySize({ quick: 6, ci: 60, full: 3_000 }),
  PostgreSQL: bySize({ quick: 3, ci: 9, full: 3_000 }),
}
const SORTS = ['asc', 'desc', 'id'] as const
/** Number of histories that run concurrently, which saves time: concurrent requests share a transaction. */
const AT_ONCE = 8
const MEMORY = '/dev/shm'
/** Number of histories in one file or schema. */
const TOGETHER = 200

let folder: string
let server: PostgresServer
beforeAll(async () => {
  // Nothing here has to survive a crash: files are in memory if there is room, and PostgreSQL runs without fsync.
  const hasRoom = existsSync(MEMORY) && statfsSync(MEMORY).bavail * statfsSync(MEMORY).bsize > 2 ** 29
  folder = mkdtempSync(join(hasRoom ? MEMORY : tmpdir(), 'catch-up-'))
  server = await startPostgres({ fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' })
})
afterAll(async () => {
  await closeInboxes()
  await stopPostgresServers()
  rmSync(folder, { recursive: true, force: true })
})

type Engine = 'SQLite' | 'PostgreSQL'

let files = 0

function openEngine(engine: Engine): SharedEngine {
  const name = `histories_${++files}`
  if (engine === 'SQLite') {
    const options = resolveSqliteInbox({ file: join(folder, `${name}.db`) })
    return new SharedEngine((events) => new SqliteEngine(options, events))
  }
  // Unix sockets cost half as much CPU as TCP.
  const pool = poolOf(`postgres://postgres@${encodeURIComponent(server.folder)}:${server.port}/postgres`, 6)
  const options = resolvePostgresInbox({ pool: prepareStatements(pool), schema: name, unsafe: true })
  return new SharedEngine((events) => new PostgresEngine(options, events))
}

interface Played {
  seed: number
  rig: InboxRig
}

/** Plays the history of each seed. Each history has its own inbox; up to `TOGETHER` inboxes share a database. */
async function playAll(
  engine: Engine,
  seeds: readonly number[],
  kindOf: (seed: number) => { history: HistoryOptions; options: RigOptions; lagMs?: number },
  check: (played: Played) => void,
): Promise<void> {
  for (let first = 0; first < seeds.length; first += TOGETHER) {
    const shared = openEngine(engine)
    await shared.open()
    const waiting = seeds.slice(first, first + TOGETHER)
    const playSome = async (): Promise<void> => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
        const { history, options, lagMs } = kindOf(seed)
        check({ seed, rig: await playInTime(shared, { seed, ...history }, options, lagMs) })
      }
    }
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, playSome))
    } finally {
      waiting.length = 0
      await shared.close()
    }
    await closeInboxes()
  }
}

let histories = 0

/**
 * Plays a history. If the database does not respond in time, because the machine is busy, plays it again under another
 * name.
 */
async function playInTime(...given: Parameters<typeof play>): Promise<InboxRig> {
  const isLate = (error: unknown) => isTradecloudWebhookError(error) && error.message.includes('in time')
  for (;;) {
    try {
      const rig = await play(...given)
      if (!rig.errors.some(isLate)) return rig
    } catch (error) {
      if (!isLate(error)) throw error
    }
  }
}

/** Plays a history, then advances the clock until the last change must have been delivered. */
async function play(shared: SharedEngine, history: HistoryOptions, options: RigOptions, lagMs = 0): Promise<InboxRig> {
  const rig = new InboxRig(shared.inbox(), `history ${++histories}`, options)
  try {
    for (const planned of rig.world.history({ hiddenMs: HIDDEN, ...history, form: options.form })) {
      await rig.pass(planned.afterMs)
      rig.world.apply(planned)
    }
    await rig.pass((history.hiddenMs ?? HIDDEN) + lagMs + SETTLE + 2 * EVERY)
  } finally {
    await rig.close()
  }
  return rig
}

/** The sort order of the polled list depends on the seed; neighbouring seeds use different sort orders. */
const sortOf = (seed: number) => SORTS[seed % SORTS.length] ?? 'asc'

describe.each<Engine>(['SQLite', 'PostgreSQL'])('%s', (engine) => {
  const seeds = Array.from({ length: Number(SEEDS ?? COUNTS[engine]) }, (_, i) => Number(FIRST_SEED) + i)
  const some = (part: number) => seeds.slice(0, Math.ceil(seeds.length / part))

  test('a third of the events lost: the last state of everything was delivered and named', async () => {
    let recovered = 0
    const kindOf = (seed: number) => {
      const fetch = seed % 2 === 0 ? 'always' : 'get'
      const limit = [3, 10, 100][Math.floor(seed / 6) % 3]
      const options = { poll: { sort: sortOf(seed) }, fetch, limit, queueMs: (seed % 4) * MINUTE } as const
      return { history: {}, options }
    }
    await playAll(engine, seeds, kindOf, ({ seed, rig }) => {
      expect({ seed, missing: rig.missing(), errors: rig.errors }).toEqual({ seed, missing: [], errors: [] })
      recovered += rig.recovered.length
    })
    expect(recovered).toBeGreaterThanOrEqual(seeds.length)
  })

  test('in single deliveries as well', async () => {
    const kindOf = (seed: number) => {
      return { history: { gets: 0 }, options: { poll: { sort: sortOf(seed) }, form: 'singleDelivery' } as const }
    }
    await playAll(engine, some(10), kindOf, ({ seed, rig }) => {
      expect({ seed, missing: rig.missing(), errors: rig.errors }).toEqual({ seed, missing: [], errors: [] })
    })
  })

  test('a healthy webhook: nothing is recovered, also while records are being deleted', async () => {
    const kindOf = (seed: number) => {
      const sweep = seed % 2 === 0 && ({ everyMs: 20 * MINUTE, backMs: 40 * MINUTE } as const)
      const options = { poll: { sort: sortOf(seed) }, queueMs: (seed % 4) * MINUTE, run: { sweep } }
      return { history: { ...HEALTHY, changes: 120 }, options }
    }
    await playAll(engine, seeds, kindOf, ({ seed, rig }) => {
      expect({ seed, recovered: rig.recovered, errors: rig.errors }).toEqual({ seed, recovered: [], errors: [] })
    })
  })

  test('own changes, whose events are switched off, are not recovered', async () => {
    const kindOf = (seed: number) => {
      const party = seed % 2 === 0 ? 'buyer' : 'supplier'
      return { history: { party, ...OWN_CHANGES }, options: { want: notOwnRequest(party) } } as const
    }
    await playAll(engine, some(3), kindOf, ({ seed, rig }) => {
      expect({ seed, recovered: rig.recovered, errors: rig.errors }).toEqual({ seed, recovered: [], errors: [] })
    })
  })

  test('a list that lags by up to two minutes: no callback gets an older line from the catch-up last', async () => {
    const lagMs = 2 * MINUTE
    const kindOf = (seed: number) => {
      let asked = seed
      const listLagMs = () => (asked = (asked * 7_919) % 120_011) % lagMs
      const options = { poll: { sort: sortOf(seed), listLagMs }, limit: [5, 100][seed % 2] }
      return { history: { busy: 0.6 }, options, lagMs }
    }
    await playAll(engine, some(3), kindOf, ({ seed, rig }) => {
      const { backwards } = rig.ledger
      expect({ seed, missing: rig.missing(), backwards }).toEqual({ seed, missing: [], backwards: [] })
    })
  })
})

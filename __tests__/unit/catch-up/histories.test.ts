/**
 * Random histories, each from a seed, with a webhook and a catch-up on the simulator's clock: at the end, nothing is
 * missing.
 */
import { notOwnRequest } from '../../../lib/catch-up/want'
import type { HistoryOptions } from '../../../lib/testing'
import type { Json } from '../../../lib/events/entity'
import { bySize } from '../../size'
import { HEALTHY, OWN_CHANGES } from './kinds-of-history'
import { EVERY, MINUTE, Rig, SETTLE, type RigOptions } from './rig'

const COUNT = bySize({ quick: 8, ci: 50, full: 1_000 })
const HIDDEN = 5 * MINUTE

/** Plays a history, then advances the clock until the last change must have been delivered. */
async function play(history: HistoryOptions, options: RigOptions = {}, lagMs = 0): Promise<Rig> {
  const rig = new Rig(options)
  for (const planned of rig.world.history({ hiddenMs: HIDDEN, ...history, form: options.form })) {
    await rig.pass(planned.afterMs)
    rig.world.apply(planned)
  }
  await rig.pass((history.hiddenMs ?? HIDDEN) + lagMs + SETTLE + 2 * EVERY)
  return rig
}

const seeds = (count = COUNT) => Array.from({ length: count }, (_, i) => i + 1)

describe.each(['asc', 'desc', 'id'] as const)('a list in order %s', (sort) => {
  test.each([
    ['get', 'deliverySchedule'],
    ['always', 'deliverySchedule'],
    ['get', 'singleDelivery'],
  ] as const)('with fetch %s, %s: the last state of everything was delivered and named', async (fetch, form) => {
    let recovered = 0
    for (const seed of seeds()) {
      const limit = [3, 10, 100][seed % 3]
      const gets = form === 'singleDelivery' ? { gets: 0 } : {}
      const rig = await play({ seed, ...gets }, { poll: { sort }, fetch, form, limit, queueMs: (seed % 4) * MINUTE })
      expect({ seed, missing: rig.missing(), errors: rig.errors }).toEqual({ seed, missing: [], errors: [] })
      recovered += rig.recovered.length
    }
    expect(recovered).toBeGreaterThan(seeds().length)
  })

  test('whose webhook is healthy: nothing is recovered', async () => {
    for (const seed of seeds()) {
      const sweep = seed % 2 === 0 && ({ everyMs: 20 * MINUTE, backMs: 40 * MINUTE } as const)
      const options = { poll: { sort }, queueMs: (seed % 4) * MINUTE, run: { sweep } }
      const rig = await play({ seed, ...HEALTHY, changes: 120 }, options)
      expect({ seed, recovered: rig.recovered, errors: rig.errors }).toEqual({ seed, recovered: [], errors: [] })
    }
  })

  test('that lags by up to two minutes: no callback gets an older line from the catch-up last', async () => {
    const lag = 2 * MINUTE
    for (const seed of seeds()) {
      let asked = seed
      const listLagMs = () => (asked = (asked * 7_919) % 120_011) % lag
      const rig = await play({ seed, busy: 0.6 }, { poll: { sort, listLagMs }, limit: [5, 100][seed % 2] }, lag)
      expect({ seed, missing: rig.missing(), backwards: rig.ledger.backwards }).toEqual({
        seed,
        missing: [],
        backwards: [],
      })
    }
  })
})

test.each(['buyer', 'supplier'] as const)(
  'own changes of a %s, whose events are switched off, are not recovered',
  async (party) => {
    const want = notOwnRequest(party)
    for (const seed of seeds()) {
      const rig = await play({ seed, party, ...OWN_CHANGES }, { want })
      expect({ seed, recovered: rig.recovered }).toEqual({ seed, recovered: [] })
    }
  },
)

test('with lost events among own changes, all that is not hidden by an own request is recovered', async () => {
  const want = notOwnRequest('buyer')
  const isExpected = (part: Json) => {
    const ask = (line: Json) => want({ kind: 'order', id: '', order: {}, lines: [line], header: false })
    return Array.isArray(part.lines) ? (part.lines as Json[]).every(ask) : ask(part)
  }
  for (const seed of seeds()) {
    const rig = await play({ seed, own: 0.3, shipments: 0 }, { want })
    expect({ seed, missing: rig.missing(isExpected) }).toEqual({ seed, missing: [] })
  }
})

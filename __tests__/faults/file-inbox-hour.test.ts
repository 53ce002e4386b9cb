/** 50 requests per second for ten minutes at full size, or for FAULTS_MINUTES. */
import { join } from 'node:path'
import { pause } from '../integration/harness'
import { settleAccount } from './account'
import { buildReceiver } from './build'
import { readLedger } from './ledger'
import { Load } from './load'
import type { Measured } from './receiver'
import { endAll, startReceiver, temporaryFolder } from './receiver-process'
import { isFull, report } from './size'

const RATE = 50
const MINUTES = Number(process.env.FAULTS_MINUTES ?? 10)
const SAMPLES = 30
const MIB = 1024 * 1024
/** What a process that leaks nothing may still have grown by, from the first tenth to the last one. */
const FLAT = { rss: 24 * MIB, heapUsed: 8 * MIB }
const DELAY_P99_MS = 50

const onDemand = isFull || process.env.FAULTS_MINUTES !== undefined ? test : test.skip

beforeAll(() => void buildReceiver(), 60_000)
afterEach(endAll)

onDemand(
  `in ${MINUTES} minutes of 50 requests a second the memory stays flat, and the event loop free`,
  async () => {
    const ledger = join(temporaryFolder(), 'ledger')
    const receiver = await startReceiver({
      inbox: { type: 'file', options: { directory: join(temporaryFolder(), 'inbox') } },
      ledger,
      run: 1,
      behaviour: { ms: 5 },
    })
    const events = RATE * 60 * MINUTES
    const load = new Load({
      name: 'hour',
      port: () => receiver.port,
      events,
      // Ten events each.
      orders: Math.ceil(events / 10),
      connections: 20,
      rate: RATE,
    })
    const samples: Measured[] = []
    while (samples.length < SAMPLES) {
      await pause((MINUTES * 60_000) / SAMPLES)
      samples.push(await receiver.measure())
    }
    await load.done
    await receiver.drained(60_000)
    await receiver.end()
    const account = settleAccount([load], readLedger(ledger))
    const tenth = SAMPLES / 10
    const grown = (figure: 'rss' | 'heapUsed'): number =>
      mean(samples.slice(-tenth), figure) - mean(samples.slice(tenth, 2 * tenth), figure)
    const delayP99 = Math.max(...samples.map((sample) => sample.delayP99))
    report(`${MINUTES} minutes of 50 requests a second`, {
      events: account.events,
      missing: account.missing.length,
      extraCalls: account.extraCalls,
      answers: account.answers,
      slowestAnswerMs: account.slowestAnswerMs,
      'rss MiB': samples.map(({ rss }) => Math.round(rss / MIB)),
      'heap MiB': samples.map(({ heapUsed }) => Math.round(heapUsed / MIB)),
      'rss grown MiB': grown('rss') / MIB,
      'heap grown MiB': grown('heapUsed') / MIB,
      'worst event loop delay p99 ms': delayP99,
      'event loop delay max ms': Math.max(...samples.map(({ delayMax }) => delayMax)),
    })
    expect(account).toMatchObject({ events, missing: [], torn: [], extraCalls: 0, outOfOrder: [], damaged: [] })
    expect(grown('rss')).toBeLessThan(FLAT.rss)
    expect(grown('heapUsed')).toBeLessThan(FLAT.heapUsed)
    expect(delayP99).toBeLessThan(DELAY_P99_MS)
  },
  MINUTES * 60_000 + 120_000,
)

function mean(samples: Measured[], figure: 'rss' | 'heapUsed'): number {
  return samples.reduce((sum, sample) => sum + sample[figure], 0) / samples.length
}

/** A receiver with the file inbox that is killed with -9 under load, over and over. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pause } from '../integration/harness'
import { calledAgain, cutShort, settleAccount } from './account'
import { buildReceiver } from './build'
import { readLedger } from './ledger'
import { Load } from './load'
import { endAll, startReceiver, temporaryFolder, type Receiver } from './receiver-process'
import { isFull, report } from './size'

const EVENTS = isFull ? 20_000 : 800
const KILLS = isFull ? 64 : 4
const CONNECTIONS = 50
const ORDERS = 250
const CONCURRENCY = 16

jest.setTimeout(60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

test(
  'an event that was answered 2xx comes to the callback, whole and in order, however often the receiver is killed',
  async () => {
    const directory = join(temporaryFolder(), 'inbox')
    const ledger = join(temporaryFolder(), 'ledger')
    const start = (run: number): Promise<Receiver> =>
      startReceiver({
        inbox: { type: 'file', options: { directory } },
        ledger,
        run,
        // Longer than events take to be accepted: each kill finds callbacks that run.
        behaviour: { ms: 60 },
        webhook: { concurrency: CONCURRENCY },
      })
    const startedAt = performance.now()
    let receiver = await start(1)
    const load = new Load({
      name: 'kill',
      port: () => receiver.port,
      events: EVENTS,
      orders: ORDERS,
      connections: CONNECTIONS,
    })
    for (let kill = 1; kill <= KILLS; kill++) {
      // Every fifth one dies while it still reads what the one before has left.
      const target =
        kill % 5 === 0 ? 0 : Math.min(EVENTS, load.accepted + (EVENTS - load.accepted) / (KILLS - kill + 2))
      while (load.accepted < target) await pause(1)
      await pause(Math.random() * 40)
      await receiver.kill()
      receiver = await start(kill + 1)
    }
    await load.done
    await receiver.drained(isFull ? 600_000 : 60_000)
    await receiver.end()

    const { steps, alarms } = readLedger(ledger)
    const account = settleAccount([load], { steps, alarms })
    const { answers, extraCalls, slowestAnswerMs } = account
    const interrupted = [...cutShort(steps)].filter(([run]) => run <= KILLS)
    const again = calledAgain(steps, interrupted)
    report('killed with -9 under load', {
      events: account.events,
      kills: KILLS,
      connections: CONNECTIONS,
      'answered 2xx and missing': account.missing.length,
      torn: account.torn.length,
      'out of order': account.outOfOrder.length,
      'extra calls': extraCalls,
      'extra calls allowed': KILLS * CONCURRENCY,
      'cut short': interrupted.reduce((sum, [, events]) => sum + events.size, 0),
      answers,
      slowestAnswerMs,
      seconds: (performance.now() - startedAt) / 1000,
    })
    expect(account).toMatchObject({
      events: EVENTS,
      missing: [],
      torn: [],
      outOfOrder: [],
      overlapping: [],
      damaged: [],
    })
    expect(Object.keys(answers).filter((status) => !['200', '202', '503', 'broken'].includes(status))).toEqual([])
    expect(extraCalls).toBeLessThanOrEqual(KILLS * CONCURRENCY)
    // What ran when its process was killed comes again, and says so.
    expect(again.length).toBeGreaterThan(0)
    expect(again.filter(({ attempt }) => attempt < 2)).toEqual([])
    expect(readdirSync(join(directory, 'damaged'))).toEqual([])
    expect(readdirSync(join(directory, 'tmp'))).toEqual([])
  },
  isFull ? 1_800_000 : 180_000,
)

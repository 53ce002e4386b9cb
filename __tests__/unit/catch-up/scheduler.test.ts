/**
 * When a catch-up polls: at an interval or on demand, but not while another process polls, and not after it was
 * stopped.
 */
import { CatchUp, type CatchUpParts } from '../../../lib/catch-up/catch-up'
import { CatchUpLog } from '../../../lib/catch-up/catch-up-log'
import { resolveCatchUp, type CatchUpOptions, type CatchUpReport } from '../../../lib/catch-up/catch-up-options'
import type { List } from '../../../lib/catch-up/lists'
import { TradecloudClient } from '../../../lib/api'
import type { Inbox } from '../../../lib/inbox/inbox'
import { Log } from '../../../lib/log/log'
import { freezeClock, type Clock } from '../../clock'
import { MemoryCatchUpInbox } from './memory-catch-up-inbox'

const EVERY = 300_000
const FROM = '2026-11-01T00:00:00.000Z'

const client = new TradecloudClient({ baseUrl: 'http://localhost', username: 'u', password: 'p' })

let clock: Clock
const started: CatchUp[] = []
beforeEach(() => {
  clock = freezeClock()
})
afterEach(async () => {
  for (const catchUp of started.splice(0)) {
    catchUp.stop()
    await catchUp.idle()
  }
  clock.stop()
})

interface Scheduler {
  catchUp: CatchUp
  inbox: MemoryCatchUpInbox
  /** The holder of the lease at each poll. */
  polls: Array<string | undefined>
  reports: CatchUpReport[]
  lines: string[]
}

function schedulerOf(options: Partial<CatchUpOptions> = {}, more: Partial<CatchUpParts> = {}): Scheduler {
  const inbox = new MemoryCatchUpInbox()
  const polls: Scheduler['polls'] = []
  const reports: CatchUpReport[] = []
  const lines: string[] = []
  const add = (line: string) => void lines.push(line)
  const onCatchUp = (report: CatchUpReport) => void reports.push(report)
  const catchUpOption: CatchUpOptions = { from: FROM, want: 'all', form: 'deliverySchedule', ...options }
  const given = { catchUp: () => inbox } as unknown as Inbox
  const list: List = {
    ...{ kind: 'order', form: 'deliverySchedule', key: 'orders', polls: true },
    source: {
      async *read() {
        polls.push(inbox.holder)
        await new Promise((resolve) => setImmediate(resolve))
        yield { type: 'page', total: 0, date: Date.now() } as const
      },
      fetch: () => Promise.reject(new Error('nothing is fetched')),
    },
  }
  const catchUp = new CatchUp({
    ...{ inbox, lists: [list], isWanted: async () => true },
    options: resolveCatchUp({ catchUp: catchUpOption, onCatchUp, client, inbox: given, onOrder: () => 0 })!,
    log: new CatchUpLog(new Log({ warn: add, error: add }), onCatchUp, true),
    ...more,
  })
  started.push(catchUp)
  return { catchUp, inbox, polls, reports, lines }
}

const open = Promise.resolve()

test('polls at once and then once per interval, each time with the lease', async () => {
  const { catchUp, inbox, polls, reports } = schedulerOf({ everyMs: EVERY })
  await catchUp.start(open)
  await clock.wait(1)
  expect(polls).toEqual(['token 1'])
  await clock.wait(EVERY - 2)
  expect(polls).toHaveLength(1)
  await clock.wait(10 * EVERY)
  expect(polls).toEqual(Array.from({ length: 11 }, (_, i) => `token ${i + 1}`))
  expect([reports.length, inbox.holder]).toEqual([11, undefined])
})

test('does not poll again once it is stopped, and ends', async () => {
  const { catchUp, polls, reports } = schedulerOf({ everyMs: EVERY })
  await catchUp.start(open)
  await clock.wait(1.5 * EVERY)
  catchUp.stop()
  await catchUp.idle()
  await clock.wait(10 * EVERY)
  expect([polls.length, reports.length]).toEqual([2, 2])
})

test('a catch-up that is stopped before the inbox is open never polls', async () => {
  const { catchUp, polls, reports } = schedulerOf({ everyMs: EVERY })
  const starting = catchUp.start(new Promise((resolve) => setTimeout(resolve, 1_000)))
  catchUp.stop()
  await clock.wait(10 * EVERY)
  await starting
  await catchUp.idle()
  expect([polls, reports]).toEqual([[], []])
})

test('without an interval it polls only on demand', async () => {
  const { catchUp, polls } = schedulerOf({ everyMs: false })
  await catchUp.start(open)
  await clock.wait(100 * EVERY)
  expect(polls).toEqual([])
  await catchUp.run()
  expect(polls).toEqual(['token 1'])
})

test('a run that cannot begin is logged, and the next one is at its time', async () => {
  const { catchUp, inbox, polls, lines } = schedulerOf({ everyMs: EVERY })
  const acquire = jest.spyOn(inbox, 'acquire').mockRejectedValue(new Error('the database is down'))
  await catchUp.start(open)
  await clock.wait(2.5 * EVERY)
  expect(acquire).toHaveBeenCalledTimes(3)
  expect(lines).toEqual([expect.stringContaining('could not begin: "Error: the database is down"')])
  acquire.mockRestore()
  await clock.wait(EVERY)
  expect(polls).toEqual(['token 1'])
})

test('waits while another process polls, and leaves out the run that the other has done', async () => {
  const { catchUp, inbox, polls } = schedulerOf({ everyMs: EVERY })
  await catchUp.start(open)
  await clock.wait(1)
  inbox.holder = 'another'
  await clock.wait(EVERY + 5_000)
  expect(polls).toHaveLength(1)
  inbox.positions.set('orders', { cursor: '2026-11-01T01:00:00.000Z', since: Date.parse(FROM) })
  inbox.holder = undefined
  await clock.wait(EVERY - 10_000)
  expect(polls).toHaveLength(1)
  await clock.wait(EVERY)
  expect(polls).toHaveLength(2)
})

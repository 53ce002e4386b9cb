/** A disk that is full, read-only or away: events are answered 503 meanwhile, and all goes on once it is healed. */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pause, until } from '../integration/harness'
import { count, settleAccount, type Account } from './account'
import { buildReceiver } from './build'
import { readLedger } from './ledger'
import { isAccepted, Load, type Answer } from './load'
import { fillDisk, mountMemory } from './mounts'
import { endAll, startReceiver, temporaryFolder, type Receiver } from './receiver-process'
import { isFull, report } from './size'

jest.setTimeout(60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

const EVENTS = isFull ? 5_000 : 300
/** How long the disk stays broken. */
const BROKEN_MS = isFull ? 10_000 : 2_500
/** No sender waits longer for an answer. */
const SLOWEST_MS = 5_000
/** From one check of the folder to the next, and some. */
const NOTICED_MS = 10_000

interface Running {
  receiver: Receiver
  /** Of the whole load. */
  events: number
  load: Load
  ledger: string
}

/** A receiver under load that has accepted a part of it. */
async function underLoad(directory: string, events = EVENTS): Promise<Running> {
  const ledger = join(temporaryFolder(), 'ledger')
  const receiver = await startReceiver({
    inbox: { type: 'file', options: { directory } },
    ledger,
    run: 1,
    behaviour: { ms: 20 },
    webhook: { concurrency: 8 },
  })
  const load = startLoad('disk', receiver, events)
  await until(() => load.accepted > EVENTS / 4, 'the load is not accepted', 30_000)
  return { receiver, events, load, ledger }
}

function startLoad(name: string, receiver: Receiver, events = EVENTS): Load {
  return new Load({ name, port: () => receiver.port, events, orders: 60, connections: 20 })
}

/** Answers to what was sent while the disk was broken, and answered before it was healed. */
function whileBroken(load: Load, from: number): Answer[] {
  const to = Date.now()
  return load.answers(from).filter(({ answeredAt }) => answeredAt <= to)
}

function expectRefused(answers: Answer[]): void {
  expect(count(answers.map(({ status }) => String(status)))).toEqual({ '503': answers.length })
  expect(answers.length).toBeGreaterThan(20)
}

async function expectAllDelivered(
  title: string,
  { receiver, events, load, ledger }: Running,
  refused: Answer[],
): Promise<void> {
  const healedAt = Date.now()
  await until(() => load.answers(healedAt).some(isAccepted) || load.accepted >= events, 'healed in vain', NOTICED_MS)
  const takesAgainMs = Date.now() - healedAt
  await load.done
  await receiver.drained(30_000)
  await receiver.end()
  const account = settleAccount([load], readLedger(ledger))
  reportAccount(title, account, { 'refused while broken': refused.length, 'takes events again after ms': takesAgainMs })
  expectNothingLost(account, events)
}

function expectNothingLost(account: Account, events: number): void {
  expect(account).toMatchObject({
    events,
    missing: [],
    torn: [],
    // What was called and could not be noted is noted later, and not called again.
    extraCalls: 0,
    outOfOrder: [],
    overlapping: [],
    damaged: [],
  })
  expect(Object.keys(account.answers).filter((status) => !['200', '202', '503'].includes(status))).toEqual([])
  expect(account.slowestAnswerMs).toBeLessThan(SLOWEST_MS)
}

function reportAccount(title: string, account: Account, more: object): void {
  const { events, missing, extraCalls, answers, slowestAnswerMs } = account
  report(title, { events, ...more, missing: missing.length, extraCalls, answers, slowestAnswerMs })
}

test('on a full disk events are answered 503, those that wait are delivered, and it goes on once there is room', async () => {
  const { folder } = await mountMemory(16)
  const running = await underLoad(join(folder, 'inbox'))
  const { receiver, load } = running
  // Delivered events make room: none are, for the first part.
  receiver.behave({ held: true })
  const { release } = fillDisk(folder)
  await pause(500)
  const fullAt = Date.now()
  await pause(BROKEN_MS)
  const refused = whileBroken(load, fullAt)
  expectRefused(refused)
  const { accepted } = load
  receiver.behave({ ms: 5 })
  const delivered = (): number => readLedger(running.ledger).steps.filter(({ what }) => what === 'end').length
  await until(() => delivered() >= accepted, 'what waits is not delivered', 10_000)
  release()
  await expectAllDelivered('disk full', running, refused)
})

test('while the file system is read-only events are answered 503, and none is called again and again', async () => {
  const { folder, readOnly } = await mountMemory(64)
  // It does not become read-only before a moment in which nothing is written: the load must not be over by then.
  const running = await underLoad(join(folder, 'inbox'), Math.max(EVENTS, 1_500))
  await readOnly(true)
  const brokenAt = Date.now()
  await pause(BROKEN_MS)
  const refused = whileBroken(running.load, brokenAt)
  await readOnly(false)
  expectRefused(refused)
  await expectAllDelivered('file system read-only', running, refused)
})

test('while the folder is gone events are answered 503, and it goes on when the folder is back', async () => {
  const parent = temporaryFolder()
  const directory = join(parent, 'inbox')
  const running = await underLoad(directory)
  renameSync(directory, join(parent, 'away'))
  const goneAt = Date.now()
  await pause(BROKEN_MS)
  const refused = whileBroken(running.load, goneAt)
  renameSync(join(parent, 'away'), directory)
  expectRefused(refused)
  await expectAllDelivered('folder moved away and back', running, refused)
})

test('a folder that goes and comes back all the time loses no event and calls none twice', async () => {
  const parent = temporaryFolder()
  const directory = join(parent, 'inbox')
  const running = await underLoad(directory)
  const before = Date.now()
  const flickers = isFull ? 500 : 20
  for (let flicker = 0; flicker < flickers; flicker++) {
    renameSync(directory, join(parent, 'away'))
    await pause(10 + Math.random() * 20)
    renameSync(join(parent, 'away'), directory)
    await pause(10 + Math.random() * 20)
  }
  await expectAllDelivered('folder flickers', running, whileBroken(running.load, before))
})

test('while the disk is away from its mount point events are answered 503, and none is written below it', async () => {
  const { folder, detach, attach } = await mountMemory(64)
  // The folder is the mount point: there is one by that name also while the disk is away.
  const running = await underLoad(folder)
  await detach()
  const goneAt = Date.now()
  await pause(BROKEN_MS)
  const refused = whileBroken(running.load, goneAt)
  expect(readdirSync(folder)).toEqual([])
  await attach()
  expectRefused(refused)
  await expectAllDelivered('disk away and back', running, refused)
})

test('a folder that was removed and is made anew is used again, and what was removed with it is named', async () => {
  const directory = join(temporaryFolder(), 'inbox')
  const { receiver, load, ledger } = await underLoad(directory)
  await load.done
  await receiver.drained(30_000)
  receiver.behave({ held: true })
  // One at its callback, one behind it.
  const removed = new Load({ name: 'removed', port: () => receiver.port, events: 2, orders: 1, connections: 1 })
  await removed.done
  rmSync(directory, { recursive: true, maxRetries: 20, retryDelay: 5 })
  const goneAt = Date.now()
  const later = startLoad('later', receiver)
  await pause(BROKEN_MS)
  expectRefused(whileBroken(later, goneAt))
  mkdirSync(directory)
  await until(() => later.accepted > 0, 'made anew in vain', NOTICED_MS)
  receiver.behave({ ms: 1 })
  await later.done
  await receiver.drained(30_000)
  await receiver.end()
  const found = readLedger(ledger)
  const account = settleAccount([load, later], found)
  reportAccount('folder removed and made anew', account, { 'removed and named': account.damaged.length })
  expectNothingLost({ ...account, damaged: [] }, 2 * EVENTS)
  expect(account.damaged).toHaveLength(1)
  expect(found.steps.filter(({ order }) => order === 'removed-order-0').map(({ what, turn }) => [what, turn])).toEqual([
    ['begin', 0],
    ['end', 0],
  ])
})

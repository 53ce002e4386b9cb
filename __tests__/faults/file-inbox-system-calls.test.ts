/** The order in which the kernel is asked to do things when an event is accepted: flushed first, answered then. */
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { RawConnection, type RawAnswer } from '../integration/raw-http'
import { buildReceiver } from './build'
import { encodeEvent } from './load'
import { encodeNumbered, type Numbered } from './numbered-event'
import { endAll, startReceiver, temporaryFolder } from './receiver-process'
import { report } from './size'
import { readSystemCalls, straceCommand, type SystemCall } from './strace'

jest.setTimeout(60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

const FSYNC_DELAY_MS = 100

interface Traced {
  directory: string
  answers: RawAnswer[]
  calls: SystemCall[]
  /** Of the lines of the answers, in the order in which they were written. */
  answerCalls: SystemCall[]
}

/** Sends all events at the same time to a new receiver, each on a connection of its own. */
async function traced(events: Numbered[], { fsyncDelayMs = 0 } = {}): Promise<Traced> {
  const directory = join(temporaryFolder(), 'made', 'inbox')
  const log = join(temporaryFolder(), 'strace')
  const receiver = await startReceiver(
    {
      inbox: { type: 'file', options: { directory } },
      ledger: join(temporaryFolder(), 'ledger'),
      run: 1,
      behaviour: { held: true },
    },
    straceCommand(log, { fsyncDelayMs }),
  )
  const answers = await Promise.all(
    events.map(async (event) => {
      const connection = new RawConnection(receiver.port)
      const answered = connection.answer()
      connection.write(encodeEvent(event))
      return answered.finally(() => connection.destroy())
    }),
  )
  await receiver.end()
  const calls = readSystemCalls(log)
  const answerCalls = calls.filter(({ text }) => text.includes('HTTP/1.1 2'))
  return { directory, answers, calls, answerCalls }
}

/** The ID that an event is stored by. */
function idOf(event: Numbered): string {
  return uuidOf(sha256(`tradecloud:order:${sha256(encodeNumbered(event))}`))
}

/** The first call that succeeded and fits; throws where there is none. */
function find(calls: SystemCall[], what: string, fits: (call: SystemCall) => boolean): SystemCall {
  const found = calls.find((call) => !call.failed && fits(call))
  if (!found)
    throw new Error(
      `There is no system call to ${what}:\n${calls
        .filter(({ name }) => !name.startsWith('write'))
        .map(({ text }) => text)
        .join('\n')}`,
    )
  return found
}

function isFlush({ name }: SystemCall): boolean {
  return name === 'fsync' || name === 'fdatasync'
}

/** All that makes one event safe, in the order that it must have; each ends before the next begins. */
function stepsOf({ directory, calls }: Traced, event: Numbered): SystemCall[] {
  const id = idOf(event)
  const folder = join(directory, 'waiting', id.slice(0, 1))
  const named = find(
    calls,
    'give the event its name',
    (call) => /^(link|rename)/.test(call.name) && call.path === join(folder, id),
  )
  const temporary = /"([^"]*)"/.exec(named.text)![1]!
  const written = calls.filter(({ name, path, failed }) => !failed && name === 'write' && path === temporary).at(-1)!
  const flushed = find(
    calls,
    'flush the file',
    (call) => isFlush(call) && call.path === temporary && call.began > written.ended,
  )
  const folderFlushed = find(
    calls,
    'flush its folder',
    (call) => isFlush(call) && call.path === folder && call.began > named.ended,
  )
  return [written, flushed, named, folderFlushed]
}

/** Flushes of the names of new folders: of each one's parent, after it was made. */
function parentFlushes({ directory, calls }: Traced, folder: string): SystemCall[] {
  const flushes: SystemCall[] = []
  for (let path = folder; path.length > dirname(dirname(directory)).length; path = dirname(path)) {
    const made = find(calls, `make ${path}`, (call) => call.name.startsWith('mkdir') && call.path === path)
    flushes.push(
      find(
        calls,
        `flush ${dirname(path)}`,
        (call) => isFlush(call) && call.path === dirname(path) && call.began > made.ended,
      ),
    )
  }
  return flushes
}

function expectOneAfterTheOther(steps: SystemCall[]): void {
  for (const [index, step] of steps.entries()) {
    const next = steps[index + 1]
    if (next && step.ended >= next.began) throw new Error(`Not over before the next began:\n${step.text}\n${next.text}`)
  }
}

function shown({ directory }: Traced, calls: SystemCall[]): string {
  return calls
    .map(
      ({ name, path }) =>
        `${name} ${path.startsWith('socket') ? 'socket' : path.replace(dirname(directory), '').replace(/[\da-f]{8}-[\da-f-]{27}/, '<id>')}`,
    )
    .join(' < ')
}

test('an event and its name are flushed before it is answered', async () => {
  const event = { event: 'traced', order: 'order', turn: 0 }
  const trace = await traced([event])
  expect(trace.answers.map(({ status }) => status)).toEqual([202])
  const [answer] = trace.answerCalls
  const steps = [...stepsOf(trace, event), answer!]
  report('system calls of an accept', { order: shown(trace, steps) })
  expectOneAfterTheOther(steps)
})

test('the names of folders that are new are flushed before the first event in them is answered', async () => {
  const event = { event: 'first', order: 'order', turn: 0 }
  const trace = await traced([event])
  const flushes = parentFlushes(trace, join(trace.directory, 'waiting', idOf(event).slice(0, 1)))
  report('folders flushed before the first answer', {
    folders: flushes.map(({ path }) => path.replace(dirname(dirname(trace.directory)), '…')),
  })
  for (const flush of flushes) expectOneAfterTheOther([flush, trace.answerCalls[0]!])
})

test('of two events that come to a new folder at the same time, none is answered before its name is flushed', async () => {
  const first = { event: 'first', order: 'one', turn: 0 }
  const prefix = idOf(first).slice(0, 1)
  const second = neighbourOf(prefix)
  const trace = await traced([first, second], { fsyncDelayMs: FSYNC_DELAY_MS })
  expect(trace.answers.map(({ status }) => status)).toEqual([202, 202])
  const flushes = parentFlushes(trace, join(trace.directory, 'waiting', prefix))
  for (const answer of trace.answerCalls) for (const flush of flushes) expectOneAfterTheOther([flush, answer])
  // Whose answer is whose does not show: both wait for what both need.
  for (const event of [first, second]) expectOneAfterTheOther([...stepsOf(trace, event), trace.answerCalls[1]!])
})

test('a copy that comes at the same time is called a duplicate only once the first one is flushed', async () => {
  const event = { event: 'twice', order: 'order', turn: 0 }
  const trace = await traced([event, event, event], { fsyncDelayMs: FSYNC_DELAY_MS })
  expect(trace.answers.map(({ json }) => json.outcome as string).sort()).toEqual(['duplicate', 'duplicate', 'queued'])
  expect(trace.answerCalls).toHaveLength(3)
  const steps = stepsOf(trace, event)
  for (const answer of trace.answerCalls) expectOneAfterTheOther([...steps, answer])
  const names = trace.calls.filter(
    ({ name, path, failed }) => !failed && /^(link|rename)/.test(name) && basename(path) === idOf(event),
  )
  report('three copies at the same time', {
    outcomes: trace.answers.map(({ json }) => json.outcome),
    names: names.length,
  })
  expect(names).toHaveLength(1)
})

function neighbourOf(prefix: string): Numbered {
  for (let number = 0; ; number++) {
    const event = { event: `neighbour-${number}`, order: 'two', turn: 0 }
    if (idOf(event).startsWith(prefix)) return event
  }
}

function uuidOf(hex: string): string {
  const variant = ((parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex')
}

/** One process owns a folder: a second one is refused, and after a kill -9 the next one starts at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { pause, until } from '../integration/harness'
import { buildReceiver } from './build'
import { atEnd, endAll, Refused, startReceiver, temporaryFolder, type Receiver } from './receiver-process'
import { isFull, report } from './size'

jest.setTimeout(isFull ? 300_000 : 60_000)
beforeAll(() => void buildReceiver())
afterEach(endAll)

/** To start at all takes most of it. Waiting for a heartbeat to grow old would take ten seconds. */
const AT_ONCE_MS = 5_000

function start(directory: string, under: string[] = [], opensAt?: number): Promise<Receiver> {
  const ledger = join(temporaryFolder(), 'ledger')
  return startReceiver({ inbox: { type: 'file', options: { directory } }, ledger, run: 1, opensAt }, under)
}

async function startAtOnce(title: string, directory: string): Promise<Receiver> {
  const startedAt = performance.now()
  const receiver = await start(directory)
  await receiver.stats()
  const afterMs = performance.now() - startedAt
  report(title, { 'started after ms': afterMs })
  expect(afterMs).toBeLessThan(AT_ONCE_MS)
  return receiver
}

async function refusalOf(starting: Promise<Receiver>): Promise<Refused> {
  const error = await starting.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Refused)) throw new Error(`It was not refused: ${String(error)}`)
  return error
}

interface Owner {
  pid: number
  startTime: string
  boot: string
  namespace: string
  host: string
}

/** The lock of a receiver that was killed, to be changed and put back. */
async function lockOfKilled(directory: string): Promise<Owner> {
  const receiver = await start(directory)
  await receiver.kill()
  return JSON.parse(readFileSync(join(directory, 'lock'), 'utf8')) as Owner
}

function writeLock(directory: string, owner: Owner, ageMs = 0): void {
  const path = join(directory, 'lock')
  writeFileSync(path, JSON.stringify(owner))
  const at = new Date(Date.now() - ageMs)
  utimesSync(path, at, at)
}

let directory: string
beforeEach(() => {
  directory = join(temporaryFolder(), 'inbox')
})

test('a second process is refused, and is told who owns the folder', async () => {
  const first = await start(directory)
  const { code, message } = await refusalOf(start(directory))
  report('a second process', { message: JSON.stringify(message) })
  expect(code).toBe('inbox_locked')
  expect(message).toContain(`process ${first.pid} on ${hostname()}`)
  expect(message).toContain(join(directory, 'lock'))
  await first.stats()
})

test('of several that start at the same time on a folder whose owner was killed, one gets it', async () => {
  const rounds = isFull ? 20 : 3
  for (let round = 0; round < rounds; round++) {
    directory = join(temporaryFolder(), 'inbox')
    await lockOfKilled(directory)
    const opensAt = Date.now() + 2_000
    const starts = await Promise.allSettled(Array.from({ length: 6 }, () => start(directory, [], opensAt)))
    const refusals = starts.filter((result) => result.status === 'rejected').map(({ reason }) => reason as Refused)
    expect(refusals.map(({ code, message }) => code ?? message)).toEqual(Array(5).fill('inbox_locked'))
    // Nothing is left of their efforts.
    expect(existsSync(join(directory, 'lock.takeover'))).toBe(false)
    await endAll()
  }
  report('six at the same time on a folder whose owner was killed', { rounds, 'refused each time': 5 })
})

test('after a kill -9 the next process starts at once', async () => {
  const first = await start(directory)
  await first.kill()
  expect(existsSync(join(directory, 'lock'))).toBe(true)
  await startAtOnce('after a kill -9', directory)
})

test('it starts at once also when the process ID of the dead one belongs to another process now', async () => {
  const owner = await lockOfKilled(directory)
  writeLock(directory, { ...owner, pid: process.pid })
  await startAtOnce('process ID in use again', directory)
})

test('it starts at once also when the dead one is a zombie', async () => {
  // The shell becomes a program that never asks what became of its child.
  const command = ['bash', '-c', 'exec 3>&1; "$@" & exec sleep 60', 'bash']
  const parent = spawn(command[0]!, [...command.slice(1), process.execPath, '-e', IDLE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(async () => void parent.kill('SIGKILL'))
  const [chunk] = (await once(parent.stdout, 'data')) as [Buffer]
  const child = JSON.parse(chunk.toString()) as Pick<Owner, 'pid' | 'startTime'>
  const owner = await lockOfKilled(directory)
  writeLock(directory, { ...owner, ...child })
  expect((await refusalOf(start(directory))).code).toBe('inbox_locked')
  process.kill(child.pid, 'SIGKILL')
  await until(() => readFileSync(`/proc/${child.pid}/stat`, 'utf8').includes(') Z '), 'it is no zombie', 5_000)
  await startAtOnce('the dead one is a zombie', directory)
})

test('it starts at once after a restart of the machine', async () => {
  const owner = await lockOfKilled(directory)
  const [, startTime = ''] = /\) (?:\S+ ){19}(\S+)/.exec(readFileSync('/proc/self/stat', 'utf8')) ?? []
  const ours = { ...owner, pid: process.pid, startTime }
  writeLock(directory, ours)
  expect((await refusalOf(start(directory))).code).toBe('inbox_locked')
  writeLock(directory, { ...ours, boot: '00000000-0000-4000-8000-000000000000' }, 11_000)
  await startAtOnce('another boot', directory)
})

test('an owner in another PID namespace counts for as long as its heart beats, and no longer', async () => {
  const first = await start(directory, ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'])
  const path = join(directory, 'lock')
  const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner
  expect(owner.namespace).not.toBe(readlinkSync('/proc/self/ns/pid'))
  expect((await refusalOf(start(directory))).code).toBe('inbox_locked')
  const beat = statSync(path).mtimeMs
  await until(() => statSync(path).mtimeMs > beat, 'its heart does not beat', 5_000)
  await first.kill()
  writeLock(directory, owner, 7_000)
  expect((await refusalOf(start(directory))).code).toBe('inbox_locked')
  writeLock(directory, owner, 10_500)
  await startAtOnce('owner in another PID namespace whose heart stood still for 10 s', directory)
})

test('an owner whose folder was taken over stops taking events', async () => {
  const first = await start(directory)
  const owner = JSON.parse(readFileSync(join(directory, 'lock'), 'utf8')) as Owner
  writeLock(directory, { ...owner, pid: process.pid })
  for (const end = Date.now() + 10_000; ; await pause(100)) {
    const refused = await first.stats().then(() => undefined, String)
    if (refused?.includes('Another process has taken over')) break
    if (Date.now() > end) throw new Error('It goes on.')
  }
})

/** Says who it is, and waits. */
const IDLE = `
const stat = require('node:fs').readFileSync('/proc/self/stat', 'utf8')
const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
console.log(JSON.stringify({ pid: process.pid, startTime }))
setTimeout(() => {}, 60_000)
`

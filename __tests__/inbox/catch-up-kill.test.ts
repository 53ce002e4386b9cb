/**
 * A run that is killed at any point is completed by another process. A run that continues after it was frozen stores
 * nothing more.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox, InboxEntry } from '../../lib/inbox/inbox'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'
import { bySize } from '../size'
import { until } from '../wait'
import type { CatchUpProcessOptions } from './catch-up-process'
import { ORDERS, runOnce, SCOPE, timeOf } from './catch-up-run'
import { openInbox, type EngineOptions } from './protocol'

/** A run reads its cursor, takes three steps for each of 40 orders (compare, count, store), and saves the cursor. */
const STEPS = 3 * ORDERS + 2
/** Numbers of the steps that store an order. The first step, which reads the cursor, has the number 1. */
const STORES = Array.from({ length: ORDERS }, (_, i) => 4 + 3 * i)
const POINTS = bySize({ quick: 2, ci: 2, full: 60 })
const AT_ONCE = 3

let folder: string
let server: PostgresServer
const processes: ChildProcess[] = []
beforeAll(async () => {
  server = await startPostgres()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'catch-up-kill-'))
})
afterEach(() => {
  for (const { pid, exitCode, signalCode } of processes.splice(0))
    if (exitCode === null && signalCode === null && pid !== undefined) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
afterAll(stopPostgresServers)

function start(options: CatchUpProcessOptions): ChildProcess {
  const execArgv = ['--import', 'tsx']
  const started = fork(join(__dirname, 'catch-up-process.ts'), [JSON.stringify(options)], { execArgv })
  processes.push(started)
  return started
}

const engineOf = (type: EngineOptions['type']): EngineOptions =>
  type === 'sqlite'
    ? { type, file: join(folder, 'inbox.db') }
    : { type, url: server.connectionString, schema: `catch_up_${folder.slice(-6).toLowerCase().replace(/\W/g, '_')}` }

async function foundIn(inbox: Inbox, name: string): Promise<string[]> {
  const found: InboxEntry[] = []
  for (let after: string | undefined; ;) {
    const { entries, next } = await inbox.list({ after, limit: 1_000 })
    found.push(...entries.filter((entry) => entry.name === name))
    if ((after = next) === undefined) return found.map(({ entity }) => entity?.id ?? '').sort()
  }
}

const EXPECTED = Array.from({ length: ORDERS }, (_, i) => `order-${i + 1}`).sort()

describe.each(['sqlite', 'postgres'] as const)('%s', (type) => {
  test(`killed at ${POINTS} points of a run: the next one stores the rest, and nothing twice`, async () => {
    const engine = engineOf(type)
    const points = Array.from({ length: POINTS }, (_, i) => 1 + Math.floor((i * STEPS) / POINTS))
    const kill = async (step: number): Promise<void> => {
      const options = { engine, name: `killed at ${step}`, steps: join(folder, 'steps'), label: `${step}` }
      const [, signal] = (await once(
        start({ ...options, at: { step, isDone: step % 2 === 0, signal: 'SIGKILL' } }),
        'exit',
      )) as unknown[]
      expect(signal).toBe('SIGKILL')
    }
    const left = [...points]
    const killNext = async (): Promise<void> => {
      for (let step = left.shift(); step !== undefined; step = left.shift()) await kill(step)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, killNext))
    const inbox = openInbox(engine)
    try {
      await inbox.ready()
      for (const step of points) {
        const catchUp = inbox.catchUp!(`killed at ${step}`)
        // Takes over only after the lease of the killed process has expired.
        await runOnce(catchUp)
        expect({ step, found: await foundIn(inbox, `killed at ${step}`) }).toEqual({ step, found: EXPECTED })
        expect((await catchUp.position(SCOPE.key))?.cursor).toBe(timeOf(ORDERS))
      }
    } finally {
      await inbox.close()
    }
  })

  test('of three processes the first is frozen and the second killed: they never poll at the same time', async () => {
    const [engine, name, steps] = [engineOf(type), 'three', join(folder, 'steps')]
    const read = () => (existsSync(steps) ? readFileSync(steps, 'utf8').trimEnd().split('\n') : [])
    const stepsOf = (label: string) =>
      read()
        .map((line) => line.split(' '))
        .flatMap(([, by, step = '']) => (by === label ? [step] : []))
    const storesOf = (label: string) => stepsOf(label).filter((step) => step === 'store').length
    const run = async (label: string, at?: CatchUpProcessOptions['at']): Promise<ChildProcess> => {
      const started = start({ engine, name, steps, label, at })
      await until(() => stepsOf(label).includes('turn'), `process ${label} to poll`)
      return started
    }
    const frozen = await run('frozen', { step: STORES[5] ?? 0, isDone: false, signal: 'SIGSTOP' })
    await run('killed', { step: STORES[9] ?? 0, isDone: true, signal: 'SIGKILL' })
    await run('last')
    const stored = storesOf('frozen')
    frozen.kill('SIGCONT')
    const hasEnded = (label: string) => stepsOf(label).some((step) => /Error|complete/.test(step))
    await until(() => hasEnded('last') && hasEnded('frozen'), 'both to end')
    expect(stepsOf('last').at(-1)).toBe('complete')
    expect(stepsOf('frozen').at(-1)).toBe('LeaseLostError')
    expect(storesOf('frozen')).toBe(stored)
    const labels = read().map((line) => line.split(' ')[1])
    // Each process begins after the last step of the process before it. Only the frozen process notes one more step, at
    // its end.
    expect(labels.indexOf('last')).toBeGreaterThan(labels.lastIndexOf('killed'))
    expect(labels.slice(labels.indexOf('killed'), -1).filter((label) => label === 'frozen').length).toBeLessThanOrEqual(
      1,
    )
    const inbox = openInbox(engine)
    expect(await foundIn(inbox, name)).toEqual(EXPECTED)
    await inbox.close()
  })
})

/** Compares all servers, each in a process of its own. In each round, they are measured one after the other. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { alternate, digits, median, quantile, ratioOf, table } from '../statistics'
import { Connection, load } from './load'
import { bodyOf, SIZES, type Size } from './payloads'
import { installOthers } from './others'
import { PEERS, type PeerName } from './peers'
import type { Question, Usage } from './server'

interface Plan {
  connections: number
  /** Number of requests in one round, over all connections. */
  requests: number
  rounds: number
  /** Number of requests to warm up. With bodies of 3 KB, V8 compiles code until about 16,000 requests were handled. */
  before: number
  /** Number of further requests in one round, which are sent one at a time. */
  alone: number
}

const FULL: Readonly<Record<Size, Plan>> = {
  '3 KB': { connections: 16, requests: 1500, rounds: 21, before: 24_000, alone: 150 },
  '94 KB': { connections: 8, requests: 120, rounds: 15, before: 2400, alone: 20 },
  '1.7 MB': { connections: 2, requests: 10, rounds: 15, before: 60, alone: 3 },
  maximum: { connections: 1, requests: 1, rounds: 15, before: 2, alone: 0 },
}
const QUICK: Readonly<Partial<Record<Size, Plan>>> = {
  '3 KB': { connections: 16, requests: 200, rounds: 7, before: 800, alone: 20 },
  '94 KB': { connections: 8, requests: 30, rounds: 3, before: 60, alone: 5 },
}

/** The results of all rounds of one server and size. */
interface Rounds {
  cpu: number[]
  perSecond: number[]
  alone: number[]
  loaded: number[]
}

class Runner {
  readonly rounds: Rounds = { cpu: [], perSecond: [], alone: [], loaded: [] }
  /** Additional memory for the first request of a process, in bytes, compared with an idle process. */
  memory = NaN

  readonly #child: ChildProcess
  readonly #connections: Connection[]
  readonly #plan: Plan

  private constructor(child: ChildProcess, connections: Connection[], plan: Plan) {
    this.#child = child
    this.#connections = connections
    this.#plan = plan
  }

  static async start(name: PeerName, body: Buffer, plan: Plan): Promise<Runner> {
    const child = fork(join(__dirname, 'server.ts'), [name], {
      execArgv: [...process.execArgv, '--expose-gc'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const [port] = (await once(child, 'message')) as [number]
    const signed = name === '@octokit/webhooks'
    const connections = await Promise.all(
      Array.from({ length: plan.connections }, () => Connection.open(port, body, signed)),
    )
    return new Runner(child, connections, plan)
  }

  async warmUp(): Promise<void> {
    const idle = await this.#ask('clean')
    await load(this.#connections.slice(0, 1), 1)
    this.memory = (await this.#ask('usage')).peak - idle.rss
    await load(this.#connections, this.#plan.before)
  }

  async round(): Promise<void> {
    const { requests, alone } = this.#plan
    const { rounds } = this
    const before = await this.#ask(requests === 1 ? 'clean' : 'mark')
    const started = performance.now()
    rounds.loaded.push(...(await load(this.#connections, requests)))
    const seconds = (performance.now() - started) / 1000
    const after = await this.#ask('usage')
    rounds.cpu.push((after.cpu - before.cpu) / requests)
    rounds.perSecond.push(requests / seconds)
    rounds.alone.push(...(await load(this.#connections.slice(0, 1), alone)))
  }

  stop(): void {
    for (const connection of this.#connections) connection.close()
    this.#child.disconnect()
  }

  async #ask(question: Question): Promise<Usage> {
    this.#child.send(question)
    const [usage] = (await once(this.#child, 'message')) as [Usage]
    return usage
  }
}

const NAMES = Object.keys(PEERS) as PeerName[]
const EXPRESS_5 = 'tradecloud-webhook in Express 5'

async function compareSize(size: Size, plan: Plan, names: readonly PeerName[]): Promise<string> {
  const body = bodyOf(size)
  const started = names.map(async (name) => [name, await Runner.start(name, body, plan)] as const)
  const runners = new Map(await Promise.all(started))
  for (const runner of runners.values()) await runner.warmUp()
  const count = await alternate([...runners.values()], plan.rounds, (runner) => runner.round())
  for (const runner of runners.values()) runner.stop()
  const ours = runners.get(EXPRESS_5)?.rounds
  const rows = [...runners].map(([name, { rounds, memory }]) => [
    name,
    digits(median(rounds.cpu)),
    digits(ours ? ratioOf(rounds.cpu, ours.cpu) : NaN),
    digits(median(rounds.perSecond)),
    digits(ours ? ratioOf(rounds.perSecond, ours.perSecond) : NaN),
    ...[rounds.alone, rounds.loaded].map((times) => `${digits(median(times))} / ${digits(quantile(times, 0.99))}`),
    // Memory is shown only for the largest body: for a small one, the figure would show only the code that is loaded.
    ...(size === 'maximum' ? [digits(memory / 2 ** 20), digits(memory / body.length)] : []),
  ])
  const title = `### ${size}: ${body.length.toLocaleString('en-US')} bytes, ${plan.connections} connections, ${count} rounds of ${plan.requests}`
  const head = [
    'server',
    'CPU, µs a request',
    'ratio',
    'requests/s',
    'ratio',
    'alone, p50 / p99 ms',
    'loaded, p50 / p99 ms',
    ...(size === 'maximum' ? ['memory for the first, MiB', 'times its bytes'] : []),
  ]
  return `${title}\n\n${table(head, rows)}`
}

/** `BENCH_SIZES` (a list with commas) and `BENCH_PEERS` (a regular expression) select what is measured. */
export async function run(quick: boolean): Promise<string> {
  installOthers()
  const only = process.env.BENCH_SIZES?.split(',')
  const names = NAMES.filter((name) => !process.env.BENCH_PEERS || new RegExp(process.env.BENCH_PEERS).test(name))
  const tables: string[] = []
  for (const size of SIZES) {
    const plan = quick ? QUICK[size] : FULL[size]
    if (plan === undefined || (only && !only.includes(size))) continue
    const text = await compareSize(size, plan, names)
    tables.push(text)
  }
  return tables.join('\n\n')
}

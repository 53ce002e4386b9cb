/** Controls the process under attack: starts it, asks for its figures, closes it, and always ends it. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TradecloudWebhookOptions } from 'tradecloud-webhook'
import type { Figures } from './server'

export interface Target {
  process: ChildProcess
  ports: { express: number; listener: number }
  /** Output of the process on stdout and stderr. */
  output(): string
  /** Figures measured after a garbage collection. */
  figures(): Promise<Figures>
  /** Closes webhooks and servers. Resolves with the last figures and the exit code of the process. */
  close(): Promise<Figures & { exitCode: number | null }>
}

const running = new Set<ChildProcess>()

/** Ends all processes. To be called in `afterEach` or `afterAll`. */
export function endTargets(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** A patient server has Node's default time-outs instead of short ones, and the default body limit. */
export async function startTarget(
  settings: Partial<TradecloudWebhookOptions> = {},
  patience: 'patient' | 'impatient' = 'impatient',
): Promise<Target> {
  const child = fork(join(__dirname, 'server.ts'), [JSON.stringify(settings), patience], {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'test' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const gone = new Promise<never>((_resolve, reject) => {
    child.once('exit', (code, signal) =>
      reject(new Error(`the server ended with ${signal ?? code}: ${output.slice(-2_000)}`)),
    )
  })
  gone.catch(() => undefined)
  const message = async <T>(): Promise<T> => {
    const [value] = (await Promise.race([once(child, 'message'), gone])) as [unknown]
    return value as T
  }
  const ports = await message<Target['ports']>()
  return {
    process: child,
    ports,
    output: () => output,
    figures: () => {
      const answer = message<Figures>()
      child.send('collect')
      return answer
    },
    close: async () => {
      const exited = once(child, 'exit') as Promise<[number | null]>
      const answer = message<Figures>()
      child.send('close')
      const figures = await answer
      const [exitCode] = await exited
      return { ...figures, exitCode }
    },
  }
}

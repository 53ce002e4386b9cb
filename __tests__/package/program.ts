/** Runs each program in a process of its own. A process that still runs at the end of the test file is killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Program {
  /** The value of the first line of JSON on stdout. */
  first: unknown
  /** Resolves once the program has printed this text. */
  printed(text: string): Promise<void>
  /** Ends the program with SIGTERM, and resolves with the values of the remaining lines of JSON. */
  stop(): Promise<unknown[]>
}

const running = new Set<ChildProcess>()
afterAll(() => running.forEach((child) => child.kill('SIGKILL')))

/** Starts a program that prints strings and objects as lines of JSON. It prints the first line when it is ready. */
export async function start(args: string[], cwd: string, env: Record<string, string> = {}): Promise<Program> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const lines: unknown[] = []
  const reader = createInterface(child.stdout).on('line', (line) => {
    // Other lines on stdout are log lines.
    if (/^["{]/.test(line)) lines.push(JSON.parse(line))
  })
  const ended = once(child, 'close')
  let over = false
  void ended.then(() => (over = true))
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition() && !over) await Promise.race([once(reader, 'line'), ended])
    if (!condition()) throw new Error(`${args.join(' ')} ended too early:\n${complaints}`)
  }
  await until(() => lines.length > 0)
  return {
    first: lines.shift(),
    printed: (text) => until(() => lines.includes(text)),
    stop: async () => {
      child.kill()
      await ended
      return lines
    },
  }
}

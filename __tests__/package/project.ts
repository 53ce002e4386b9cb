/** Projects of users that have the packed package installed, and programs that run in them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

export const root = resolve(__dirname, '../..')

export function tarball(): string {
  const { TARBALL } = process.env
  if (TARBALL === undefined) throw new Error('The package has not been packed: see pack.ts')
  return TARBALL
}

export function run(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`)
  }
}

/** Copies a folder beside this file next to the tarball, and installs the package there. A lock file is followed. */
export function createProject(source: string, name = source): string {
  const at = join(dirname(tarball()), name)
  cpSync(join(__dirname, source), at, { recursive: true })
  return at
}

export function install(at: string, ...packages: string[]): void {
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  run('npm', ['install', ...quietly, tarball(), ...packages], at)
}

export interface Program {
  /** The first line on stdout. */
  first: unknown
  /** Ends it with SIGTERM. Resolves with its exit code and all its lines on stdout, each parsed as JSON. */
  stop(): Promise<{ code: number | null; lines: unknown[] }>
}

/** Starts a program that writes JSON lines, the first one when it is ready. */
export async function start(args: string[], cwd: string, env: Record<string, string> = {}): Promise<Program> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const lines: unknown[] = []
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)))
  const ended = once(child, 'close') as Promise<[number | null]>
  await Promise.race([once(reader, 'line'), ended])
  if (lines.length === 0) throw new Error(`${args.join(' ')} ended before it was ready:\n${complaints}`)
  return {
    first: lines.shift(),
    stop: async () => {
      child.kill()
      const [code] = await ended
      return { code, lines }
    },
  }
}

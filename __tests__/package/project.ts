/** Projects of users, in which the packed package is installed. */
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

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

/** Copies a folder of these tests next to the tarball. */
export function createProject(source: string, name = source): string {
  const at = join(dirname(tarball()), name)
  cpSync(join(__dirname, source), at, { recursive: true })
  return at
}

export function install(at: string, ...packages: string[]): void {
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  run('npm', ['install', ...quietly, tarball(), ...packages], at)
}

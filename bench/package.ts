/** The package as users have it: built, with its validators compiled. `npm run bench` builds it first. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(__dirname, '..')
const DIST = join(ROOT, 'dist')

/** A module of the built package: `built<typeof import('../lib/json')>('json')`. */
export function built<Module>(path = 'index'): Module {
  if (!existsSync(DIST)) throw new Error('There is no dist: run `npm run build` first.')
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require(join(DIST, path)) as Module
}

/** The package as users get it: built, with compiled validators. `npm run bench` builds it first. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(__dirname, '..')
const DIST = join(ROOT, 'dist')

/** Loads a module of the built package: `built<typeof import('../lib/bytes/json')>('bytes/json')`. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the types are those of the source
export function built<Module>(path = 'index'): Module {
  if (!existsSync(DIST)) throw new Error('There is no dist: run `npm run build` first.')
  return require(join(DIST, path)) as Module
}

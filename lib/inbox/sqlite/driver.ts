/**
 * Selects the SQLite library: Node's own if it is safe, otherwise `@photostructure/sqlite`. SQLite before 3.51.3 can
 * lose committed writes when several connections reset the write-ahead log; the fix is also in 3.50.7 and 3.44.6.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { invalidOption } from '../../errors/errors'

export type Database = DatabaseSyncInstance
export interface Driver {
  module: string
}

const PACKAGE = '@photostructure/sqlite'

/** Throws `invalid_option` if this Node has no safe SQLite and the package is not installed. */
export function chooseDriver(): Driver {
  if (isSafe(process.versions.sqlite)) return { module: 'node:sqlite' }
  // A bundle that is an ES module has no `__filename`.
  const here = typeof __filename === 'string' ? __filename : undefined
  for (const from of [here, process.argv[1], join(process.cwd(), 'package.json')]) {
    try {
      if (from !== undefined) return { module: createRequire(from).resolve(PACKAGE) }
    } catch {
      // Try the next folder.
    }
  }
  throw invalidOption(
    'inbox',
    `needs ${PACKAGE} on Node ${process.versions.node}, whose own SQLite is missing or can lose writes: npm i ${PACKAGE}@1`,
  )
}

export function isSafe(version: string | undefined): boolean {
  const [major = 0, minor = 0, patch = 0] = (version ?? '').split('.').map(Number)
  if (major !== 3) return major > 3
  if (minor === 44) return patch >= 6
  if (minor === 50) return patch >= 7
  return minor > 51 || (minor === 51 && patch >= 3)
}

/** Opens a file. Called in the worker thread. */
export function openWith({ module }: Driver, file: string): Database {
  const { DatabaseSync } = createRequire(join(process.cwd(), 'package.json'))(module) as {
    DatabaseSync: new (file: string, options: { timeout: number }) => Database
  }
  return new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
}

/** How long to wait for the write lock if another process holds it. */
const BUSY_TIMEOUT_MS = 2_000

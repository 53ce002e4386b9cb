/** The options of an inbox in SQLite. */
import { resolve } from 'node:path'
import { checkWholeNumber, givenOptions } from '../../checks'
import { invalidOption } from '../../errors'

export interface KeepDeliveredOptions {
  /** How long the body of a delivered event is kept, to be viewed and replayed. Default: 604,800,000 ms (7 days). */
  forMs?: number | undefined
  /** Bytes of all these bodies; the oldest are removed first. Default: 1 GiB. */
  maxBytes?: number | undefined
}

export interface SqliteInboxOptions {
  /**
   * Path of the database. Its folder is created if it is missing, and two more files next to it end in `-wal` and `-shm`.
   * All processes on one machine may share it; it must be on a local disk. Required.
   */
  file: string
  /** Keeps the bodies of delivered events; they are personal data. `false` keeps none. Default: 7 days and 1 GiB. */
  keepDelivered?: false | KeepDeliveredOptions | undefined
  /** Bytes of the bodies that wait; above that, events are answered 503. Default: 1 GiB. */
  maxBytes?: number | undefined
  /** How long a delivered event is recognised when it arrives again. Default: 2,592,000,000 ms (30 days). */
  dedupeTtlMs?: number | undefined
}

export interface ResolvedSqliteInbox {
  file: string
  keepDelivered: false | { forMs: number; maxBytes: number }
  maxBytes: number
  dedupeTtlMs: number
}

const GIB = 1024 ** 3
const DAY_MS = 86_400_000

/** Throws `invalid_option`. */
export function resolveSqliteInbox(options: SqliteInboxOptions): ResolvedSqliteInbox {
  const known = ['file', 'keepDelivered', 'maxBytes', 'dedupeTtlMs']
  const { file, keepDelivered = {}, ...given } = givenOptions(options, known, "sqliteInbox({ file: 'inbox.db' })")
  if (typeof file !== 'string' || file === '') throw invalidOption('file', 'must be the path of the database')
  if (file === ':memory:' || file.startsWith('file:'))
    throw invalidOption('file', 'must be a path: events in memory do not survive a crash')
  return {
    file: resolve(file),
    keepDelivered: keepDelivered === false ? false : resolveKeepDelivered(keepDelivered),
    maxBytes: checkWholeNumber('maxBytes', given.maxBytes ?? GIB, 1, Number.MAX_SAFE_INTEGER),
    dedupeTtlMs: checkWholeNumber('dedupeTtlMs', given.dedupeTtlMs ?? 30 * DAY_MS, 0, Number.MAX_SAFE_INTEGER),
  }
}

function resolveKeepDelivered(options: unknown): { forMs: number; maxBytes: number } {
  if (typeof options !== 'object' || options === null)
    throw invalidOption('keepDelivered', 'must be false or { forMs, maxBytes }')
  const { forMs, maxBytes, ...rest } = options as KeepDeliveredOptions
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) throw invalidOption('keepDelivered', `has the unknown key ${JSON.stringify(unknown)}`)
  return {
    forMs: checkWholeNumber('keepDelivered.forMs', forMs ?? 7 * DAY_MS, 0, Number.MAX_SAFE_INTEGER),
    maxBytes: checkWholeNumber('keepDelivered.maxBytes', maxBytes ?? GIB, 0, Number.MAX_SAFE_INTEGER),
  }
}

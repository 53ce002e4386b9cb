/** The options of the file inbox: defaults and checks. */
import { resolve } from 'node:path'
import { checkWholeNumber, givenOptions } from '../../errors/checks'
import { invalidOption } from '../../errors/errors'

export interface FileInboxOptions {
  /**
   * A folder on a local disk, of this inbox alone; made where it is missing. Not on a network file system: flushing and
   * locking do not hold there. Required.
   */
  directory: string
  /**
   * What waiting, running and dead events may take up on disk, in bytes; above it events are answered 503. Each takes at
   * least 4 KiB there, and about 1 kB of memory. Default: 1,073,741,824 (1 GiB).
   */
  maxBytes?: number | undefined
  /** The same for quarantined bodies. Default: 268,435,456 (256 MiB). */
  maxQuarantineBytes?: number | undefined
  /** How long a delivered event is remembered, to tell duplicates. Default: 2,592,000,000 ms (30 days). */
  dedupeTtlMs?: number | undefined
}

export type ResolvedFileInboxOptions = { [Key in keyof FileInboxOptions]-?: Exclude<FileInboxOptions[Key], undefined> }

const MIB = 1024 * 1024
const DEFAULTS = { maxBytes: 1024 * MIB, maxQuarantineBytes: 256 * MIB, dedupeTtlMs: 30 * 86_400_000 }

export function resolveFileInboxOptions(options: FileInboxOptions): ResolvedFileInboxOptions {
  const given = givenOptions(options, ['directory', ...Object.keys(DEFAULTS)], 'fileInbox({ directory })')
  const { directory } = given
  if (typeof directory !== 'string' || directory.trim() === '')
    throw invalidOption('directory', 'must be the path of a folder on a local disk')
  const resolved = { ...DEFAULTS, ...given, directory: resolve(directory) }
  for (const option of ['maxBytes', 'maxQuarantineBytes', 'dedupeTtlMs'] as const)
    checkWholeNumber(option, resolved[option], 1, Number.MAX_SAFE_INTEGER)
  return resolved
}

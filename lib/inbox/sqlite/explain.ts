/** Converts errors of SQLite to messages for operators, which name the file, the problem, and what to do. */
import { readFileSync, statSync } from 'node:fs'
import { unavailable } from '../unavailable'
import { BUSY, CORRUPT } from './protocol'
import { SqliteError } from './thread'

/** The problem and what to do, by primary result code of SQLite. */
const REMEDIES: ReadonlyMap<number, string> = new Map([
  [8, 'cannot be written to: its disk is read-only, or its permissions do not allow it'],
  [10, 'could not be read or written: its disk has failed, is read-only, or is no longer there'],
  [
    CORRUPT,
    'is damaged: stop all processes, keep a copy, and recover it with `sqlite3 FILE .recover`, or `.dump` where that fails',
  ],
  [13, 'is on a disk that is full: free some space'],
  [
    14,
    'could not be opened: its folder is missing, its disk is read-only, its permissions do not allow it, or the process has too many open files',
  ],
  [26, 'is not a database: name another file, or restore it from a backup'],
])

export function explain(error: unknown, file: string): unknown {
  const { code: name, message } = error as { code?: unknown; message: string }
  if (name === 'ERR_WORKER_INIT_FAILED') return unavailable(`${file} could not be opened: ${message}.`, error)
  if (isLocked(error))
    return unavailable(`${file} is locked by ${lockHolder(file) ?? 'another process'}, which does not respond.`, error)
  const remedy = error instanceof SqliteError && error.code !== undefined ? REMEDIES.get(error.code) : undefined
  return remedy === undefined ? error : unavailable(`${file} ${remedy}.`, error)
}

export function isLocked(error: unknown): boolean {
  return error instanceof SqliteError && error.code === BUSY
}

/** Offset of the lock that a writer holds, in the file whose name ends in `-shm`. */
const WRITE_LOCK = 120

/** The process that holds the write lock, if the operating system reports it (only Linux does). */
function lockHolder(file: string): string | undefined {
  try {
    const { ino } = statSync(`${file}-shm`)
    const lock = new RegExp(`POSIX\\s+ADVISORY\\s+WRITE\\s+(\\d+)\\s+\\S+:${ino} ${WRITE_LOCK} `)
    const [, pid] = lock.exec(readFileSync('/proc/locks', 'latin1')) ?? []
    return pid && `process ${pid}`
  } catch {
    return undefined
  }
}

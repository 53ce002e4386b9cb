/**
 * Repairs the file after a failed flush. The operating system then reports the log as written, although parts of it may
 * be missing on disk. Runs in the worker thread.
 */
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs'
import type { SqliteTables } from './tables'

const PIECE_BYTES = 1024 * 1024
/** SQLite copies the log into the file once the log has this many pages of 4 KB, which are 32 MB. */
export const CHECKPOINT_PAGES = 8_000

/** True if a repair has begun and is not finished. */
export function isSuspect(tables: SqliteTables): boolean {
  return tables.get("SELECT 1 FROM meta WHERE key = 'suspect'") !== undefined
}

/**
 * Returns true if the log and the file are intact afterwards. The row `suspect` shows other processes that the repair
 * is not finished, even if they start after a crash of this process. The log is written again before anything is copied
 * from it into the file: otherwise, after a power cut, the file could have newer pages than the log.
 */
export function repair(tables: SqliteTables, file: string): boolean {
  tables.get('PRAGMA wal_autocheckpoint = 0')
  tables.run("INSERT INTO meta (key, value) VALUES ('suspect', 1) ON CONFLICT DO NOTHING")
  rewriteLog(tables, file)
  if (!checkpoint(tables)) return false
  tables.run("DELETE FROM meta WHERE key = 'suspect'")
  tables.get(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  return true
}

/**
 * Writes all pages of the log again. After a failed write the operating system treats the pages as written, and writes
 * them again only if they change.
 */
export function rewriteLog(tables: SqliteTables, file: string): void {
  // The log is written in a transaction, so that no other process writes to it meanwhile.
  tables.begin(false)
  try {
    const log = openSync(`${file}-wal`, 'r+')
    try {
      const piece = Buffer.alloc(PIECE_BYTES)
      for (let at = 0, size: number; (size = readSync(log, piece, 0, PIECE_BYTES, at)) > 0; at += size)
        writeSync(log, piece, 0, size, at)
      fdatasyncSync(log)
    } finally {
      closeSync(log)
    }
  } finally {
    tables.run('ROLLBACK')
  }
}

function checkpoint(tables: SqliteTables): boolean {
  const row = tables.get<{ busy: number; log: number; checkpointed: number }>('PRAGMA wal_checkpoint(TRUNCATE)')
  return row?.busy === 0 && row.log === row.checkpointed
}
